"""The one place where own vertices are made: sign, sync, then send (SPEC.md section 8.8)."""

from collections.abc import Callable, Sequence

import trio

from fogbank_protocol.identity import Identity, NetworkId

from ..limits import DISK_RETRY_S
from ..vertex import Draft, Vertex
from ..vertex_codec import encode_vertex, sign_vertex
from .failures import LogFull, LogUnusable, NotIssuing
from .own_log import OwnLog
from .views import DiskIsFull, Issuing, IssuingState, Silent, Stopped


class Issuer:
    """Makes own vertices one after another, so that the own chain never forks here."""

    def __init__(
        self,
        identity: Identity,
        network: NetworkId,
        *,
        insert: Callable[[Vertex], None],
        unix_time_s: Callable[[], int],
        store_failure: Callable[[], str | None],
    ) -> None:
        """``insert`` puts a vertex that is on disk into the ledger and sends it.

        ``store_failure`` says why the vertices of others cannot be written now, None when they can.
        """
        self._identity = identity
        self._network = network
        self._insert = insert
        self._unix_time_s = unix_time_s
        self._store_failure = store_failure
        self._log: OwnLog | None = None
        self._lock = trio.Lock()
        self._stopped: str | None = None
        self._full: tuple[str, float] | None = None
        self._changed = trio.Event()

    def state(self, silent: Silent) -> IssuingState:
        """Return whether vertices are issued; ``silent`` says what is missing before they are."""
        if self._stopped is not None:
            return Stopped(self._stopped)
        if self._log is None:
            return silent
        if self._full is not None and trio.current_time() < self._full[1]:
            return DiskIsFull(self._full[0])
        if (failure := self._store_failure()) is not None:
            return DiskIsFull(failure)
        return Issuing()

    def begin(self, log: OwnLog) -> None:
        """Issue from now on, and keep every vertex in ``log`` first."""
        self._log = log
        self._say_changed()

    def stop(self, reason: str) -> None:
        """Issue nothing more; ``reason`` is for people."""
        self._stopped = reason
        self._say_changed()

    async def wait_decided(self) -> None:
        """Return when issuing has begun or was stopped for good."""
        while self._log is None and self._stopped is None:
            await self._changed.wait()

    def turn(self) -> trio.Lock:
        """Return what holds the head of the own chain still: draft and ``issue`` inside it."""
        return self._lock

    async def issue(self, draft: Draft) -> Vertex:
        """Sign ``draft``, which stands on the own head; return when it is on disk and sent.

        Call it inside ``turn``.  Once it has begun, cancelling does not stop it.

        Raises:
            NotIssuing: it is not on disk, and was not sent.
        """
        log = self._log_to_use()
        vertex = sign_vertex(draft, self._identity, self._network, self._unix_time_s())
        with trio.CancelScope(shield=True):
            await self._keep(log, [encode_vertex(vertex)])
            self._insert(vertex)
        return vertex

    def _log_to_use(self) -> OwnLog:
        match self.state(Silent(0, 0)):
            case Issuing() if self._log is not None:
                return self._log
            case DiskIsFull(reason) | Stopped(reason):
                raise NotIssuing(reason)
            case _:
                raise NotIssuing("too few seats have answered since the start: try again soon")

    async def _keep(self, log: OwnLog, wires: Sequence[bytes]) -> None:
        try:
            await trio.to_thread.run_sync(log.append, wires)
        except LogFull as error:
            self._full = (str(error), trio.current_time() + DISK_RETRY_S)
            raise NotIssuing(str(error)) from error
        except LogUnusable as error:
            # Whether the vertex reached the disk is unknown, so nothing else may take its place
            # before the log was read again.
            self.stop(f"{error}; start the agent again when that is mended")
            raise NotIssuing(str(error)) from error
        self._full = None

    def _say_changed(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()
