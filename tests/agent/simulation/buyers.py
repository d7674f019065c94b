"""Requestors of a made-up market, on the machines that buy."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import Any

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.bids import Bid
from fogbank_agent.market.choice import Choice, RunBounds
from fogbank_agent.market.deterrence import Deterrence
from fogbank_agent.market.funding import (
    ChannelsSeen,
    CloseChannel,
    DropsPaid,
    Funding,
    FundingCommand,
    OpenChannel,
    ProvidersWanted,
    ReclaimChannel,
    TopUpChannel,
)
from fogbank_agent.market.job import Job
from fogbank_agent.market.job_messages import (
    Accuse,
    AgreementRefused,
    AgreementSigned,
    AskReveal,
    AttemptBroke,
    BidCame,
    CheckEnded,
    CheckHere,
    CommitmentCame,
    EndAttempt,
    EndJob,
    JobCommand,
    OffersChanged,
    OrderRefused,
    Owe,
    OwnRunEnded,
    PayTick,
    Refuse,
    ResultCame,
    RunHere,
    SendOrder,
    SignAgreement,
    Tell,
    TickStated,
    Withdraw,
)
from fogbank_agent.market.offer_book import OfferBook
from fogbank_agent.market.orders import (
    NoVerification,
    Order,
    OrderId,
    Quorum,
    Verification,
    Verify,
)
from fogbank_agent.market.purchase import PurchaseTerms
from fogbank_agent.market.purse import Purse
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.reputation import Reputation
from fogbank_agent.market.settlement import Settler
from fogbank_agent.market.settlement_messages import (
    BillOwed,
    BillRefused,
    BillWithdrawn,
    CreditKnown,
    Pay,
    PaymentFailed,
    PaymentMade,
    PaymentsWanted,
    ProviderCame,
    SendSettlement,
    SettlementAnswered,
    SettlementUnanswered,
)
from fogbank_agent.market.settlements import Payment
from fogbank_agent.market.story import CheckBegun, CheckSpared, ProviderCaught, ResultArrived
from fogbank_agent.market.tally import Bill, ChannelTally, LaneTally, royalty_of
from fogbank_agent.market.ticks import drops_for
from fogbank_agent.market.verification import Claim, Verdict
from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..market.objects import an_order
from ..market.town import PACKAGE
from .bank import Bank
from .events import Events
from .sellers import Kind, Seller, Task, is_right, said

OWN_FUEL_PER_S = 10**9
VERIFIER_SHARE = 20
"""How much less than the run a verifier takes."""

ROYALTY_PPM = 20_000
DEPOSIT = 500_000
CHECKS_AT_ONCE = 4
PATIENCE_S = 60.0
BOUNDLESS = 1 << 62
"""Drops that nobody has."""


@dataclass(frozen=True, slots=True)
class Said:
    """A result that came, and the probability with which a lie in it is found."""

    job: int
    lot: int
    provider: NodeId
    claim: Claim
    audit: float
    stake: int
    """What a lie that is found is seen to cost its provider, in drops."""

    auditors: int
    """How many others have to confirm it."""


@dataclass(slots=True)
class Buyer:
    """One requestor, which buys one job after another."""

    id: NodeId
    sellers: Mapping[NodeId, Seller]
    events: Events
    bank: Bank
    verification: Verification
    jobs: int
    runs: int
    fuel: int
    """Of each run."""

    stake_of: Callable[[NodeId], int]
    """What a provider is seen to have at stake, as far as this requestor may count on it."""

    worth_of: Callable[[NodeId], int]
    """What all of it is worth."""

    accuse: Callable[[NodeId], None]
    """Shows the watch that a provider lied."""

    contradict: Callable[[NodeId, bool, Sequence[NodeId]], None]
    """Shows the watch what others contradict, whether it is right, and who they are."""

    pays: bool
    is_credulous: bool
    """Takes every stake for boundless, and so looks at the record of results alone."""

    can_run_here: bool
    lots_at_once: int
    hedge_s: float
    author: NodeId

    book: OfferBook = field(default_factory=OfferBook)
    reputation: Reputation = field(default_factory=Reputation)
    settler: Settler = field(default_factory=Settler)
    funding: Funding = field(default_factory=lambda: Funding(DEPOSIT))
    tallies: dict[ObjectId, ChannelTally] = field(default_factory=dict[ObjectId, ChannelTally])
    given: dict[ObjectId, dict[int, LaneTally]] = field(
        default_factory=dict[ObjectId, dict[int, LaneTally]]
    )
    finished: list[Job] = field(default_factory=list[Job])
    said: list[Said] = field(default_factory=list[Said])
    caught: Counter[NodeId] = field(default_factory=Counter[NodeId])
    fuel_checked: int = 0
    job: Job | None = None
    purse: Purse = field(init=False)
    _orders: dict[tuple[int, int], Order] = field(default_factory=dict[tuple[int, int], Order])
    _agreed: dict[tuple[int, int], tuple[NodeId, AgreementId]] = field(
        default_factory=dict[tuple[int, int], tuple[NodeId, AgreementId]]
    )
    _bound: dict[tuple[int, int], Callable[[], None]] = field(
        default_factory=dict[tuple[int, int], Callable[[], None]]
    )
    """What members of a quorum are bound to show."""

    _ticks_at: float = inf
    _numbers: int = 0

    def __post_init__(self) -> None:
        self.purse = Purse(
            lambda: self.bank.wallets[self.id] + self.funding.total_left, self.funding.left
        )

    @property
    def is_done(self) -> bool:
        """Whether all jobs have ended, and everybody knows what was paid."""
        return len(self.finished) == self.jobs and (not self.pays or self.settler.is_settled())

    # Jobs.

    def begin(self) -> None:
        """Begin the next job."""
        bounds = RunBounds(
            package_id=PACKAGE,
            package_bytes=100_000,
            shape="reactor",
            input_bytes_max=1_000,
            memory_bytes_max=1 << 24,
            output_bytes_max=1 << 20,
            fuel_max=2 * self.fuel,
            price_max=100_000,
            start_price_max=100,
            verification=self.verification,
        )
        terms = PurchaseTerms(
            verification=self.verification,
            attempts_max=16,
            patience_s=PATIENCE_S,
            run_s_max=60.0,
            hedge_s=self.hedge_s,
            can_run_here=self.can_run_here,
        )
        choice = Choice(
            bounds,
            self.book,
            self.purse,
            self.reputation,
            Deterrence(
                (lambda _: BOUNDLESS) if self.is_credulous else self.stake_of,
                self.worth_of,
                can_execute=self.can_run_here,
            ),
        )
        self.job = Job([100] * self.runs, self.lots_at_once, terms, choice, self._draws())
        self._want_channels()
        self._do(self.job.begin(self.events.now))

    def _draws(self) -> Iterator[int]:
        while True:
            yield self.events.draw.randrange(1_000_000)

    def tell(self, job: Job, event: Any) -> None:
        """Let ``job`` know, if it is still the one under way."""
        if job is self.job:
            self._do(job.handle(event, self.events.now))

    def _do(self, commands: Sequence[JobCommand]) -> None:
        job = self.job
        assert job is not None
        for command in commands:
            self._perform(job, command)
        self._wake()

    def _wake(self) -> None:
        """Tick when a machine wants to be told the time."""
        at = min(self.settler.deadline, self.job.deadline if self.job is not None else inf)
        if at < self._ticks_at:
            self._ticks_at = at
            self.events.after(max(0.0, at - self.events.now), lambda: self._tick(at))

    def _tick(self, at: float) -> None:
        if at != self._ticks_at:
            return
        self._ticks_at = inf
        if self.job is not None:
            self.tell(self.job, Tick())
        self._pay(self.settler.handle(Tick(), self.events.now))

    def _perform(self, job: Job, command: JobCommand) -> None:
        match command:
            case SendOrder(lot, attempt, providers):
                self._order(job, lot, attempt, providers)
            case SignAgreement(lot, attempt, provider):
                self._agree(job, lot, attempt, provider)
            case EndAttempt(lot, attempt) if (lot, attempt) in self._agreed:
                provider, agreement = self._agreed[lot, attempt]
                self.events.send(lambda: self.sellers[provider].stop(agreement))
            case AskReveal(lot, attempt, provider):
                show = self._bound.pop((lot, attempt))
                self.events.send(lambda: show() if self.sellers[provider].is_up else None)
            case RunHere(lot):
                task = self._task(lot)
                ended = OwnRunEnded(lot, task.truth)
                self._check(task.runs * self.fuel, lambda: self.tell(job, ended))
            case CheckHere(lot, attempt, claim, None):
                # A verifier sees whether an output is right, and not what it took.
                fuel, truth = len(claim) * self.fuel // VERIFIER_SHARE, self._task(lot).truth
                verdict = Verdict.SOUND if is_right(claim, truth) else Verdict.WRONG
                judged = CheckEnded(lot, attempt, verdict, fuel)
                self._check(fuel, lambda: self.tell(job, judged))
            case CheckHere(lot, attempt, claim, places) if places is not None:
                fuel, truth = len(places) * self.fuel, self._task(lot).truth
                is_sound = all(claim[place] == truth[place] for place in places)
                verdict = Verdict.SOUND if is_sound else Verdict.WRONG
                repeated = CheckEnded(lot, attempt, verdict, fuel)
                self._check(fuel, lambda: self.tell(job, repeated))
            case Tell(lot, CheckBegun(rate_ppm) | CheckSpared(rate_ppm)):
                self._note_rate(lot, rate_ppm)
            case Owe(lot, attempt, provider, drops):
                _, agreement = self._agreed[lot, attempt]
                royalty = royalty_of(drops, ROYALTY_PPM)
                author = self.author if royalty else None
                self._settle(BillOwed(provider, Bill(agreement, drops, author, royalty)))
            case PayTick(_, _, provider, statement, fuel):
                price = self.sellers[provider].prices.price
                part = self._part(statement, price, fuel)
                self._settle(BillOwed(provider, part, is_urgent=True))
            case Withdraw(lot, attempt, provider):
                self._settle(BillWithdrawn(provider, self._agreed[lot, attempt][1]))
            case Refuse(lot, attempt, provider, reason):
                self._settle(BillRefused(provider, self._agreed[lot, attempt][1], reason))
                if reason is Reason.WRONG_RESULT and not self.can_run_here:
                    self._contradict(lot, provider)
            case Accuse(lot, _, provider):
                self._contradict(lot, provider)
            case Tell(_, ProviderCaught(provider)):
                self.caught[provider] += 1
                if self.can_run_here:
                    self.accuse(provider)
            case EndJob():
                self._end_job(job)
            case _:
                pass

    def _contradict(self, lot: int, provider: NodeId) -> None:
        """Have the watch look at what was voted wrong: this requestor cannot tell."""
        heard = [one for one in self.said if (one.job, one.lot) == (len(self.finished), lot)]
        claim = next(one.claim for one in heard if one.provider == provider)
        others = [one.provider for one in heard if one.claim != claim]
        self.contradict(provider, claim == self._task(lot).truth, others)

    def _check(self, fuel: int, then: Callable[[], None]) -> None:
        self.fuel_checked += fuel
        self.events.after(fuel / OWN_FUEL_PER_S, then)

    def _note_rate(self, lot: int, rate_ppm: int) -> None:
        """After a verifier has accepted it, fuel that is too high is found with this chance."""
        if not isinstance(self.verification, Verify):
            return
        for at, one in reversed(list(enumerate(self.said))):
            if (one.job, one.lot) == (len(self.finished), lot):
                self.said[at] = replace(one, audit=rate_ppm / 1_000_000)
                return

    def _end_job(self, job: Job) -> None:
        self.finished.append(job)
        self.job = None
        self._orders.clear()
        self._bound.clear()
        self._agreed.clear()
        self._settle(PaymentsWanted())
        if len(self.finished) < self.jobs:
            self.events.after(self.events.draw.uniform(0.5, 3.0), self.begin)

    # Orders and agreements.

    def _order(self, job: Job, lot: int, attempt: int, providers: Sequence[NodeId]) -> None:
        order = an_order(
            requestor=self.id,
            package_id=PACKAGE,
            fuel_max=2 * self.fuel,
            price_max=100_000,
            verification=self.verification,
        )
        self._orders[lot, attempt] = order
        for provider in providers:
            self.events.send(partial(self._ask, job, lot, attempt, order, provider))

    def _ask(self, job: Job, lot: int, attempt: int, order: Order, who: NodeId) -> None:
        seller = self.sellers[who]
        if not seller.is_up:
            return
        answer = seller.answer(order, OrderId(bytes(32)))
        event: BidCame | OrderRefused
        if isinstance(answer, Bid):
            event = BidCame(
                lot,
                attempt,
                who,
                answer.price,
                answer.start_price,
                answer.start_ms,
                answer.valid_ms,
            )
        else:
            event = OrderRefused(lot, attempt, who, answer.reasons)
        self.events.send(lambda: self.tell(job, event))

    def _agree(self, job: Job, lot: int, attempt: int, provider: NodeId) -> None:
        self._numbers += 1
        agreement = AgreementId(self.id[:16] + self._numbers.to_bytes(16, "big"))
        self._agreed[lot, attempt] = (provider, agreement)
        task = self._task(lot, agreement)
        self.events.send(lambda: self._place(job, lot, attempt, provider, task))

    def _place(self, job: Job, lot: int, attempt: int, provider: NodeId, task: Task) -> None:
        seller = self.sellers[provider]
        if not seller.is_up or job is not self.job:
            return
        order = self._orders[lot, attempt]
        finish = self._commit if isinstance(self.verification, Quorum) else self._deliver
        reason = seller.agree(
            order, task, lambda claim: finish(job, lot, attempt, seller, task, claim)
        )
        if reason is None and seller.kind is Kind.ABSCONDING:
            half_s = task.runs * task.fuel / seller.fuel_per_s / 2
            self.events.after(half_s, lambda: self._rob(job, lot, attempt, seller, task))
        event = AgreementSigned(lot, attempt) if reason is None else None
        answer = event or AgreementRefused(lot, attempt, reason or Reason.OTHER)
        self.events.send(lambda: self.tell(job, answer))

    def _rob(self, job: Job, lot: int, attempt: int, seller: Seller, task: Task) -> None:
        """Let ``seller`` state all of the work, and leave a second later."""
        if job is not self.job or not seller.has(task.agreement):
            return
        statement = AgreementId(b"statement" + task.agreement[9:])
        fuel = task.runs * task.fuel
        seller.state(self.id, task, self._part(statement, seller.prices.price, fuel))
        self.tell(job, TickStated(lot, attempt, statement, fuel))

        def leave() -> None:
            seller.leave(task, statement)
            self.tell(job, AttemptBroke(lot, attempt, Reason.SHUTTING_DOWN))

        self.events.after(1.0, leave)

    def _part(self, statement: AgreementId, price: int, fuel: int) -> Bill:
        drops = drops_for(fuel, price)
        royalty = royalty_of(drops, ROYALTY_PPM)
        return Bill(statement, drops, self.author if royalty else None, royalty)

    def _commit(
        self, job: Job, lot: int, attempt: int, seller: Seller, task: Task, claim: Claim
    ) -> None:
        """Bind the provider to ``claim``, which nobody sees until it is asked for."""
        if job is not self.job:
            return
        self._bound[lot, attempt] = partial(self._deliver, job, lot, attempt, seller, task, claim)
        seller.bind(self.id, task.agreement, seller.bill(claim))
        if not self.events.send(lambda: self.tell(job, CommitmentCame(lot, attempt))):
            broke = AttemptBroke(lot, attempt, Reason.PROVIDER_LOST)
            self.events.after(1.0, lambda: self.tell(job, broke))

    def _deliver(
        self, job: Job, lot: int, attempt: int, seller: Seller, task: Task, claim: Claim
    ) -> None:
        seller.show(task, claim)
        drops = seller.bill(claim)
        royalty = royalty_of(drops, ROYALTY_PPM)
        author = self.author if royalty else None
        seller.earn(self.id, Bill(task.agreement, drops, author, royalty))
        if not self.events.send(lambda: self._hear(job, lot, attempt, seller.id, claim)):
            broke = AttemptBroke(lot, attempt, Reason.PROVIDER_LOST)
            self.events.after(1.0, lambda: self.tell(job, broke))

    def _hear(self, job: Job, lot: int, attempt: int, provider: NodeId, claim: Claim) -> None:
        if job is not self.job:
            return
        commands = job.handle(ResultCame(lot, attempt, claim), self.events.now)
        told = [one.what for one in commands if isinstance(one, Tell) and one.lot == lot]
        if any(isinstance(one, ResultArrived) for one in told):
            rates = [one.rate_ppm for one in told if isinstance(one, CheckBegun | CheckSpared)]
            # When another claim is being checked already, so is this one.
            never = isinstance(self.verification, NoVerification | Quorum)
            audit = 0.0 if never else rates[0] / 1_000_000 if rates else 1.0
            if isinstance(self.verification, Verify) and is_right(claim, self._task(lot).truth):
                # Unless its fuel is audited once the verifier has accepted it.
                audit = 0.0
            stake = self.stake_of(provider)
            auditors = 1
            if job.choice.rests_on_others:
                # It is lost once for all that is undecided.
                bill = self.sellers[provider].bill(claim)
                at_risk = max(bill, self.purse.at_risk(provider))
                auditors = job.choice.auditors(provider, at_risk)
                stake = stake * bill // at_risk
            self.said.append(Said(len(self.finished), lot, provider, claim, audit, stake, auditors))
        self._do(commands)

    def _task(self, lot: int, agreement: AgreementId | None = None) -> Task:
        name = self._name(len(self.finished), lot)
        assert self.job is not None
        runs = len(self.job.purchases[lot].runs)
        return Task(self.id, agreement or AgreementId(bytes(32)), name, self.fuel, runs)

    def truth(self, job: int, lot: int) -> Claim:
        """Return the right result of a lot."""
        runs = len(self.finished[job].purchases[lot].runs)
        return said(b"right" + self._name(job, lot), self.fuel, runs)

    def _name(self, job: int, lot: int) -> bytes:
        return self.id[:4] + job.to_bytes(4, "big") + lot.to_bytes(4, "big")

    # Providers come and go.

    def meet(self, seller: Seller) -> None:
        """Take in the offer of a provider that came."""
        self.book.put(seller.offer(), self.events.now)
        self._settle(CreditKnown(seller.id, seller.prices.credit))
        self._settle(ProviderCame(seller.id))
        if self.job is not None:
            self._want_channels()
            self.tell(self.job, OffersChanged())

    def miss(self, provider: NodeId) -> None:
        """Notice that a provider is gone; its streams break."""
        self.book.forget(provider)
        job = self.job
        for (lot, attempt), (who, _) in list(self._agreed.items()):
            if who == provider and job is not None:
                self.tell(job, AttemptBroke(lot, attempt, Reason.PROVIDER_LOST))

    # Money.

    def _settle(self, event: Any) -> None:
        self._pay(self.settler.handle(event, self.events.now))

    def _pay(self, commands: Sequence[Any]) -> None:
        for command in commands:
            match command:
                case Pay(provider, bills):
                    self.events.after(0.001, partial(self._sign, provider, bills))
                case SendSettlement():
                    self._send(command)
                case _:
                    raise AssertionError(command)
        self.purse.owed = self.settler.owed
        self._wake()

    def _sign(self, provider: NodeId, bills: Sequence[Bill]) -> None:
        channel = self.funding.channel(provider)
        if channel is None or not self.pays:
            self._settle(PaymentFailed(provider))
            return
        left, affordable = self.funding.left(provider), list[Bill]()
        for one in bills:
            left -= one.drops
            if left < 0:
                break
            affordable.append(one)
        tally = self.tallies.setdefault(channel, ChannelTally())
        payments: list[tuple[Payment, Sequence[AgreementId]]] = []
        for lane in tally.pay(affordable):
            self.given.setdefault(channel, {})[lane.lane] = lane.after
            payment = Payment(channel, _voucher(lane.lane, lane.after))
            payments.append((payment, [one.agreement for one in lane.bills]))
        self._fund(self.funding.handle(DropsPaid(channel, tally.total), self.events.now))
        if payments:
            self._settle(PaymentMade(provider, payments))
        else:
            self._settle(PaymentFailed(provider))

    def _send(self, command: SendSettlement) -> None:
        provider, settlement = command.provider, command.settlement
        seller = self.sellers[provider]

        def arrive() -> None:
            if seller.is_up:
                seller.settle(self.id, settlement)
                if self.events.send(lambda: self._settle(SettlementAnswered(provider))):
                    return
            self.events.after(5.0, lambda: self._settle(SettlementUnanswered(provider)))

        if not self.events.send(arrive):
            self.events.after(5.0, lambda: self._settle(SettlementUnanswered(provider)))

    def _want_channels(self) -> None:
        assert self.job is not None
        wanted = ProvidersWanted(self.id, self.job.choice.wanted(self.events.now))
        self._fund(self.funding.handle(wanted, self.events.now))

    def look(self) -> None:
        """Look at the ledger."""
        seen = ChannelsSeen(self.bank.own_channels(self.id), self.bank.wallets[self.id])
        self._fund(self.funding.handle(seen, self.events.now))
        if self.job is not None:
            self._want_channels()
            self.tell(self.job, OffersChanged())

    def _fund(self, commands: Sequence[FundingCommand]) -> None:
        for command in commands:
            match command:
                case OpenChannel(provider, drops):
                    self.bank.open(self.id, provider, drops)
                case TopUpChannel(channel, _, drops):
                    self.bank.top_up(channel, drops)
                case CloseChannel() | ReclaimChannel():
                    pass  # Nobody lives long enough here to need what is in it.
        if commands:
            # The ledger makes it final.
            self.events.after(0.3, self.look)


def _voucher(lane: int, after: LaneTally) -> Voucher:
    split = tuple(sorted(after.split.items()))
    return Voucher(lane, after.total, after.count, after.root, split, bytes(64))
