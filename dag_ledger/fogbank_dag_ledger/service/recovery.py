"""Reads back what the disk holds, at the start (SPEC.md section 8.8)."""

from collections.abc import Callable, Iterator, Sequence

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId

from ..ledger import Ledger
from ..limits import REPLAY_PAUSE_VERTICES
from ..vertex import Vertex, VertexId
from ..vertex_codec import decode_vertex
from .own_log import OwnLog
from .store import VertexStore


async def replay_store(
    store: VertexStore, network: NetworkId, take: Callable[[Sequence[Vertex]], None]
) -> int:
    """Give ``take`` all vertices of ``store`` in order, and return how many are damaged.

    Signatures were checked before they were stored; that nothing changed since then is seen by the
    hash in the id.
    """
    damaged = 0
    pages = store.replay()
    while (page := await trio.to_thread.run_sync(next, pages, None)) is not None:
        vertices = [_undamaged(vertex_id, wire, network) for vertex_id, wire in page]
        good = [vertex for vertex in vertices if vertex is not None]
        damaged += len(vertices) - len(good)
        for start in range(0, len(good), REPLAY_PAUSE_VERTICES):
            take(good[start : start + REPLAY_PAUSE_VERTICES])
            await trio.lowlevel.checkpoint()
    return damaged


def _undamaged(vertex_id: VertexId, wire: bytes, network: NetworkId) -> Vertex | None:
    try:
        vertex = decode_vertex(wire, network)
    except RemoteProtocolError:
        return None
    return vertex if vertex.id == vertex_id else None


class OwnReplay:
    """Puts the vertices of the own log into the ledger, in order, as far as their edges are here.

    When the store was lost, the edges come back from the others first.
    """

    def __init__(self, log: OwnLog, ledger: Ledger, take: Callable[[Vertex], None]) -> None:
        """Give ``take`` each vertex of ``log`` that ``ledger`` does not hold."""
        self._records: Iterator[bytes] = log.records()
        self._ledger = ledger
        self._take = take
        self._next: Vertex | None = None
        self.logged: set[VertexId] = set()
        """The vertices read so far."""

    async def advance(self) -> Sequence[VertexId]:
        """Go on; return the edges that are missing, none when the end was reached."""
        while True:
            if self._next is None:
                wire = next(self._records, None)
                if wire is None:
                    return ()
                self._next = decode_vertex(wire, self._ledger.genesis.network)
                self.logged.add(self._next.id)
                if len(self.logged) % REPLAY_PAUSE_VERTICES == 0:
                    await trio.lowlevel.checkpoint()
            if self._next.id not in self._ledger:
                missing = self._ledger.missing(self._next)
                if missing:
                    return missing
                self._take(self._next)
            self._next = None
