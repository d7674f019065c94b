"""Checks signatures beside the agent's own work: in a process when there are many (8.3.12).

The process is started when a backlog shows that it pays, and ends when it has been idle for a
while, so that an agent with little to do does not keep its memory.
"""

import logging
import os
import sys
from collections.abc import Sequence
from math import inf
from subprocess import DEVNULL, PIPE

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId

from ..limits import (
    VERIFY_BATCH,
    VERIFY_IDLE_S,
    VERIFY_INLINE_MAX,
    VERIFY_RETRY_S,
)
from ..signature_process import encode_claims
from ..vertex import Vertex
from ..vertex_codec import check_signature

_log = logging.getLogger(__name__)

_MODULE = "fogbank_dag_ledger.signature_process"


class SignatureChecks:
    """Tells whether signatures hold; answers come in the order of the questions."""

    def __init__(self, network: NetworkId, *, processors: int | None = None) -> None:
        """Check for ``network``; ``processors`` are those of the machine when it is not said."""
        self._network = network
        self._processors = _processors_here() if processors is None else processors
        self._wanted = trio.Event()
        self._process: _Process | None = None
        self._last_used = -inf

    @property
    def process_id(self) -> int | None:
        """The process that answers now, None while there is none."""
        return None if self._process is None else self._process.id

    async def hold(self, vertices: Sequence[Vertex]) -> list[bool]:
        """Return for each of ``vertices`` whether its signature holds."""
        if len(vertices) <= VERIFY_INLINE_MAX:
            return _signatures_hold(vertices, self._network)
        if len(vertices) >= VERIFY_BATCH:
            self._last_used = trio.current_time()
            self._wanted.set()
        if self._process is not None:
            try:
                return await self._process.ask(vertices, self._network)
            except _ProcessGone:
                self._process = None
        return await trio.to_thread.run_sync(_signatures_hold, vertices, self._network)

    def hold_now(self, vertices: Sequence[Vertex]) -> list[bool]:
        """Return the same at once; for a few only."""
        return _signatures_hold(vertices, self._network)

    async def run(self) -> None:
        """Keep the process while it is wanted, until cancelled."""
        if self._processors < 2:
            return
        while True:
            await self._wanted.wait()
            try:
                await self._keep_process()
            except (OSError, _ProcessGone) as error:
                _log.warning("signatures are checked in a thread: %s", error)
                await trio.sleep(VERIFY_RETRY_S)
            self._wanted = trio.Event()

    async def _keep_process(self) -> None:
        process = await _Process.start()
        self._process = process
        try:
            while not process.is_gone:
                ends_at = self._last_used + VERIFY_IDLE_S
                if ends_at <= trio.current_time():
                    return
                with trio.move_on_at(ends_at):
                    await process.wait_gone()
            raise _ProcessGone("the process that checks them ended")
        finally:
            self._process = None
            await process.close()


class _ProcessGone(Exception):
    """The process does not answer any more."""


class _Process:
    """One process that checks signatures, until it is closed."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.id = process.pid
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        # Both are handed on in the order of asking, so that each question gets its own answer.
        self._asking = trio.StrictFIFOLock()
        self._answering = trio.StrictFIFOLock()
        self._gone = trio.Event()

    @classmethod
    async def start(cls) -> "_Process":
        return cls(
            await trio.lowlevel.open_process(
                # -I: nothing of the caller's environment or folder decides what is imported.
                [sys.executable, "-I", "-m", _MODULE],
                stdin=PIPE,
                stdout=PIPE,
                stderr=None if _log.isEnabledFor(logging.DEBUG) else DEVNULL,
                cwd="/",
                # Of no terminal: what interrupts the agent is the agent's to hand on.
                start_new_session=True,
            )
        )

    @property
    def is_gone(self) -> bool:
        return self._gone.is_set()

    async def wait_gone(self) -> None:
        await self._gone.wait()

    async def ask(self, vertices: Sequence[Vertex], network: NetworkId) -> list[bool]:
        try:
            async with self._asking:
                self._check_alive()
                await self._stdin.send_all(encode_claims(vertices, network))
            async with self._answering:
                self._check_alive()
                return await self._read(len(vertices))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._gone.set()
            raise _ProcessGone from None
        except trio.Cancelled:
            # The answer that is left in the pipe would be taken for the next one's.
            self._gone.set()
            raise

    def _check_alive(self) -> None:
        if self.is_gone:
            raise _ProcessGone

    async def _read(self, count: int) -> list[bool]:
        answer = b""
        while len(answer) < count:
            data = await self._stdout.receive_some(count - len(answer))
            if not data:
                raise trio.BrokenResourceError
            answer += data
        return [one == 1 for one in answer]

    async def close(self) -> None:
        self._gone.set()
        with trio.CancelScope(shield=True):
            self._process.kill()
            await self._stdin.aclose()
            await self._stdout.aclose()
            await self._process.wait()


def _processors_here() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _signatures_hold(vertices: Sequence[Vertex], network: NetworkId) -> list[bool]:
    """Check each signature; runs in a worker thread and touches nothing shared."""
    holds: list[bool] = []
    for vertex in vertices:
        try:
            check_signature(vertex, network)
        except RemoteProtocolError:
            holds.append(False)
        else:
            holds.append(True)
    return holds
