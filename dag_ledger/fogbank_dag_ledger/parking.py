"""Vertices that wait for parents not here yet, within bounds (SPEC.md section 8.7)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fogbank_protocol.identity import NodeId

from .limits import PARKED_MAX, PARKED_PER_PARENT_MAX, PARKED_PER_PEER_MAX
from .vertex import Vertex, VertexId


@dataclass(frozen=True, slots=True)
class Parked:
    """One vertex that waits, with the peer that sent it."""

    vertex: Vertex
    missing: set[VertexId]
    peer: NodeId | None
    pushed: bool
    """Nobody had asked for it."""


class Parking:
    """Waiting vertices, the longest waiting making room for the newest.

    Losing one is harmless: the frontier exchange asks for it again.
    """

    def __init__(self) -> None:
        self._parked: dict[VertexId, Parked] = {}
        self._waiting: dict[VertexId, list[VertexId]] = {}
        self._per_peer: defaultdict[NodeId | None, int] = defaultdict(int)

    def __len__(self) -> int:
        """Return how many vertices wait."""
        return len(self._parked)

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
        if vertex.id in self._parked or self._is_full(wanted, peer):
            return False
        if len(self._parked) == PARKED_MAX:
            self._remove(next(iter(self._parked)))
        self._parked[vertex.id] = Parked(vertex, wanted, peer, pushed)
        self._per_peer[peer] += 1
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

    def _is_full(self, wanted: set[VertexId], peer: NodeId | None) -> bool:
        if self._per_peer.get(peer, 0) >= PARKED_PER_PEER_MAX:
            return True
        return any(len(self._waiting.get(parent, ())) >= PARKED_PER_PARENT_MAX for parent in wanted)

    def _remove(self, vertex_id: VertexId) -> Parked:
        parked = self._parked.pop(vertex_id)
        self._per_peer[parked.peer] -= 1
        if not self._per_peer[parked.peer]:
            del self._per_peer[parked.peer]
        for parent in parked.missing:
            waiting = self._waiting[parent]
            waiting.remove(vertex_id)
            if not waiting:
                del self._waiting[parent]
        return parked
