"""One lot bought: orders in auctions, agreements, results, checks, until it is decided.

SPEC.md sections 9.3 to 9.6.  An **attempt** is one order: it begins with an auction and becomes an
agreement when somebody takes it.  Several are under way at once for a quorum.  Whatever happens,
the purchase ends accepted or failed with a reason; an accepted one opens again when a provider
whose voice decided it is caught elsewhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .attempt import AttemptRecord
from .attempts import Attempts
from .ballot import Ballot, BallotCommand
from .checkpoint import Checkpoint
from .choice import Choice
from .job_messages import (
    CheckEnded,
    JobInput,
    OffersChanged,
    OwnRunEnded,
    Tell,
)
from .orders import Verification
from .reasons import Reason
from .story import (
    RunFailed,
    RunReopened,
    StoryEvent,
)
from .verification import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseTerms:
    """What holds for every lot of a job."""

    verification: Verification
    attempts_max: int
    patience_s: float
    run_s_max: float
    hedge_s: float = inf
    """How long a provider may work before another one gets the lot too."""

    can_run_here: bool
    """There is an own sandbox to check with."""


class PurchaseState(Enum):
    """Where a lot stands."""

    WAITING = "waiting"
    UNDER_WAY = "under way"
    ACCEPTED = "accepted"
    FAILED = "failed"


class Purchase:
    """The machine of one lot."""

    def __init__(
        self,
        number: int,
        runs: range,
        terms: PurchaseTerms,
        choice: Choice,
        draws: Iterator[int],
        start: Checkpoint | None = None,
    ) -> None:
        """Buy these ``runs`` of the job; ``draws`` gives 0 … 999,999 at random, for audits.

        One alone may go on from ``start``.
        """
        self.number = number
        self.runs = runs
        """The runs of the job that the lot is made of."""
        self.state = PurchaseState.WAITING
        self.reason: Reason | None = None
        """Why it failed."""

        self.claim: Claim | None = None
        """The results, once accepted."""

        self.ballot = Ballot(
            number, terms.verification, choice, draws, can_run_here=terms.can_run_here
        )
        self._terms = terms
        self._choice = choice
        self._attempts = Attempts(
            number,
            runs,
            terms.attempts_max,
            terms.run_s_max,
            choice,
            self.ballot,
            hedge_s=terms.hedge_s,
            start=start,
        )
        self._waits = False
        """An order is due that could not be sent when it was tried last."""

    @property
    def deadline(self) -> float:
        """When to call ``handle`` with a ``Tick``; inf when only others can move it."""
        if self.state is not PurchaseState.UNDER_WAY:
            return inf
        ends = self._attempts.deadline
        return min(self._attempts.placement.retry_at, ends) if self._waits else ends

    @property
    def records(self) -> Mapping[int, AttemptRecord]:
        """The agreements that were made, by the attempt's number."""
        return self._attempts.records

    @property
    def start(self) -> Checkpoint | None:
        """The state that the run goes on from, for everybody who is asked now."""
        return self._attempts.start

    @property
    def is_stalled(self) -> bool:
        """Whether it waits for a provider that could take it."""
        return self.state is PurchaseState.UNDER_WAY and self._waits

    @property
    def is_queued(self) -> bool:
        """Whether all that it waits for is that somebody has a place again."""
        return self.is_stalled and self._attempts.placement.is_queued

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
        """Go on without the word of ``provider``, which was caught with another lot."""
        match self.state:
            case PurchaseState.UNDER_WAY:
                return self._attempts.drop(provider, now) + self._proceed(now)
            case PurchaseState.ACCEPTED if self.ballot.decision is None:
                return self._reopen(provider) + self._proceed(now)
            case _:
                return []

    def cancel(self, now: float) -> list[BallotCommand]:
        """End the lot, unless it has ended, because nobody wants it any more."""
        if self.state in (PurchaseState.ACCEPTED, PurchaseState.FAILED):
            return []
        return self._fail(Reason.CANCELLED, now)

    def involves(self, provider: NodeId) -> bool:
        """Tell whether ``provider`` has, or had, an agreement for this lot."""
        return any(record.proposal.provider == provider for record in self.records.values())

    # What each event does.

    def _take(self, event: JobInput | Tick, now: float) -> list[BallotCommand]:
        match event:
            case Tick():
                return []
            case OffersChanged():
                self._attempts.placement.retry_at = -inf
                return []
            case OwnRunEnded(is_start_wrong=True):
                return [*self.ballot.begin_anew(), *self._attempts.forget_start()]
            case OwnRunEnded(_, claim):
                return self.ballot.hear_own(claim)
            case CheckEnded():
                return self.ballot.hear_check(event)
            case _:
                return self._attempts.take(event, now)

    # What follows from the state, whatever the event was.

    def _proceed(self, now: float) -> list[BallotCommand]:
        self._waits = False
        commands = self._attempts.proceed(now)
        if self._attempts.committed and self._attempts.committed >= self.ballot.missing:
            commands += self._attempts.reveal(now)
        if self._attempts.is_too_poor:
            return commands + self._fail(Reason.NO_FUNDS, now)
        commands += self.ballot.draw_again()
        claim = self.ballot.decision
        if claim is not None:
            return commands + self._accept(claim, now)
        return commands + self._seek_voices(now)

    def _seek_voices(self, now: float) -> list[BallotCommand]:
        """Ask for the voices that are missing and not yet on their way."""
        attempts, missing = self._attempts, self.ballot.missing - self._attempts.in_time
        if self.ballot.is_checking or missing <= 0:
            return []
        if self.ballot.prefers_own_voice and not attempts.under_way:
            return self.ballot.ask_here()
        commands: list[BallotCommand] = []
        while missing > 0 and now >= attempts.placement.retry_at and attempts.can_order:
            in_time = attempts.in_time
            commands += attempts.order(now)
            missing -= attempts.in_time - in_time
        self._waits = missing > 0 and attempts.can_order
        if attempts.under_way > attempts.committed:
            return commands
        return commands + self._check_hope(now)

    def _check_hope(self, now: float) -> list[BallotCommand]:
        """End the run when no provider will take it any more."""
        if not self._attempts.can_order:
            reason = Reason.UNVERIFIED if self.ballot.voices else Reason.ATTEMPTS_EXHAUSTED
        elif self._waits and not self.ballot.voices and self._choice.is_penniless(now):
            # Waiting fills no wallet: who has to pay for everything is told so at once.
            reason = Reason.NO_FUNDS
        elif self._is_out_of_patience(now):
            reason = Reason.UNVERIFIED if self.ballot.voices else Reason.NO_PROVIDER
        else:
            return []
        if self._attempts.committed:
            # There will be no others: what these say is all that there is.
            return self._attempts.reveal(now)
        if self.ballot.voices and self.ballot.can_run_here:
            return self.ballot.stand_in()
        return self._fail(reason, now)

    def _is_out_of_patience(self, now: float) -> bool:
        since = self._attempts.placement.stalled_since
        if since is None:
            return False
        patience_s = self._terms.patience_s
        if self._choice.rests_on_others and self.ballot.voices:
            # Whoever was drawn has its turn first.
            patience_s += self._terms.run_s_max
        # While providers work for the job, those that are busy will be free again.
        return now - max(since, self._choice.idle_since(now)) >= patience_s

    # How a run ends, and begins again.

    def _accept(self, claim: Claim, now: float) -> list[BallotCommand]:
        commands = self._attempts.end_all(now)
        self.state, self.claim = PurchaseState.ACCEPTED, claim
        self._attempts.placement.succeed()
        return commands + self.ballot.accept(claim)

    def _fail(self, reason: Reason, now: float) -> list[BallotCommand]:
        commands = self._attempts.end_all(now, is_given_up=reason is Reason.CANCELLED)
        self.state, self.reason = PurchaseState.FAILED, reason
        self._attempts.placement.succeed()
        if reason is Reason.NO_PROVIDER:
            commands += self._attempts.explain(now)
        refusal = Reason.CANCELLED if reason is Reason.CANCELLED else Reason.UNVERIFIED
        if reason is not Reason.CANCELLED:
            commands += self.ballot.accuse_first()
        return [*commands, *self.ballot.give_up(refusal), self._tell(RunFailed(reason))]

    def _reopen(self, provider: NodeId) -> list[BallotCommand]:
        self.state, self.claim = PurchaseState.UNDER_WAY, None
        self._attempts.left += 2
        return [self._tell(RunReopened(provider)), *self.ballot.reopen()]

    def _tell(self, what: StoryEvent) -> Tell:
        return Tell(self.number, what)
