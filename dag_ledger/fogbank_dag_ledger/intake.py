"""What becomes of vertices that arrive: taken, parked, refused (SPEC.md sections 8.3 and 8.7).

Here everything meets that needs no clock, disk or network: the ledger and what waits for edges.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .events import LedgerEvent, Unsolid
from .ledger import Ledger
from .parking import Parked, Parking
from .validity import may_hold_above_later_floor
from .vertex import Vertex, VertexId


@dataclass(slots=True)
class Outcome:
    """What became of some vertices, and of those that had waited for them."""

    accepted: list[tuple[Vertex, NodeId | None]] = field(
        default_factory=list[tuple[Vertex, NodeId | None]]
    )
    """In the order in which the ledger took them, each with the peer that had sent it."""

    events: list[LedgerEvent] = field(default_factory=list[LedgerEvent])
    missing: dict[VertexId, NodeId] = field(default_factory=dict[VertexId, NodeId])
    """Edges that are not here, each with the peer that sent a vertex that needs it."""

    checked: Counter[NodeId] = field(default_factory=Counter[NodeId])
    """How many new vertices of each peer were looked at."""

    invalid: Counter[NodeId] = field(default_factory=Counter[NodeId])
    """How many of them were invalid."""

    excusable: Counter[NodeId] = field(default_factory=Counter[NodeId])
    """How many of these may be valid for who stands on a newer floor (section 8.7)."""

    broken_rule: str = ""
    """What the last invalid vertex broke, for people."""

    def refuse(self, peer: NodeId | None, broken_rule: str) -> None:
        """Count an invalid vertex that ``peer`` had sent."""
        self.broken_rule = broken_rule
        if peer is not None:
            self.invalid[peer] += 1
            self.excusable[peer] += may_hold_above_later_floor(broken_rule)


class Intake:
    """Puts vertices whose signatures hold into a ledger, or lets them wait."""

    def __init__(self, ledger: Ledger) -> None:
        """Put them into ``ledger``, which nobody else changes."""
        self._ledger = ledger
        self._parking = Parking()

    @property
    def parked(self) -> int:
        """How many vertices wait for their edges."""
        return len(self._parking)

    def holds(self, vertex_id: VertexId) -> bool:
        """Tell whether the vertex is in the ledger or waits, so that it need not be checked."""
        return vertex_id in self._ledger or vertex_id in self._parking

    def take(
        self,
        vertices: Iterable[tuple[Vertex, NodeId | None]],
        pushed: Collection[VertexId] = (),
    ) -> Outcome:
        """Take vertices in any order, each with the peer that sent it; None: nobody did.

        ``pushed`` names those that nobody had asked for: they are taken only as far as section 8.6
        admits them beside those before them.
        """
        outcome = Outcome()
        for vertex, peer in vertices:
            ready = self._take_one(vertex, peer, vertex.id in pushed, outcome)
            # The list grows while it is iterated: what waited for one that waited.
            for one in ready:
                ready += self._take_one(one.vertex, one.peer, one.pushed, outcome)
        for vertex_id in [held for held in outcome.missing if self.holds(held)]:
            del outcome.missing[vertex_id]
        return outcome

    def _take_one(
        self, vertex: Vertex, peer: NodeId | None, pushed: bool, outcome: Outcome
    ) -> list[Parked]:
        """Take one, and return those that had waited for nothing else."""
        if pushed and self._ledger.unwanted(vertex) is not None:
            return []
        try:
            events = self._ledger.insert(vertex)
        except RemoteProtocolError as error:
            self._refuse(vertex, peer, error, outcome)
            return []
        if not events:
            return []
        match events[0]:
            case Unsolid(missing):
                self._park(vertex, missing, peer, pushed, outcome)
                return []
            case _:
                outcome.accepted.append((vertex, peer))
                outcome.events += events
                return self._parking.release(vertex.id)

    def _park(
        self,
        vertex: Vertex,
        missing: Sequence[VertexId],
        peer: NodeId | None,
        pushed: bool,
        outcome: Outcome,
    ) -> None:
        self._parking.add(vertex, missing, peer, pushed=pushed)
        # Even when there was no room for the vertex itself: its edges are wanted all the same.
        if peer is not None:
            for edge in missing:
                outcome.missing.setdefault(edge, peer)

    def _refuse(
        self, vertex: Vertex, peer: NodeId | None, error: RemoteProtocolError, outcome: Outcome
    ) -> None:
        self._parking.refuse(vertex.id)
        outcome.refuse(peer, error.rule)
