"""One attempt at a run, and when to make the next (SPEC.md sections 9.3 to 9.5)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf

from fogbank_protocol.identity import NodeId

from ..limits import PLACEMENT_RETRY_S, PLACEMENT_RETRY_S_MAX
from .auction import Auction, Proposal
from .checkpoint import Checkpoint
from .job_messages import TickStated
from .reasons import Reason
from .ticks import drops_for


class Stage(Enum):
    """How far an attempt is."""

    BIDDING = "bidding"
    AGREEING = "agreeing"
    RUNNING = "running"
    COMMITTED = "committed"
    """The provider is bound to a result that it has not shown yet."""

    REVEALING = "revealing"


@dataclass(slots=True)
class Attempt:
    """An order that is out, or the agreement that came of it."""

    number: int
    auction: Auction
    stage: Stage = Stage.BIDDING
    proposal: Proposal | None = None
    ends_at: float = inf
    hedge_at: float = inf
    """When another provider is to have the run too."""

    start: Checkpoint | None = None
    before: Sequence["AttemptRecord"] = ()
    """Those whose work it goes on from, the first of them first."""

    is_late: bool = False
    """Another provider is to have the run too."""

    is_hedge: bool = False
    """It was begun while somebody was late."""

    is_silence_told: bool = False
    """The story says who had not answered when the bids were compared."""

    lot: int | None = None
    """What an auditor is drawn by; None where the cheapest is taken."""

    place: int = 0
    """Which of the auditors it is, from 0."""

    relied_on: int = 0
    """Drops that whoever agrees is seen to have at stake."""

    unpaid: list[TickStated] = field(default_factory=list[TickStated])
    """Statements that wait: its provider holds as much as it may without a result."""

    look_at: float = inf
    """When to look at those again."""

    @property
    def deadline(self) -> float:
        """When it is over if nothing happens."""
        if self.stage is Stage.BIDDING:
            return self.auction.deadline
        return min(self.ends_at, self.hedge_at, self.look_at)


@dataclass(slots=True)
class AttemptRecord:
    """An agreement that was made, and what became of it."""

    number: int
    proposal: Proposal
    failure: Reason | None = None
    start: Checkpoint | None = None
    """Where it went on; None when it began at the beginning."""

    before: Sequence["AttemptRecord"] = ()
    """Those whose work it went on from; none with a start from an earlier life of this agent."""

    checkpoint: Checkpoint | None = None
    """The latest state of it that is here."""

    ticked_fuel: int = 0
    """What its provider has stated while it worked."""

    ticked_drops: int = 0
    """What that made due."""

    relied_on: int = 0
    """Drops that its provider was seen to have at stake when it was made."""

    @property
    def signers(self) -> Sequence[tuple[NodeId | None, int]]:
        """Who made what it went on from, and the drops that each had stated for it.

        None stands for whoever handed it to an earlier life of this agent.
        """
        if self.start is None:
            return ()
        first = self.before[0] if self.before else self
        unknown = [] if first.start is None else [(None, 0)]
        return [*unknown, *((one.proposal.provider, one.ticked_drops) for one in self.before)]

    @property
    def drops_unshown(self) -> int:
        """Drops that were due for statements, and for which nothing is here."""
        if self.checkpoint is None:
            return self.ticked_drops
        begun = 0 if self.start is None else self.start.fuel
        shown = drops_for(self.checkpoint.fuel - begun, self.proposal.price)
        return max(0, self.ticked_drops - shown)


@dataclass(slots=True)
class Placement:
    """When to send the next order, after one that nobody took."""

    retry_at: float = -inf
    pause_s: float = PLACEMENT_RETRY_S
    stalled_since: float | None = None
    is_told: bool = False
    """The story says that there is nobody to ask."""

    is_queued: bool = False
    """Whoever gives back a place lets it try again."""

    def queue(self, now: float) -> None:
        """Wait for one's turn: other orders are out for the places that there are."""
        self.retry_at, self.is_queued = now + PLACEMENT_RETRY_S_MAX, True

    def stall(self, now: float, *, is_queued: bool = False) -> None:
        """Wait a while before the next order, longer each time."""
        self.is_queued = is_queued
        if self.stalled_since is None:
            self.stalled_since = now
        self.retry_at = now + self.pause_s
        self.pause_s = min(2 * self.pause_s, PLACEMENT_RETRY_S_MAX)

    def succeed(self) -> None:
        """Begin anew: somebody took it."""
        self.retry_at, self.pause_s, self.stalled_since = -inf, PLACEMENT_RETRY_S, None
        self.is_told = self.is_queued = False


def agreed(attempt: Attempt) -> Proposal:
    """Return the proposal that was taken; there must be one."""
    assert attempt.proposal is not None
    return attempt.proposal
