"""The attempts at one lot that are under way: orders, agreements and their endings.

SPEC.md sections 9.3 to 9.5.  Several are under way at once for a quorum.
"""

from collections.abc import Sequence
from itertools import count
from math import inf

from fogbank_protocol.identity import NodeId, short_form

from ..limits import (
    ADVANCE_RETRY_S,
    AGREEMENT_WAIT_S,
    MOVES_FOR_PRICE_MAX,
    RESULT_GRACE_S,
    TICKS_BURST_MAX,
)
from .attempt import Attempt, AttemptRecord, Placement, Stage, agreed
from .auction import Auction, Proposal
from .ballot import Ballot, BallotCommand, Catch
from .checkpoint import Checkpoint
from .choice import Choice
from .job_messages import (
    AgreementRefused,
    AgreementSigned,
    AskReveal,
    AttemptBroke,
    BidCame,
    CheckpointKept,
    CommitmentCame,
    EndAttempt,
    OrderRefused,
    PayTick,
    Refuse,
    ResultCame,
    SendOrder,
    SignAgreement,
    Tell,
    TickStated,
)
from .reasons import Reason
from .story import (
    AdvanceSpent,
    AttemptCancelled,
    AttemptFailed,
    BidSeen,
    ChannelShort,
    MoneyShort,
    NobodyToAsk,
    OrderDeclined,
    ProvidersSilent,
    ResultCommitted,
    ResultReused,
    ResumeRefuted,
    RunBegunAnew,
    RunHedged,
    RunMoved,
    RunOrdered,
    RunPlaced,
    RunProgressed,
    RunResumed,
    StartRefuted,
    StateKept,
    StoryEvent,
    TicksOwed,
)
from .ticks import drops_for
from .verification import fuel_of, output_bytes_of

_DOUBTED = (Reason.BROKEN_RULE, Reason.PROVIDER_CAUGHT)
_WORK_REFUSED = (Reason.BROKEN_RULE, Reason.DEADLINE_PASSED, Reason.PROVIDER_CAUGHT)
_WORK_UNUSED = (
    Reason.BEATEN_ON_PRICE,
    Reason.DISK_FULL,
    Reason.OUTPUT_UNAVAILABLE,
    Reason.PROVIDER_LOST,
)
"""It may have finished too, and there is no other word for it that it would know."""


class Attempts:
    """Places one lot with providers, and follows it there."""

    def __init__(
        self,
        lot: int,
        runs: range,
        attempts_max: int,
        run_s_max: float,
        choice: Choice,
        ballot: Ballot,
        *,
        hedge_s: float = inf,
        start: Checkpoint | None = None,
    ) -> None:
        """Make at most ``attempts_max`` agreements on ``runs``; results go to ``ballot``.

        The first goes on from ``start``, which an earlier life of this agent has kept.
        """
        self.records: dict[int, AttemptRecord] = {}
        """The agreements that were made, by the attempt's number."""

        self.start = start if choice.can_move else None
        """Where further orders go on; None for the beginning."""

        self.placement = Placement()
        self.left = attempts_max
        """Agreements that may still be made."""

        self.is_too_poor = False
        """No bid can be paid, and no money will come back."""

        self._lot = lot
        self._runs, self._count = runs, len(runs)
        self._run_s_max = run_s_max
        self._hedge_s = hedge_s
        self._choice = choice
        self._ballot = ballot
        self._live: dict[int, Attempt] = {}
        self._bound: set[NodeId] = set()
        """Those that have committed to a result: nobody does that twice for a lot."""

        self._before: Sequence[AttemptRecord] = ()
        """Those whose work led to the start; the state is the last one's."""

        self._lost: AttemptRecord | None = None
        """Whose work is to be done again from the beginning."""

        self._number_next = 1
        self._unreliable: set[NodeId] = set()
        self._behind: set[NodeId] = set()
        """Those that were drawn as auditors and would not, or could not for long."""

        self._full_since: dict[NodeId, float] = {}
        """Since when those that were drawn are waited for."""

        self._places_taken: set[int] = set()
        """Of auditors that have spoken."""

        self._rivals: set[NodeId] = set()
        """Those whose offers the lot has moved for: it does so once for each."""

        self._moves_for_price = 0
        self._explained: set[tuple[NodeId, tuple[Reason, ...]]] = set()

    @property
    def under_way(self) -> int:
        """How many there are."""
        return len(self._live)

    @property
    def committed(self) -> int:
        """How many wait to be asked for the result that they are bound to."""
        return sum(attempt.stage is Stage.COMMITTED for attempt in self._live.values())

    @property
    def in_time(self) -> int:
        """How many there are that nobody else need be asked for."""
        return sum(not attempt.is_late for attempt in self._live.values())

    @property
    def can_order(self) -> bool:
        """Whether one more may be begun."""
        return self.left > len(self._live)

    @property
    def deadline(self) -> float:
        """When one of them is over if nothing happens."""
        return min((attempt.deadline for attempt in self._live.values()), default=inf)

    def take(
        self,
        event: BidCame
        | OrderRefused
        | AgreementSigned
        | AgreementRefused
        | TickStated
        | CheckpointKept
        | CommitmentCame
        | ResultCame
        | AttemptBroke,
        now: float,
    ) -> list[BallotCommand]:
        """Take an event; those for attempts that have ended are ignored: they were on their way."""
        attempt = self._live.get(event.attempt)
        if attempt is None:
            return []
        match event, attempt.stage:
            case BidCame(), Stage.BIDDING | Stage.AGREEING:
                return self._take_bid(attempt, event, now)
            case OrderRefused(), Stage.BIDDING | Stage.AGREEING:
                return self._take_decline(attempt, event.provider, event.reasons, now)
            case AgreementRefused(), Stage.AGREEING:
                return self._take_refusal(attempt, event.reason, now)
            case AgreementSigned(), Stage.AGREEING:
                return self._take_signature(attempt, now)
            case TickStated(), Stage.RUNNING:
                return self._take_tick(attempt, event, now)
            case CheckpointKept(), Stage.RUNNING:
                return self._keep_checkpoint(attempt, event.checkpoint, now)
            case CommitmentCame(), Stage.RUNNING:
                return self._take_commitment(attempt, now)
            case ResultCame(), Stage.RUNNING | Stage.COMMITTED | Stage.REVEALING:
                return self._take_result(attempt, event, now)
            case AttemptBroke(), stage if stage is not Stage.BIDDING:
                return self._fail_attempt(attempt, event.reason, now)
            case _:
                return []

    def _take_bid(self, attempt: Attempt, bid: BidCame, now: float) -> list[BallotCommand]:
        valid_until = now + bid.valid_ms / 1_000
        proposal = Proposal(
            bid.provider, bid.price, bid.start_price, bid.start_ms, valid_until, bid.reuse
        )
        if not attempt.auction.add(proposal):
            return []
        self._choice.note_willing(bid.provider)
        moving = self._choice.moving(bid.provider, self._runs, now)
        seen = BidSeen(
            attempt.number,
            bid.provider,
            bid.price,
            bid.start_price,
            bid.start_ms,
            moving.size,
            moving.milliseconds,
            moving.is_measured,
        )
        return [self._tell(seen)]

    def _take_decline(
        self, attempt: Attempt, provider: NodeId, reasons: Sequence[Reason], now: float
    ) -> list[BallotCommand]:
        if not attempt.auction.decline(provider):
            return []
        self._choice.note_unwilling(provider)
        if Reason.BUSY in reasons:
            self._choice.note_busy(provider, now)
            if attempt.lot is not None:
                self._full_since.setdefault(provider, now)
        else:
            self._put_behind(attempt, provider)
        return [self._tell(OrderDeclined(attempt.number, provider, reasons))]

    def _put_behind(self, attempt: Attempt, provider: NodeId) -> None:
        """Draw the other auditors first, until all of them would not."""
        if attempt.lot is None or not self._choice.rests_on_others:
            return
        if provider in self._behind:
            self._behind.clear()
        self._behind.add(provider)

    def _take_refusal(self, attempt: Attempt, reason: Reason, now: float) -> list[BallotCommand]:
        """Go back to the auction's other bids."""
        proposal = agreed(attempt)
        self._release(attempt, now)
        attempt.stage, attempt.proposal = Stage.BIDDING, None
        self._choice.begin_asking()
        attempt.auction.drop(proposal.provider)
        self._choice.note_unwilling(proposal.provider)
        if reason is Reason.BUSY:
            self._choice.note_busy(proposal.provider, now)
        else:
            self._put_behind(attempt, proposal.provider)
        return [self._tell(OrderDeclined(attempt.number, proposal.provider, (reason,)))]

    def _take_signature(self, attempt: Attempt, now: float) -> list[BallotCommand]:
        proposal = agreed(attempt)
        attempt.stage = Stage.RUNNING
        attempt.ends_at = now + self._run_s_max + RESULT_GRACE_S
        # Whoever was drawn must not have another drawn by being slow: of two a liar's friend, who
        # does no work, is the first.  And one is hedged by one other, not by all that there are.
        is_waited_for = attempt.lot is not None or attempt.is_hedge
        attempt.hedge_at = inf if is_waited_for else now + self._hedge_s
        self._choice.begin_work(now)
        self.placement.succeed()
        self.left -= 1
        self.records[attempt.number] = AttemptRecord(
            attempt.number,
            proposal,
            start=attempt.start,
            before=attempt.before,
            relied_on=attempt.relied_on,
        )
        placed = RunPlaced(attempt.number, proposal.provider, proposal.price, proposal.start_price)
        return [self._tell(placed)]

    def _take_tick(self, attempt: Attempt, tick: TickStated, now: float) -> list[BallotCommand]:
        if len(attempt.unpaid) >= TICKS_BURST_MAX:
            # It goes on unpaid, and nobody has to keep what it says of that.
            return self._give_up(attempt, Reason.TICK_UNPAID, now)
        attempt.unpaid.append(tick)
        return self._pay_ticks(attempt, now)

    def _pay_ticks(self, attempt: Attempt, now: float) -> list[BallotCommand]:
        """Pay what was stated, as far as the provider may hold so much without a result."""
        proposal, record = agreed(attempt), self.records[attempt.number]
        key, advances = self._key(attempt.number), self._choice.purse.advances
        commands: list[BallotCommand] = []
        while attempt.unpaid:
            more = drops_for(attempt.unpaid[0].fuel, proposal.price) - record.ticked_drops
            if not advances.may_pay(proposal.provider, key, record.drops_unshown + more, now):
                if attempt.look_at == inf:
                    held = AdvanceSpent(attempt.number, proposal.provider, record.ticked_drops)
                    commands.append(self._tell(held))
                attempt.look_at = now + ADVANCE_RETRY_S
                return commands
            commands += self._pay_tick(attempt, attempt.unpaid.pop(0))
        attempt.look_at = inf
        return commands

    def _pay_tick(self, attempt: Attempt, tick: TickStated) -> list[BallotCommand]:
        proposal, record = agreed(attempt), self.records[attempt.number]
        record.ticked_fuel, record.ticked_drops = tick.fuel, drops_for(tick.fuel, proposal.price)
        self._choice.note_stated(
            proposal.provider, (self._lot, attempt.number), record.ticked_drops
        )
        # What is owed is no longer set aside.
        key = self._key(attempt.number)
        self._choice.purse.release(key)
        cost = self._choice.expectation.most(proposal, self._count)
        self._choice.purse.reserve(key, max(0, cost - record.ticked_drops))
        self._hold(attempt, record.drops_unshown)
        told = RunProgressed(attempt.number, proposal.provider, tick.fuel)
        pay = PayTick(self._lot, attempt.number, proposal.provider, tick.statement, tick.fuel)
        return [self._tell(told), pay]

    def _hold(self, attempt: Attempt, drops: int = 0) -> None:
        """Count what the provider holds, or is expected to, without having shown anything."""
        proposal = agreed(attempt)
        expected = self._choice.expectation.advance(proposal, self._count)
        advances = self._choice.purse.advances
        advances.hold(proposal.provider, self._key(attempt.number), max(drops, expected))

    def _keep_checkpoint(
        self, attempt: Attempt, checkpoint: Checkpoint, now: float
    ) -> list[BallotCommand]:
        """Know from where others could go on; and let them when they ask much less."""
        record, proposal = self.records[attempt.number], agreed(attempt)
        record.checkpoint = checkpoint
        self._hold(attempt, record.drops_unshown)
        place = checkpoint.position, checkpoint.fuel
        kept = self._tell(StateKept(attempt.number, proposal.provider, *place))
        if not self._can_move(attempt) or self._moves_for_price >= MOVES_FOR_PRICE_MAX:
            return [kept]
        shunned = self._shunned() | self._unreliable | self._rivals
        rivals = self._choice.rivals(proposal, shunned, now)
        if not rivals:
            return [kept]
        self._rivals |= rivals
        self._moves_for_price += 1
        # It was this side's wish: what may still go wrong elsewhere is as much as before.
        self.left += 1
        return [kept, *self._give_up(attempt, Reason.BEATEN_ON_PRICE, now)]

    def _can_move(self, attempt: Attempt) -> bool:
        """Whether the rest may be another's: then nobody else's word is about the whole."""
        is_alone = not self._ballot.voices and set(self._live) <= {attempt.number}
        return is_alone and self._choice.can_move

    def _move(self, attempt: Attempt) -> None:
        """Go on from where an attempt that gave no result has come to."""
        record = self.records.get(attempt.number)
        if record is not None and record.checkpoint is not None and self._can_move(attempt):
            self.start, self._before = record.checkpoint, (*record.before, record)

    def forget_start(self) -> list[BallotCommand]:
        """Begin anew: the state that others went on from is wrong."""
        before, self.start, self._before = self._before, None, ()
        if not before:
            # Whoever handed it out did so to an earlier life of this agent.
            return [self._tell(ResumeRefuted())]
        mover = before[-1]
        told = self._tell(StartRefuted(mover.proposal.provider))
        # With one before it the lie may have been that one's.
        return [told, *([Catch(mover.proposal.provider)] if mover.start is None else [])]

    def _tell_ticks(self, number: int) -> list[BallotCommand]:
        record = self.records.get(number)
        if record is None or not record.ticked_fuel:
            return []
        provider, fuel = record.proposal.provider, record.ticked_fuel
        return [self._tell(TicksOwed(number, provider, fuel, record.ticked_drops))]

    def _take_commitment(self, attempt: Attempt, now: float) -> list[BallotCommand]:
        """Let the provider wait for the others: it has done its work, and its place is free."""
        proposal = agreed(attempt)
        attempt.stage, attempt.ends_at, attempt.hedge_at = Stage.COMMITTED, inf, inf
        # What it is bound to counts, however long it took.
        attempt.is_late = False
        attempt.look_at = inf
        # It asks no more before it is seen, and the others may have to hold as much.
        self._choice.purse.advances.end(self._key(attempt.number))
        self._bound.add(proposal.provider)
        self._choice.end(proposal.provider)
        self._choice.end_work(now)
        return [self._tell(ResultCommitted(attempt.number, proposal.provider))]

    def reveal(self, now: float) -> list[BallotCommand]:
        """Ask for all results that were committed to."""
        commands: list[BallotCommand] = []
        for attempt in self._live.values():
            if attempt.stage is Stage.COMMITTED:
                attempt.stage, attempt.ends_at = Stage.REVEALING, now + RESULT_GRACE_S
                commands.append(AskReveal(self._lot, attempt.number, agreed(attempt).provider))
        return commands

    def _take_result(self, attempt: Attempt, result: ResultCame, now: float) -> list[BallotCommand]:
        proposal = agreed(attempt)
        # What they are for is here now.
        shown = [one for tick in attempt.unpaid for one in self._pay_tick(attempt, tick)]
        self._end_attempt(attempt, now)
        self._choice.count_results(
            proposal.provider,
            fuel_of(result.claim),
            len(result.claim),
            output_bytes_of(result.claim),
        )
        record = self.records[attempt.number]
        begun = 0 if attempt.start is None else attempt.start.fuel
        number = attempt.number
        heard = self._ballot.hear(
            number,
            proposal,
            result.claim,
            paid=record.ticked_drops,
            begun=begun,
            relied_on=record.relied_on,
            signers=record.signers,
        )
        if attempt.lot is not None:
            self._places_taken.add(attempt.place)
        self.left = max(self.left, self._ballot.voices_most - len(self._ballot.voices))
        told = [*shown, *self._tell_ticks(attempt.number)]
        if result.evidence:
            told.append(self._tell(ResultReused(number, proposal.provider, result.evidence)))
        return [*told, *heard, *self._end_undrawn(now)]

    def _end_undrawn(self, now: float) -> list[BallotCommand]:
        """Stop all that were chosen by price and bound to nothing before a result was seen.

        Else a liar that is slow on purpose would be audited by a friend that bid for the hedge.
        """
        ended = [
            one
            for one in self._live.values()
            if one.lot is None and one.stage is not Stage.REVEALING
        ]
        return self._end(ended, now)

    def proceed(self, now: float) -> list[BallotCommand]:
        """Close the auctions that are over, and give up what has taken too long."""
        commands: list[BallotCommand] = []
        for attempt in list(self._live.values()):
            commands += self._proceed_with(attempt, now)
        return commands

    def _proceed_with(self, attempt: Attempt, now: float) -> list[BallotCommand]:
        match attempt.stage:
            case Stage.BIDDING if attempt.auction.is_over(now) or self._is_decided(attempt, now):
                return self._close_auction(attempt, now)
            case Stage.AGREEING if now >= attempt.ends_at:
                return self._give_up(attempt, Reason.NO_ANSWER, now)
            case Stage.RUNNING | Stage.REVEALING if now >= attempt.ends_at:
                return self._give_up(attempt, Reason.DEADLINE_PASSED, now)
            case Stage.RUNNING if now >= attempt.hedge_at:
                attempt.hedge_at, attempt.is_late = inf, True
                late_ms = round(self._hedge_s * 1_000)
                return [self._tell(RunHedged(attempt.number, agreed(attempt).provider, late_ms))]
            case Stage.RUNNING if now >= attempt.look_at:
                return self._pay_ticks(attempt, now)
            case _:
                return []

    def _is_decided(self, attempt: Attempt, now: float) -> bool:
        """Whether nobody who has not answered yet is expected to bid less than the best so far.

        An auditor is drawn among all that bid, so they are waited for.
        """
        proposals, unanswered = attempt.auction.proposals(now), attempt.auction.unanswered
        if not proposals or attempt.lot is not None:
            return False
        disliked = self._unreliable
        best = self._choice.choose(proposals, self._runs, self._shunned(), disliked, now)
        return isinstance(best, Proposal) and self._choice.is_cheapest(
            best, unanswered, self._runs, disliked, now
        )

    def _close_auction(self, attempt: Attempt, now: float) -> list[BallotCommand]:
        if now >= attempt.auction.deadline:
            # Else it ended early, and they may still have answered.
            for provider in attempt.auction.unanswered:
                self._choice.note_unwilling(provider)
        return [*self._tell_silent(attempt), *self._take_best(attempt, now)]

    def _tell_silent(self, attempt: Attempt) -> list[BallotCommand]:
        silent = attempt.auction.unanswered
        if not silent or attempt.is_silence_told:
            return []
        attempt.is_silence_told = True
        names = tuple(short_form(one) for one in attempt.auction.asked if one in silent)
        return [self._tell(ProvidersSilent(attempt.number, names))]

    def _take_best(self, attempt: Attempt, now: float) -> list[BallotCommand]:
        proposals = attempt.auction.proposals(now)
        for provider in attempt.auction.unanswered:
            self._put_behind(attempt, provider)
        shunned, disliked = self._shunned(), self._disliked
        match self._choice.choose(proposals, self._runs, shunned, disliked, now, lot=attempt.lot):
            case Proposal() as proposal:
                attempt.stage, attempt.proposal = Stage.AGREEING, proposal
                attempt.relied_on = self._choice.share(proposal.provider)
                attempt.ends_at = now + AGREEMENT_WAIT_S
                self._choice.end_asking()
                self._choice.begin(proposal.provider)
                cost = self._choice.expectation.most(proposal, self._count)
                self._choice.purse.reserve(self._key(attempt.number), cost)
                risk = self._choice.expectation.bill(proposal, self._count)
                self._choice.purse.risk(proposal.provider, self._key(attempt.number), risk)
                self._hold(attempt)
                return [SignAgreement(self._lot, attempt.number, proposal.provider)]
            case reason:
                self._end_attempt(attempt, now)
                ended = EndAttempt(self._lot, attempt.number)
                # Money that is set aside comes back; money that was never there does not.
                is_short, purse = reason is Reason.NO_FUNDS, self._choice.purse
                is_for_good = is_short and not (purse.is_lending or purse.is_coming)
                is_drawn = attempt.lot is not None and self._choice.rests_on_others
                self.is_too_poor = is_for_good and not is_drawn
                if is_for_good or not is_short:
                    # Whoever asks for more than there is, or than it has at stake, vetoes nothing.
                    for one in proposals:
                        self._put_behind(attempt, one.provider)
                self.placement.stall(now)
                if reason is not Reason.NO_FUNDS:
                    return [ended]
                needed = min(self._choice.expectation.most(one, self._count) for one in proposals)
                free = self._choice.purse.free
                return [ended, self._tell(MoneyShort(attempt.number, needed, free))]

    def order(self, now: float) -> list[BallotCommand]:
        """Send an order to the best-looking providers; nothing when there is none to ask."""
        shunned, place = self._shunned() | self._asked(), self._place_free()
        new = None if self._ballot.voices else self._runs
        if self._choice.is_asked_enough(shunned, now, new=new):
            self._queue(now)
            return []
        lot = self._ballot.draw_lot(place)
        if lot is not None and self._waits_for_drawn(lot, shunned, now):
            self._queue(now)
            return []
        disliked = self._disliked
        providers = self._choice.whom_to_ask(self._runs, shunned, disliked, now, lot=lot)
        if not providers:
            is_news, self.placement.is_told = not self.placement.is_told, True
            self.placement.stall(now, is_queued=True)
            return self._explain_silence(now) if is_news else []
        start = self.start
        auction = Auction(providers, now)
        attempt = Attempt(
            self._number_next,
            auction,
            start=start,
            before=self._before,
            is_hedge=any(one.is_late for one in self._live.values()),
            lot=lot,
            place=place,
        )
        self._number_next += 1
        self._live[attempt.number] = attempt
        self._choice.begin_asking()
        names = tuple(map(short_form, providers))
        ordered = self._tell(RunOrdered(attempt.number, len(providers), names))
        send = SendOrder(self._lot, attempt.number, providers, start)
        if start is None:
            lost, self._lost = self._lost, None
            if lost is None:
                return [ordered, send]
            whose, fuel = lost.proposal.provider, lost.ticked_fuel
            return [ordered, self._tell(RunBegunAnew(attempt.number, whose, fuel)), send]
        if not self._before:
            resumed = RunResumed(attempt.number, start.position, start.fuel)
            return [ordered, self._tell(resumed), send]
        mover = self._before[-1].proposal.provider
        moved = RunMoved(attempt.number, mover, start.position, start.fuel)
        return [ordered, self._tell(moved), send]

    def _place_free(self) -> int:
        """Return the first place among the auditors that nobody has, or is asked for."""
        taken = self._places_taken | {
            attempt.place for attempt in self._live.values() if attempt.lot is not None
        }
        return next(place for place in count() if place not in taken)

    def _queue(self, now: float) -> None:
        self.placement.queue(now)
        if self.placement.stalled_since is None:
            # A place comes free again; a stake, or what may be paid ahead, may never be enough.
            self.placement.stalled_since = now

    def _waits_for_drawn(self, lot: int, shunned: set[NodeId], now: float) -> bool:
        """Tell whether to wait for the auditor that ``lot`` has drawn.

        One that has no room for as long as a run may take gives its turn to the next.
        """
        while True:
            drawn = self._choice.drawn_auditor(lot, self._runs, shunned, self._disliked, now)
            if drawn is None:
                return False
            provider, has_room = drawn
            if not has_room:
                self._full_since.setdefault(provider, now)
            waited_s = now - self._full_since.get(provider, now)
            is_late = waited_s >= self._choice.bounds.run_ms_max / 1_000
            if not is_late or provider in self._disliked:
                return not has_room
            self._behind.add(provider)

    @property
    def _disliked(self) -> set[NodeId]:
        return self._unreliable | self._behind

    def _asked(self) -> set[NodeId]:
        """Return the auditors that are asked now: none is asked twice at once."""
        if not self._choice.rests_on_others:
            return set()
        return {
            provider
            for attempt in self._live.values()
            if attempt.lot is not None
            for provider in attempt.auction.asked
        }

    def _explain_silence(self, now: float) -> list[BallotCommand]:
        nobody = self._tell(NobodyToAsk(self._choice.offers_known(now)))
        return [nobody, *self.explain(now)]

    def explain(self, now: float) -> list[BallotCommand]:
        """Tell which offers do not fit and why, as far as it was not told before."""
        commands: list[BallotCommand] = []
        for provider, reasons in self._choice.explain(now):
            told = (provider, tuple(reasons))
            if told not in self._explained:
                self._explained.add(told)
                commands.append(self._tell(OrderDeclined(0, provider, reasons)))
        return commands

    def drop(self, provider: NodeId, now: float) -> list[BallotCommand]:
        """Go on without a provider that was caught."""
        commands: list[BallotCommand] = []
        for attempt in list(self._live.values()):
            attempt.auction.drop(provider)
            if attempt.proposal is not None and attempt.proposal.provider == provider:
                commands += self._give_up(attempt, Reason.PROVIDER_CAUGHT, now)
        if any(record.proposal.provider == provider for record in self._before):
            self.start, self._before = None, ()
        return commands

    def _give_up(self, attempt: Attempt, reason: Reason, now: float) -> list[BallotCommand]:
        ended = EndAttempt(self._lot, attempt.number)
        return [ended, *self._fail_attempt(attempt, reason, now)]

    def _fail_attempt(self, attempt: Attempt, reason: Reason, now: float) -> list[BallotCommand]:
        provider = agreed(attempt).provider
        if reason not in _DOUBTED:
            self._move(attempt)
        self._end_attempt(attempt, now)
        if reason not in (Reason.BEATEN_ON_PRICE, Reason.DISK_FULL):
            self._choice.count_failure(provider)
            self._choice.note_unwilling(provider)
        if reason is not Reason.BEATEN_ON_PRICE:
            # When the other does not keep what it offers, this one may go on before a dearer one.
            self._unreliable.add(provider)
        if attempt.stage is Stage.AGREEING:
            # It counts as an order that nobody took, so that patience bounds the repetitions.
            self.placement.stall(now)
        record = self.records.get(attempt.number)
        if record is not None:
            record.failure = reason
            self._choice.purse.advances.lose(provider, record.drops_unshown, now)
            if record.ticked_fuel and self.start is None:
                self._lost = record
        commands: list[BallotCommand] = [
            *self._tell_ticks(attempt.number),
            self._tell(AttemptFailed(attempt.number, provider, reason, record is not None)),
        ]
        short_of = self._choice.purse.short_of(provider)
        if reason is Reason.TICK_UNPAID and short_of is not None:
            commands.append(self._tell(ChannelShort(attempt.number, provider, short_of)))
        if reason in _WORK_REFUSED:
            # It may have finished all the same, and is to hear that nothing is due.
            commands.append(Refuse(self._lot, attempt.number, provider, reason))
        elif record is not None and reason in _WORK_UNUSED:
            commands.append(Refuse(self._lot, attempt.number, provider, Reason.CANCELLED))
        if reason is Reason.BROKEN_RULE:
            commands.append(Catch(provider))
        return commands

    def end_all(self, now: float, *, is_given_up: bool = False) -> list[BallotCommand]:
        """Stop whatever is under way: it is not wanted any more.

        With ``is_given_up`` by whoever wanted the job, and so nobody has kept anything for nothing.
        """
        return self._end(list(self._live.values()), now, is_given_up=is_given_up)

    def _end(
        self, attempts: Sequence[Attempt], now: float, *, is_given_up: bool = False
    ) -> list[BallotCommand]:
        commands: list[BallotCommand] = []
        for attempt in attempts:
            self._end_attempt(attempt, now)
            commands.append(EndAttempt(self._lot, attempt.number))
            if attempt.number in self.records:
                record = self.records[attempt.number]
                record.failure = Reason.CANCELLED
                if not is_given_up:
                    who, drops = record.proposal.provider, record.drops_unshown
                    self._choice.purse.advances.lose(who, drops, now)
                if attempt.is_late:
                    # Else who states work and never ends it would be given the next lot too.
                    self._choice.count_failure(record.proposal.provider)
                commands += self._tell_ticks(attempt.number)
                cancelled = AttemptCancelled(attempt.number, record.proposal.provider)
                commands.append(self._tell(cancelled))
                # Its receipt may be on the way.
                who = record.proposal.provider
                commands.append(Refuse(self._lot, attempt.number, who, Reason.CANCELLED))
        return commands

    def _end_attempt(self, attempt: Attempt, now: float) -> None:
        if attempt.stage is Stage.BIDDING:
            self._choice.end_asking()
        self._release(attempt, now)
        del self._live[attempt.number]

    def _release(self, attempt: Attempt, now: float) -> None:
        if attempt.proposal is None:
            return
        if attempt.stage in (Stage.AGREEING, Stage.RUNNING):
            self._choice.end(attempt.proposal.provider)
        self._choice.purse.release(self._key(attempt.number))
        self._choice.purse.end_risk(attempt.proposal.provider, self._key(attempt.number))
        self._choice.purse.advances.end(self._key(attempt.number))
        self._choice.end_stated(attempt.proposal.provider, (self._lot, attempt.number))
        if attempt.stage is Stage.RUNNING:
            self._choice.end_work(now)

    def _shunned(self) -> set[NodeId]:
        """Return those that have a voice already, or are about to."""
        agreed = {
            attempt.proposal.provider
            for attempt in self._live.values()
            if attempt.proposal is not None
        }
        return self._ballot.speakers | agreed | self._bound

    def _key(self, attempt: int) -> tuple[int, int, int]:
        return (id(self._choice), self._lot, attempt)

    def _tell(self, what: StoryEvent) -> Tell:
        return Tell(self._lot, what)
