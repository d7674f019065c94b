"""One dispute over a wrong result, as a machine (SPEC.md section 9.10).

It gathers the findings of a stake's watch until enough agree, and then has the proof shown on the
ledger and the stake seized.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import TypeAlias

from fogbank_dag_ledger.operations import WrongResult
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..limits import DISPUTE_LASTS_S, DISPUTE_RETRY_S
from .reasons import Reason

_TEMPORARY = frozenset(
    {
        Reason.BUSY,
        Reason.CANNOT_EXECUTE,
        Reason.NO_ANSWER,
        Reason.PROOF_UNAVAILABLE,
        Reason.PROVIDER_LOST,
        Reason.SHUTTING_DOWN,
    }
)
"""A member that says so is asked again."""


class DisputeState(StrEnum):
    """How far a dispute is."""

    OPEN = "open"
    """The watch is asked."""

    PROVED = "proved"
    """Enough of the watch agree; the proof goes to the ledger."""

    SEIZED = "seized"
    """The stake is gone."""

    RIGHT = "right"
    """Enough of the watch found the result right."""

    UNHEARD = "unheard"
    """Not enough of the watch would say so."""

    REFUSED = "refused"
    """Enough of the watch agreed, but the ledger took the proof or the seizure at no time."""

    TOO_LATE = "too late"
    """The stake was at its end before."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self not in (DisputeState.OPEN, DisputeState.PROVED)


# Events.


@dataclass(frozen=True, slots=True)
class FindingCame:
    """A member found the result wrong; its signature holds."""

    member: NodeId
    right: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class MemberDeclined:
    """A member signed nothing."""

    member: NodeId
    reason: Reason


@dataclass(frozen=True, slots=True)
class StakeEnded:
    """The stake is settled: seized or taken back."""

    is_seized: bool


DisputeEvent: TypeAlias = FindingCame | MemberDeclined | StakeEnded

# Commands.


@dataclass(frozen=True, slots=True)
class AskMember:
    """Ask a member for its finding."""

    member: NodeId


@dataclass(frozen=True, slots=True)
class ShowProof:
    """Slash the stake by this proof, and seize it, as often as that takes until the end."""

    proof: WrongResult


@dataclass(frozen=True, slots=True)
class EndDispute:
    """The dispute is over; its ``state`` says how."""


DisputeCommand: TypeAlias = AskMember | ShowProof | EndDispute


class Dispute:
    """Gathers findings about one result."""

    def __init__(
        self, receipt_id: bytes, number: int, watch: Sequence[NodeId], need: int, began: float
    ) -> None:
        """Dispute result ``number`` of a receipt before ``watch``, of whom ``need`` must agree.

        ``began`` is the time, on the caller's clock, from which ``DISPUTE_LASTS_S`` counts.
        """
        self.state = DisputeState.OPEN
        self._receipt_id = receipt_id
        self._number = number
        self._watch = watch
        self._need = need
        self._ends_at = began + DISPUTE_LASTS_S
        self._findings: dict[NodeId, tuple[bytes, bytes]] = {}
        """What a member found, and its signature."""

        self._right = 0
        """How many members found the result right."""

        self._asked: set[NodeId] = set()
        self._again_at: dict[NodeId, float] = {}

    @property
    def deadline(self) -> float:
        """When to call ``handle`` with a ``Tick``."""
        match self.state:
            case DisputeState.OPEN:
                return min([self._ends_at, *self._again_at.values()])
            case DisputeState.PROVED:
                return self._ends_at
            case _:
                return inf

    @property
    def found(self) -> int:
        """How many members have found the result wrong."""
        return len(self._findings)

    def begin(self) -> Sequence[DisputeCommand]:
        """Ask everybody."""
        self._asked.update(self._watch)
        return [AskMember(member) for member in self._watch]

    def handle(self, event: DisputeEvent | Tick, now: float) -> Sequence[DisputeCommand]:
        """Return what follows from ``event`` at ``now``."""
        if self.state.is_over:
            return []
        match event:
            case StakeEnded(is_seized):
                return self._end(DisputeState.SEIZED if is_seized else DisputeState.TOO_LATE)
            case Tick() if self.state is DisputeState.PROVED:
                return self._end(DisputeState.REFUSED) if now >= self._ends_at else []
            case _ if self.state is not DisputeState.OPEN:
                return []
            case FindingCame(member, right, signature):
                if member not in self._asked:
                    return []
                self._asked.discard(member)
                self._findings[member] = (right, signature)
                return self._count(right, now) or self._see_end()
            case MemberDeclined(member, reason):
                if member not in self._asked:
                    return []
                self._asked.discard(member)
                if reason in _TEMPORARY:
                    self._again_at[member] = now + DISPUTE_RETRY_S
                self._right += reason is Reason.RESULT_RIGHT
                if self._right >= self._need:
                    return self._end(DisputeState.RIGHT)
                return self._see_end()
            case Tick():
                return self._pass_time(now)

    def _pass_time(self, now: float) -> Sequence[DisputeCommand]:
        if now >= self._ends_at:
            return self._end(DisputeState.UNHEARD)
        again = [member for member, at in self._again_at.items() if at <= now]
        for member in again:
            del self._again_at[member]
        self._asked.update(again)
        return [AskMember(member) for member in again]

    def _count(self, right: bytes, now: float) -> Sequence[DisputeCommand]:
        agreed = [
            (number, self._findings[member][1])
            for number, member in enumerate(self._watch)
            if member in self._findings and self._findings[member][0] == right
        ]
        if len(agreed) < self._need:
            return []
        self.state = DisputeState.PROVED
        # The ledger has as long again, however long the watch took.
        self._ends_at = now + DISPUTE_LASTS_S
        numbers, signatures = zip(*agreed, strict=True)
        proof = WrongResult(self._receipt_id, self._number, right, numbers, signatures)
        return [ShowProof(proof)]

    def _see_end(self) -> Sequence[DisputeCommand]:
        """Give up when those left to hear of cannot make it enough, either way."""
        found = Counter(right for right, _ in self._findings.values())
        left = len(self._asked) + len(self._again_at)
        if max(self._right, *found.values(), 0) + left >= self._need:
            return []
        return self._end(DisputeState.UNHEARD)

    def _end(self, state: DisputeState) -> Sequence[DisputeCommand]:
        self.state = state
        return [EndDispute()]
