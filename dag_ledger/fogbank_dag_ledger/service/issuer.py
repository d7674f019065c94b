"""The one place where own vertices are made: sign, sync, then send (SPEC.md section 8.8)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import trio

from fogbank_protocol.identity import Identity, NetworkId

from ..limits import STRANGER_MARGIN_BITS
from ..participation.happenings import OwnKept, OwnLost, OwnRefused
from ..strangers import find_work
from ..vertex import ORDINARY, Draft
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
        work_wanted: Callable[[Draft], int],
    ) -> None:
        """Keep every vertex in ``log``; its ``ts`` is what ``unix_time_s`` says.

        ``work_wanted`` tells how much work the own node would ask for, in bits.
        """
        self._identity = identity
        self._network = network
        self._log = log
        self._unix_time_s = unix_time_s
        self._work_wanted = work_wanted

    async def keep(self, draft: Draft) -> OwnKept | OwnRefused | OwnLost:
        """Sign ``draft`` and return when it is on disk, or why it is not.

        Cancelling does not stop it once it is signed, or nobody would know whether it exists.
        """
        bits = self._work_wanted(draft) if draft.kind == ORDINARY else 0
        if bits:
            wanted = bits + STRANGER_MARGIN_BITS
            search = partial(find_work, self._network, draft.issuer, draft.seq, wanted)
            work = await trio.to_thread.run_sync(search, abandon_on_cancel=True)
            draft = replace(draft, work=work)
        vertex = sign_vertex(draft, self._identity, self._network, self._unix_time_s())
        with trio.CancelScope(shield=True):
            try:
                await trio.to_thread.run_sync(self._log.append, [encode_vertex(vertex)])
            except LogFull as error:
                return OwnRefused(str(error))
            except LogUnusable as error:
                return OwnLost(str(error))
        return OwnKept(vertex)
