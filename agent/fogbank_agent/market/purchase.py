"""One run bought: orders in auctions, agreements, results, checks, until it is decided.

SPEC.md sections 9.3 to 9.6.  An **attempt** is one order: it begins with an auction and becomes an
agreement when somebody takes it.  Several are under way at once for a quorum.  Whatever happens,
the purchase ends accepted or failed with a reason; an accepted one opens again when a provider
whose voice decided it is caught elsewhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..limits import (
    AGREEMENT_WAIT_S,
    RESULT_GRACE_S,
)
from .attempt import Attempt, AttemptRecord, Placement, Stage, agreed
from .auction import Auction, Proposal
from .ballot import Ballot, BallotCommand, Catch
from .choice import Choice
from .job_messages import (
    AgreementRefused,
    AgreementSigned,
    AttemptBroke,
    BidCame,
    EndAttempt,
    JobInput,
    OffersChanged,
    OrderRefused,
    OwnRunEnded,
    ProgressTold,
    Refuse,
    ResultCame,
    SendOrder,
    SignAgreement,
    Tell,
)
from .orders import Verification
from .reasons import Reason
from .story import (
    AttemptFailed,
    BidSeen,
    OrderDeclined,
    RunFailed,
    RunOrdered,
    RunPlaced,
    RunProgressed,
    RunReopened,
    StoryEvent,
)
from .verification import Claim

_WORK_REFUSED = (Reason.BROKEN_RULE, Reason.DEADLINE_PASSED, Reason.PROVIDER_CAUGHT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseTerms:
    """What holds for every run of a job."""

    verification: Verification
    attempts_max: int
    patience_s: float
    run_s_max: float
    can_run_here: bool
    """There is an own sandbox to check with."""


class PurchaseState(Enum):
    """Where a run stands."""

    WAITING = "waiting"
    UNDER_WAY = "under way"
    ACCEPTED = "accepted"
    FAILED = "failed"


class Purchase:
    """The machine of one run."""

    def __init__(
        self, number: int, terms: PurchaseTerms, choice: Choice, draws: Iterator[int]
    ) -> None:
        """Buy run ``number``; ``draws`` gives 0 … 999,999 at random, for audits."""
        self.number = number
        self.state = PurchaseState.WAITING
        self.reason: Reason | None = None
        """Why it failed."""

        self.claim: Claim | None = None
        """The result, once accepted."""

        self.records: dict[int, AttemptRecord] = {}
        """The agreements that were made, by the attempt's number."""

        self.ballot = Ballot(
            number, terms.verification, choice, draws, can_run_here=terms.can_run_here
        )
        self._terms = terms
        self._choice = choice
        self._attempts: dict[int, Attempt] = {}
        self._attempts_left = terms.attempts_max
        self._number_next = 1
        self._placement = Placement()
        self._unreliable: set[NodeId] = set()
        self._waits = False

    @property
    def deadline(self) -> float:
        """When to call ``handle`` with a ``Tick``; inf when only others can move it."""
        if self.state is not PurchaseState.UNDER_WAY:
            return inf
        ends = min((attempt.deadline for attempt in self._attempts.values()), default=inf)
        return min(self._placement.retry_at, ends) if self._waits else ends

    @property
    def is_stalled(self) -> bool:
        """Whether it waits for a provider that takes it."""
        return self._placement.stalled_since is not None

    def begin(self, now: float) -> list[BallotCommand]:
        """Send the first order."""
        assert self.state is PurchaseState.WAITING
        self.state = PurchaseState.UNDER_WAY
        return self._proceed(now)

    def handle(self, event: JobInput | Tick, now: float) -> list[BallotCommand]:
        """Take one event at time ``now`` and return what to do.

        Events for attempts that have ended are ignored: they were on their way.
        """
        if self.state is not PurchaseState.UNDER_WAY:
            return []
        commands = self._take(event, now)
        return commands + self._proceed(now)

    def doubt(self, provider: NodeId, now: float) -> list[BallotCommand]:
        """Go on without the word of ``provider``, which was caught with another run."""
        match self.state:
            case PurchaseState.UNDER_WAY:
                return self._drop_provider(provider, now) + self._proceed(now)
            case PurchaseState.ACCEPTED if self.ballot.decision is None:
                return self._reopen(provider) + self._proceed(now)
            case _:
                return []

    def involves(self, provider: NodeId) -> bool:
        """Tell whether ``provider`` has, or had, an agreement for this run."""
        return any(record.proposal.provider == provider for record in self.records.values())

    # What each event does.

    def _take(self, event: JobInput | Tick, now: float) -> list[BallotCommand]:
        match event:
            case Tick():
                return []
            case OffersChanged():
                self._placement.retry_at = -inf
                return []
            case OwnRunEnded(_, outcome, fuel):
                return self.ballot.hear_own(outcome, fuel)
            case _:
                attempt = self._attempts.get(event.attempt)
                return [] if attempt is None else self._take_for(attempt, event, now)

    def _take_for(
        self,
        attempt: Attempt,
        event: BidCame
        | OrderRefused
        | AgreementSigned
        | AgreementRefused
        | ProgressTold
        | ResultCame
        | AttemptBroke,
        now: float,
    ) -> list[BallotCommand]:
        match event, attempt.stage:
            case BidCame(), Stage.BIDDING | Stage.AGREEING:
                return self._take_bid(attempt, event, now)
            case OrderRefused(), Stage.BIDDING | Stage.AGREEING:
                return self._take_decline(attempt, event.provider, event.reasons, now)
            case AgreementRefused(), Stage.AGREEING:
                return self._take_refusal(attempt, event.reason, now)
            case AgreementSigned(), Stage.AGREEING:
                return self._take_signature(attempt, now)
            case ProgressTold(), Stage.RUNNING:
                return self._take_progress(attempt, event.fuel)
            case ResultCame(), Stage.RUNNING:
                return self._take_result(attempt, event, now)
            case AttemptBroke(), Stage.AGREEING | Stage.RUNNING:
                return self._fail_attempt(attempt, event.reason, now)
            case _:
                return []

    def _take_bid(self, attempt: Attempt, bid: BidCame, now: float) -> list[BallotCommand]:
        valid_until = now + bid.valid_ms / 1_000
        proposal = Proposal(bid.provider, bid.price, bid.start_price, bid.start_ms, valid_until)
        if not attempt.auction.add(proposal):
            return []
        seen = BidSeen(attempt.number, bid.provider, bid.price, bid.start_price, bid.start_ms)
        return [self._tell(seen)]

    def _take_decline(
        self, attempt: Attempt, provider: NodeId, reasons: Sequence[Reason], now: float
    ) -> list[BallotCommand]:
        if not attempt.auction.decline(provider):
            return []
        if Reason.BUSY in reasons:
            self._choice.note_busy(provider, now)
        return [self._tell(OrderDeclined(attempt.number, provider, reasons))]

    def _take_refusal(self, attempt: Attempt, reason: Reason, now: float) -> list[BallotCommand]:
        """Go back to the auction's other bids."""
        proposal = agreed(attempt)
        self._release(attempt, now)
        attempt.stage, attempt.proposal = Stage.BIDDING, None
        attempt.auction.drop(proposal.provider)
        if reason is Reason.BUSY:
            self._choice.note_busy(proposal.provider, now)
        return [self._tell(OrderDeclined(attempt.number, proposal.provider, (reason,)))]

    def _take_signature(self, attempt: Attempt, now: float) -> list[BallotCommand]:
        proposal = agreed(attempt)
        attempt.stage = Stage.RUNNING
        attempt.ends_at = now + self._terms.run_s_max + RESULT_GRACE_S
        self._choice.begin_work(now)
        self._placement.succeed()
        self._attempts_left -= 1
        self.records[attempt.number] = AttemptRecord(attempt.number, proposal)
        placed = RunPlaced(attempt.number, proposal.provider, proposal.price, proposal.start_price)
        return [self._tell(placed)]

    def _take_progress(self, attempt: Attempt, fuel: int) -> list[BallotCommand]:
        provider = agreed(attempt).provider
        return [self._tell(RunProgressed(attempt.number, provider, fuel))]

    def _take_result(self, attempt: Attempt, result: ResultCame, now: float) -> list[BallotCommand]:
        proposal = agreed(attempt)
        self._end_attempt(attempt, now)
        self._choice.count_result(proposal.provider, result.fuel)
        return self.ballot.hear(attempt.number, proposal, result.outcome, result.fuel)

    # What follows from the state, whatever the event was.

    def _proceed(self, now: float) -> list[BallotCommand]:
        commands: list[BallotCommand] = []
        self._waits = False
        for attempt in list(self._attempts.values()):
            commands += self._proceed_with(attempt, now)
            if self.state is not PurchaseState.UNDER_WAY:
                return commands
        claim = self.ballot.decision
        if claim is not None:
            return commands + self._accept(claim, now)
        return commands + self._seek_voices(now)

    def _proceed_with(self, attempt: Attempt, now: float) -> list[BallotCommand]:
        match attempt.stage:
            case Stage.BIDDING if attempt.auction.is_over(now):
                return self._close_auction(attempt, now)
            case Stage.AGREEING if now >= attempt.ends_at:
                return self._give_up(attempt, Reason.NO_ANSWER, now)
            case Stage.RUNNING if now >= attempt.ends_at:
                return self._give_up(attempt, Reason.DEADLINE_PASSED, now)
            case _:
                return []

    def _close_auction(self, attempt: Attempt, now: float) -> list[BallotCommand]:
        proposals = attempt.auction.proposals(now)
        match self._choice.choose(proposals, self._shunned(), self._unreliable, now):
            case Proposal() as proposal:
                attempt.stage, attempt.proposal = Stage.AGREEING, proposal
                attempt.ends_at = now + AGREEMENT_WAIT_S
                self._choice.begin(proposal.provider)
                cost_max = self._choice.cost_max(proposal)
                self._choice.purse.reserve(self._key(attempt.number), cost_max)
                return [SignAgreement(self.number, attempt.number, proposal.provider)]
            case reason:
                self._end_attempt(attempt, now)
                ended = EndAttempt(self.number, attempt.number)
                return [ended, *self._wait_or_fail(reason, now)]

    def _wait_or_fail(self, reason: Reason, now: float) -> list[BallotCommand]:
        if reason is Reason.NO_FUNDS and not self._choice.purse.is_lending:
            return self._fail(Reason.NO_FUNDS, now)
        self._placement.stall(now)
        return []

    def _seek_voices(self, now: float) -> list[BallotCommand]:
        """Ask for the voices that are missing and not yet on their way."""
        missing = self.ballot.missing - len(self._attempts)
        if self.ballot.runs_here or missing <= 0:
            return []
        if self.ballot.prefers_own_voice and not self._attempts:
            return self.ballot.ask_here()
        commands: list[BallotCommand] = []
        while missing > 0 and now >= self._placement.retry_at and self._can_order():
            orders = self._order(now)
            commands += orders
            missing -= 1 if orders else 0
        self._waits = missing > 0 and self._can_order()
        if self._attempts or self.state is not PurchaseState.UNDER_WAY:
            return commands
        return commands + self._check_hope(now)

    def _can_order(self) -> bool:
        return self._attempts_left > len(self._attempts)

    def _order(self, now: float) -> list[BallotCommand]:
        providers = self._choice.whom_to_ask(self._shunned(), self._unreliable, now)
        if not providers:
            self._placement.stall(now)
            return []
        attempt = Attempt(self._number_next, Auction(providers, now))
        self._number_next += 1
        self._attempts[attempt.number] = attempt
        ordered = self._tell(RunOrdered(attempt.number, len(providers)))
        return [ordered, SendOrder(self.number, attempt.number, providers)]

    def _check_hope(self, now: float) -> list[BallotCommand]:
        """End the run when no provider will take it any more."""
        if not self._can_order():
            reason = Reason.UNVERIFIED if self.ballot.voices else Reason.ATTEMPTS_EXHAUSTED
        elif self._is_out_of_patience(now):
            reason = Reason.UNVERIFIED if self.ballot.voices else Reason.NO_PROVIDER
        else:
            return []
        if self.ballot.voices and self.ballot.can_run_here:
            return self.ballot.ask_here()
        return self._fail(reason, now)

    def _is_out_of_patience(self, now: float) -> bool:
        since = self._placement.stalled_since
        if since is None:
            return False
        # While providers work for the job, those that are busy will be free again.
        return now - max(since, self._choice.idle_since(now)) >= self._terms.patience_s

    # How a run ends, and begins again.

    def _accept(self, claim: Claim, now: float) -> list[BallotCommand]:
        commands = self._end_attempts(now)
        self.state, self.claim = PurchaseState.ACCEPTED, claim
        self._placement.succeed()
        return commands + self.ballot.accept(claim)

    def _fail(self, reason: Reason, now: float) -> list[BallotCommand]:
        commands = self._end_attempts(now)
        self.state, self.reason = PurchaseState.FAILED, reason
        self._placement.succeed()
        if reason is Reason.NO_PROVIDER:
            commands += [
                self._tell(OrderDeclined(0, provider, reasons))
                for provider, reasons in self._choice.explain(now)
            ]
        return [*commands, *self.ballot.give_up(), self._tell(RunFailed(reason))]

    def _reopen(self, provider: NodeId) -> list[BallotCommand]:
        self.state, self.claim = PurchaseState.UNDER_WAY, None
        self._attempts_left += 2
        return [self._tell(RunReopened(provider)), *self.ballot.reopen()]

    # Attempts.

    def _drop_provider(self, provider: NodeId, now: float) -> list[BallotCommand]:
        commands: list[BallotCommand] = []
        for attempt in list(self._attempts.values()):
            attempt.auction.drop(provider)
            if attempt.proposal is not None and attempt.proposal.provider == provider:
                commands += self._give_up(attempt, Reason.PROVIDER_CAUGHT, now)
        return commands

    def _give_up(self, attempt: Attempt, reason: Reason, now: float) -> list[BallotCommand]:
        ended = EndAttempt(self.number, attempt.number)
        return [ended, *self._fail_attempt(attempt, reason, now)]

    def _fail_attempt(self, attempt: Attempt, reason: Reason, now: float) -> list[BallotCommand]:
        provider = agreed(attempt).provider
        self._end_attempt(attempt, now)
        self._choice.count_failure(provider)
        self._unreliable.add(provider)
        if attempt.stage is Stage.AGREEING:
            # It counts as an order that nobody took, so that patience bounds the repetitions.
            self._placement.stall(now)
        record = self.records.get(attempt.number)
        if record is not None:
            record.failure = reason
        commands: list[BallotCommand] = [
            self._tell(AttemptFailed(attempt.number, provider, reason))
        ]
        if reason in _WORK_REFUSED:
            # It may have finished all the same, and is to hear that nothing is due.
            commands.append(Refuse(self.number, attempt.number, provider, reason))
        if reason is Reason.BROKEN_RULE:
            commands.append(Catch(provider))
        return commands

    def _end_attempts(self, now: float) -> list[BallotCommand]:
        commands: list[BallotCommand] = []
        for attempt in list(self._attempts.values()):
            self._end_attempt(attempt, now)
            commands.append(EndAttempt(self.number, attempt.number))
            if attempt.number in self.records:
                self.records[attempt.number].failure = Reason.CANCELLED
        return commands

    def _end_attempt(self, attempt: Attempt, now: float) -> None:
        self._release(attempt, now)
        del self._attempts[attempt.number]

    def _release(self, attempt: Attempt, now: float) -> None:
        if attempt.proposal is None:
            return
        self._choice.end(attempt.proposal.provider)
        self._choice.purse.release(self._key(attempt.number))
        if attempt.stage is Stage.RUNNING:
            self._choice.end_work(now)

    # Small questions.

    def _shunned(self) -> set[NodeId]:
        """Return those that have a voice already, or are about to."""
        agreed = {
            attempt.proposal.provider
            for attempt in self._attempts.values()
            if attempt.proposal is not None
        }
        return self.ballot.speakers | agreed

    def _key(self, attempt: int) -> tuple[int, int, int]:
        return (id(self._choice), self.number, attempt)

    def _tell(self, what: StoryEvent) -> Tell:
        return Tell(self.number, what)
