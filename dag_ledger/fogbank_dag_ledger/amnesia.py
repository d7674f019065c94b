"""When this node may issue: not before enough seats have told what they hold of it (8.8).

A node that lost its disk, or whose card was put back to an old image, would issue a second vertex
where it had issued one before, and freeze its own account.  So it stays silent until seats of
weight Q less its own have said how far they know its chain, and it holds all of what they said.

They are the seats of the home in which its next vertex is: what follows its chain there was decided
by them, and by nobody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .limits import HEAD_ASK_INTERVAL_S
from .vertex import VertexId


@dataclass(frozen=True, slots=True)
class Started:
    """The own log and the store were read, and every own vertex in them is held."""


@dataclass(frozen=True, slots=True)
class SeatJoined:
    """A channel to ``peer`` is open."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class SeatLeft:
    """The channel to ``peer`` is gone."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class HeadAnswered:
    """``peer`` told the heads it holds of our chain; None when it did not answer."""

    peer: NodeId
    heads: tuple[VertexId, ...] | None


@dataclass(frozen=True, slots=True)
class OwnVertexHeld:
    """A vertex with our signature is held now; ``issued_here``: it is from here or the own log."""

    id: VertexId
    issued_here: bool


@dataclass(frozen=True, slots=True)
class AskHead:
    """Ask ``peer`` for the heads it holds of our chain."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class FetchOwn:
    """Get these vertices of our own from ``peer``, with whatever is below them."""

    peer: NodeId
    ids: tuple[VertexId, ...]


@dataclass(frozen=True, slots=True)
class BeginIssuing:
    """The own chain is known: vertices may be issued above its head."""


@dataclass(frozen=True, slots=True)
class StopIssuing:
    """No vertex may be issued any more; ``reason`` is a sentence for people."""

    reason: str


AmnesiaEvent: TypeAlias = Started | SeatJoined | SeatLeft | HeadAnswered | OwnVertexHeld
AmnesiaCommand: TypeAlias = AskHead | FetchOwn | BeginIssuing | StopIssuing

FORKED = (
    "two different vertices of this identity are in one place of its chain: its key is used on two "
    "machines, or an old copy of its state folder was put back. Payments from it are stopped. "
    "Stop every other agent with this identity; the account stays frozen until the seats free it"
)
FOREIGN = (
    "a vertex of this identity arrived that this agent did not issue: its key is used on another "
    "machine. Payments from it are stopped. Stop the other agent, then start this one again"
)


@dataclass(slots=True)
class _Seat:
    ask_at: float
    asking: bool = False
    has_answered: bool = False


@dataclass(slots=True)
class _OwnChain:
    by_seq: dict[int, VertexId] = field(default_factory=dict[int, VertexId])
    rivals: set[VertexId] = field(default_factory=set[VertexId])
    """What was held in the place of another one: of a fork that bars nobody any more."""

    def add(self, vertex_id: VertexId) -> bool:
        """Hold ``vertex_id``; False when another one is held in its place."""
        is_line = self.by_seq.setdefault(_seq(vertex_id), vertex_id) == vertex_id
        if not is_line:
            self.rivals.add(vertex_id)
        return is_line

    def forget_below(self, seq: int) -> None:
        """Forget the vertices before position ``seq``: nothing more can be issued there."""
        for one in [one for one in self.by_seq if one < seq]:
            del self.by_seq[one]

    def __contains__(self, vertex_id: VertexId) -> bool:
        return self.by_seq.get(_seq(vertex_id)) == vertex_id or vertex_id in self.rivals


class AmnesiaGuard:
    """Keeps this node silent until its own chain is known, and stops it when the chain forked."""

    def __init__(self, own: NodeId, weights: Mapping[NodeId, int], quorum: int) -> None:
        """Guard ``own`` in a committee of ``weights`` with ``quorum``."""
        self._own = own
        self._peers: dict[NodeId, None] = {}
        self._chain = _OwnChain()
        self.seat(weights, quorum, 0)
        self._forgiven = 0
        self._has_started = False
        self._may_issue = False
        self._stopped = False

    def seat(self, weights: Mapping[NodeId, int], quorum: int, now: float) -> None:
        """Guard in this committee from now on: everybody in it is asked anew."""
        self._weights = {peer: weight for peer, weight in weights.items() if peer != self._own}
        self._needed = max(0, quorum - weights.get(self._own, 0))
        self._seats = {peer: _Seat(ask_at=now) for peer in self._peers if peer in self._weights}
        self._answered: set[NodeId] = set()
        self._weight_answered = 0

    @property
    def deadline(self) -> float:
        """When a seat is asked next, in seconds on the caller's clock; inf when none is."""
        if not self._has_started or self._may_issue or self._stopped:
            return inf
        waiting = (seat for seat in self._seats.values() if not seat.asking)
        return min((seat.ask_at for seat in waiting if not seat.has_answered), default=inf)

    @property
    def weight_needed(self) -> int:
        """How much weight of seats must still answer; 0 when enough did."""
        return max(0, self._needed - self._weight_answered)

    def forget_below(self, seq: int) -> None:
        """Forget own vertices before position ``seq``, which are settled (8.21)."""
        self._chain.forget_below(seq)

    def forgive_below(self, seq: int) -> None:
        """Stop for no fork before position ``seq``: the seats have decided on it (8.6)."""
        self._forgiven = seq

    def handle(self, event: AmnesiaEvent | Tick, now: float) -> Sequence[AmnesiaCommand]:
        """Take one event at time ``now`` and return what to do."""
        match event:
            case Started():
                self._has_started = True
                if any(_seq(rival) >= self._forgiven for rival in self._chain.rivals):
                    return self._stop(FORKED)
                return [*self._begin_if_known(), *self._ask_due(now)]
            case SeatJoined(peer):
                self._peers[peer] = None
                if peer in self._weights:
                    self._seats[peer] = _Seat(ask_at=now)
                return self._ask_due(now)
            case SeatLeft(peer):
                self._peers.pop(peer, None)
                self._seats.pop(peer, None)
                return []
            case HeadAnswered(peer, heads):
                return self._take_answer(peer, heads, now)
            case OwnVertexHeld(vertex_id, issued_here):
                return self._hold(vertex_id, issued_here)
            case Tick():
                return self._ask_due(now)

    def _ask_due(self, now: float) -> list[AmnesiaCommand]:
        if self.deadline > now:
            return []
        due = [
            peer
            for peer, seat in self._seats.items()
            if seat.ask_at <= now and not seat.asking and not seat.has_answered
        ]
        for peer in due:
            self._seats[peer].asking = True
        return [AskHead(peer) for peer in due]

    def _take_answer(
        self, peer: NodeId, heads: tuple[VertexId, ...] | None, now: float
    ) -> list[AmnesiaCommand]:
        seat = self._seats.get(peer)
        if seat is None:
            return []
        seat.asking = False
        seat.ask_at = now + HEAD_ASK_INTERVAL_S
        if heads is None:
            return []
        unknown = tuple(head for head in heads if head not in self._chain)
        if unknown:
            # It counts when it is asked again and nothing it says is unknown any more: what a seat
            # only claims to hold proves nothing.
            return [FetchOwn(peer, unknown)]
        seat.has_answered = True
        self._answered.add(peer)
        self._weight_answered = sum(self._weights[one] for one in self._answered)
        return self._begin_if_known()

    def _begin_if_known(self) -> list[AmnesiaCommand]:
        if self._may_issue or self._stopped or not self._has_started or self.weight_needed:
            return []
        self._may_issue = True
        return [BeginIssuing()]

    def _hold(self, vertex_id: VertexId, issued_here: bool) -> list[AmnesiaCommand]:
        is_new = vertex_id not in self._chain
        if not self._chain.add(vertex_id):
            # While the disk is read it is not known yet what became of the fork.
            return self._stop(FORKED) if self._has_started else []
        if is_new and not issued_here and self._may_issue:
            return self._stop(FOREIGN)
        return []

    def _stop(self, reason: str) -> list[AmnesiaCommand]:
        if self._stopped:
            return []
        self._stopped = True
        self._may_issue = False
        return [StopIssuing(reason)]


def _seq(vertex_id: VertexId) -> int:
    return int.from_bytes(vertex_id[8:12], "big")
