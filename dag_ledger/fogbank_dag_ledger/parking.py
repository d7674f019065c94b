"""Vertices that wait for parents not here yet, within bounds (SPEC.md section 8.7)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fogbank_protocol.identity import NodeId

from .limits import (
    PARKED_BYTES_MAX,
    PARKED_MAX,
    PARKED_PER_PARENT_MAX,
    PARKED_PER_PEER_BYTES_MAX,
    PARKED_PER_PEER_MAX,
)
from .vertex import Vertex, VertexId


@dataclass(frozen=True, slots=True)
class Parked:
    """One vertex that waits, with the peer that sent it."""

    vertex: Vertex
    missing: set[VertexId]
    peer: NodeId | None
    pushed: bool
    """Nobody had asked for it."""


@dataclass(slots=True)
class _Sent:
    """How much waits that one peer sent."""

    count: int = 0
    body_bytes: int = 0


class Parking:
    """Waiting vertices, the longest waiting making room for the newest.

    Losing one is harmless: the frontier exchange asks for it again.
    """

    def __init__(self) -> None:
        self._parked: dict[VertexId, Parked] = {}
        self._waiting: dict[VertexId, list[VertexId]] = {}
        self._per_peer: defaultdict[NodeId | None, _Sent] = defaultdict(_Sent)
        self._body_bytes = 0

    def __len__(self) -> int:
        """Return how many vertices wait."""
        return len(self._parked)

    @property
    def body_bytes(self) -> int:
        """How many bytes their bodies have together."""
        return self._body_bytes

    def __contains__(self, vertex_id: VertexId) -> bool:
        """Tell whether the vertex waits here."""
        return vertex_id in self._parked

    def add(
        self,
        vertex: Vertex,
        missing: Iterable[VertexId],
        peer: NodeId | None,
        *,
        pushed: bool = False,
    ) -> bool:
        """Let ``vertex`` wait for ``missing``; False when the bounds have no room for it."""
        wanted = set(missing)
        assert wanted
        size = len(vertex.body)
        if vertex.id in self._parked or self._is_full(wanted, peer, size):
            return False
        while len(self._parked) == PARKED_MAX or self._body_bytes + size > PARKED_BYTES_MAX:
            self._remove(next(iter(self._parked)))
        self._parked[vertex.id] = Parked(vertex, wanted, peer, pushed)
        sent = self._per_peer[peer]
        sent.count += 1
        sent.body_bytes += size
        self._body_bytes += size
        for parent in wanted:
            self._waiting.setdefault(parent, []).append(vertex.id)
        return True

    def release(self, parent: VertexId) -> list[Parked]:
        """Say that ``parent`` is here; return the vertices that waited for nothing else."""
        released: list[Parked] = []
        for child in self._waiting.pop(parent, ()) if self._waiting else ():
            parked = self._parked[child]
            parked.missing.discard(parent)
            if not parked.missing:
                released.append(self._remove(child))
        return released

    def refuse(self, parent: VertexId) -> int:
        """Say that ``parent`` is invalid; drop what waits for it, and for that, and count them."""
        doomed, count = [parent], 0
        while doomed:
            for child in list(self._waiting.get(doomed.pop(), ())):
                self._remove(child)
                doomed.append(child)
                count += 1
        return count

    def _is_full(self, wanted: set[VertexId], peer: NodeId | None, size: int) -> bool:
        sent = self._per_peer.get(peer)
        if sent is not None and (
            sent.count >= PARKED_PER_PEER_MAX or sent.body_bytes + size > PARKED_PER_PEER_BYTES_MAX
        ):
            return True
        return any(len(self._waiting.get(parent, ())) >= PARKED_PER_PARENT_MAX for parent in wanted)

    def _remove(self, vertex_id: VertexId) -> Parked:
        parked = self._parked.pop(vertex_id)
        sent, size = self._per_peer[parked.peer], len(parked.vertex.body)
        sent.count -= 1
        sent.body_bytes -= size
        self._body_bytes -= size
        if not sent.count:
            del self._per_peer[parked.peer]
        for parent in parked.missing:
            waiting = self._waiting[parent]
            waiting.remove(vertex_id)
            if not waiting:
                del self._waiting[parent]
        return parked
