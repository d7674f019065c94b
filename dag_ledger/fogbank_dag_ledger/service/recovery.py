"""Reads back what the disk holds, at the start (SPEC.md section 8.8)."""

from collections.abc import Callable, Sequence

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId

from ..limits import REPLAY_PAUSE_VERTICES
from ..vertex import Vertex, VertexId
from ..vertex_codec import decode_vertex
from .store import VertexStore


async def replay_store(
    store: VertexStore, network: NetworkId, take: Callable[[Sequence[Vertex]], None]
) -> int:
    """Give ``take`` all vertices of ``store`` in order, and return how many are damaged.

    Signatures were checked before they were stored; that nothing changed since then is seen by the
    checksum of the row and the hash in the id.
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
