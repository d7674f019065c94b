"""The one place where own vertices are made: sign, sync, then send (SPEC.md section 8.8)."""

from collections.abc import Callable

import trio

from fogbank_protocol.identity import Identity, NetworkId

from ..participation.happenings import OwnKept, OwnLost, OwnRefused
from ..vertex import Draft
from ..vertex_codec import encode_vertex, sign_vertex
from .failures import LogFull, LogUnusable
from .own_log import OwnLog


class Issuer:
    """Signs and keeps own vertices."""

    def __init__(
        self,
        identity: Identity,
        network: NetworkId,
        log: OwnLog,
        unix_time_s: Callable[[], int],
    ) -> None:
        """Keep every vertex in ``log``; its ``ts`` is what ``unix_time_s`` says."""
        self._identity = identity
        self._network = network
        self._log = log
        self._unix_time_s = unix_time_s

    async def keep(self, draft: Draft) -> OwnKept | OwnRefused | OwnLost:
        """Sign ``draft`` and return when it is on disk, or why it is not.

        Cancelling does not stop it, or nobody would know whether the vertex exists.
        """
        vertex = sign_vertex(draft, self._identity, self._network, self._unix_time_s())
        with trio.CancelScope(shield=True):
            try:
                await trio.to_thread.run_sync(self._log.append, [encode_vertex(vertex)])
            except LogFull as error:
                return OwnRefused(str(error))
            except LogUnusable as error:
                return OwnLost(str(error))
        return OwnKept(vertex)
