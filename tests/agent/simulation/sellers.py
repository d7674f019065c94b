"""Providers of a made-up market, honest ones and cheats, on the machines that sell."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache, partial
from itertools import count

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.bidding import Prices, Situation, answer_order, reasons_against
from fogbank_agent.market.bids import Answer
from fogbank_agent.market.offers import Offer
from fogbank_agent.market.orders import Order, OrderId
from fogbank_agent.market.pricing import bill
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.settlements import Settlement
from fogbank_agent.market.tally import Bill, LaneTally, ReceivedLane
from fogbank_agent.market.verification import Claim, fuel_of
from fogbank_dag_ledger.operations import ObjectId
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.receipt import Result

from ..market.town import an_offer
from .bank import Bank
from .events import Events

ENERGY_PPM = 400_000
"""What the work itself costs a provider, in parts per million of its price."""

TRUST = 5
"""Results that a selective cheat does well for a requestor before it begins to lie."""

BURST = 25
"""Results that a bursting cheat does well, for whomever, before it lies to all."""


class Kind(StrEnum):
    """How a provider behaves."""

    HONEST = "honest"
    LAZY = "lazy"
    """Does nothing and returns garbage at once."""
    RANDOM = "random"
    """Makes up one result in two."""
    COLLUDING = "colluding"
    """Tells the lie that all of its kind tell."""
    COPYING = "copying"
    """Waits, and returns what others have said of the same run if it can see that."""
    SELECTIVE = "selective"
    """Works well until it may be trusted, then lies."""
    SPARING = "sparing"
    """Works well until it may be trusted, then lies about one run of a lot."""
    BURSTING = "bursting"
    """Works well until many may trust it, then lies to all of them at once."""
    PADDING = "padding"
    """Works well, and says after a while that it took as much fuel as it may."""
    ABSCONDING = "absconding"
    """States work that it does not do, and leaves when that is paid, without a result."""


_INPUT = blob_id(b"input")

CHEATS = tuple(kind for kind in Kind if kind not in (Kind.HONEST, Kind.ABSCONDING))
"""Those that lie in a receipt."""


@dataclass(frozen=True, slots=True)
class Task:
    """One lot of one run, and what it comes to."""

    requestor: NodeId
    agreement: AgreementId
    name: bytes
    """The same for every attempt at the lot."""
    fuel: int
    """Of each run."""
    runs: int = 1

    @property
    def truth(self) -> Claim:
        """What honest runs say."""
        return said(b"right" + self.name, self.fuel, self.runs)


@dataclass(frozen=True, slots=True)
class Lie:
    """A receipt that is not true."""

    owed: int
    """Drops of its bill that were worked for: of a right result that took less than is said."""

    spared: int
    """Drops' worth of energy that honest work would have taken beside."""

    would_earn: int
    """Drops that honest work would have been paid for it."""


@lru_cache(maxsize=4_096)
def said(output: bytes, fuel: int, runs: int = 1) -> Claim:
    """Return the claim that the runs of a lot gave ``output``."""
    return (Result(_INPUT, Ok(blob_id(output), len(output)), fuel),) * runs


def is_right(claim: Claim, truth: Claim) -> bool:
    """Tell whether all outcomes are right, whatever the fuel."""
    return [one.outcome for one in claim] == [one.outcome for one in truth]


@dataclass(slots=True)
class Earned:
    """A receipt that this provider has signed."""

    requestor: NodeId
    bill: Bill
    state: str = "unpaid"
    """Or "paid", or why it was refused."""


@dataclass(slots=True)
class Seller:
    """One provider."""

    id: NodeId
    kind: Kind
    prices: Prices
    fuel_per_s: int
    slots: int
    lie_s: float
    """How long it takes to say what is no work."""

    events: Events
    bank: Bank
    seen: dict[bytes, Claim]
    """What a copying cheat can see: the results of others, by the run's name."""

    lies: dict[AgreementId, Lie] = field(default_factory=dict[AgreementId, Lie])
    """What it lied about."""

    stake_lost: int = 0
    is_up: bool = True
    spent: int = 0
    """Drops' worth of energy."""

    fuel_done: int = 0
    """Fuel of honest work."""

    running: dict[AgreementId, Callable[[Claim], None]] = field(
        default_factory=dict[AgreementId, Callable[[Claim], None]]
    )
    waiting: list[tuple[Task, Callable[[Claim], None]]] = field(
        default_factory=list[tuple[Task, Callable[[Claim], None]]]
    )
    earned: dict[AgreementId, Earned] = field(default_factory=dict[AgreementId, Earned])
    unpaid: dict[NodeId, int] = field(default_factory=dict[NodeId, int])
    grudges: dict[NodeId, int] = field(default_factory=dict[NodeId, int])
    paid: dict[NodeId, int] = field(default_factory=dict[NodeId, int])
    bound: dict[AgreementId, tuple[NodeId, int]] = field(
        default_factory=dict[AgreementId, tuple[NodeId, int]]
    )
    lanes: dict[ObjectId, dict[int, ReceivedLane]] = field(
        default_factory=dict[ObjectId, dict[int, ReceivedLane]]
    )
    debt_most: int = 0
    """The most that anybody ever owed."""
    _done_for: dict[NodeId, int] = field(default_factory=dict[NodeId, int])
    _sequence: "count[int]" = field(default_factory=lambda: count(1))

    def offer(self) -> Offer:
        """Return a new offer."""
        return replace(
            an_offer(self.id),
            sequence=next(self._sequence),
            price=self.prices.price,
            start_price=self.prices.start_price,
            fuel_per_s=self.fuel_per_s,
            slots=self.slots,
            slots_free=self.slots,
            credit=self.prices.credit,
        )

    def answer(self, order: Order, order_id: OrderId) -> Answer:
        """Bid, or say why not."""
        return answer_order(order, order_id, self.id, self.prices, self._situation(order))

    def agree(self, order: Order, task: Task, deliver: Callable[[Claim], None]) -> Reason | None:
        """Take the task, or say why not."""
        reasons = reasons_against(order, self.prices, self._situation(order))
        if reasons:
            return reasons[0]
        self.waiting.append((task, deliver))
        self._start()
        return None

    def has(self, agreement: AgreementId) -> bool:
        """Tell whether a task waits or is under way."""
        waiting = (task.agreement for task, _ in self.waiting)
        return agreement in self.running or agreement in waiting

    def stop(self, agreement: AgreementId) -> None:
        """Forget a task that is not wanted any more."""
        self.running.pop(agreement, None)
        self.waiting = [one for one in self.waiting if one[0].agreement != agreement]
        self.bound.pop(agreement, None)
        self._start()

    def vanish(self) -> None:
        """Lose all work under way."""
        self.is_up = False
        self.running.clear()
        self.bound.clear()
        self.waiting.clear()

    def state(self, requestor: NodeId, task: Task, due: Bill) -> None:
        """Say that all of ``task`` is done, which it is not."""
        energy = self._energy(task, task.runs)
        self.lies[due.agreement] = Lie(owed=0, spared=energy, would_earn=self.bill(task.truth))
        self.earn(requestor, due)

    def leave(self, task: Task, statement: AgreementId) -> None:
        """Give ``task`` up, whether the statement was paid or not."""
        self.stop(task.agreement)
        if self.earned[statement].state == "unpaid":
            self._end(self.earned[statement], "left")

    def bind(self, requestor: NodeId, agreement: AgreementId, drops: int) -> None:
        """Count a receipt that is committed to: it is work done, shown or not."""
        self.bound[agreement] = requestor, drops

    def earn(self, requestor: NodeId, due: Bill) -> None:
        """Count a receipt that was given."""
        self.bound.pop(due.agreement, None)
        self.earned[due.agreement] = Earned(requestor, due)
        self.unpaid[requestor] = self.unpaid.get(requestor, 0) + due.drops
        self.debt_most = max(self.debt_most, self.debt(requestor))

    def settle(self, requestor: NodeId, settlement: Settlement) -> None:
        """Take in a voucher, and what is refused."""
        if settlement.payment is not None:
            self._hear(requestor, settlement)
        for agreement, reason in settlement.refused:
            if reason is Reason.WRONG_RESULT:
                # A selective cheat that was caught earns its trust anew.
                self._done_for[requestor] = 0
            earned = self.earned.get(agreement)
            if earned is not None and earned.state == "unpaid":
                self._end(earned, reason.value)
                grudge = self.grudges.get(requestor, 0)
                self.grudges[requestor] = grudge + earned.bill.drops

    def close(self, channel: ObjectId) -> None:
        """Settle a channel by the last vouchers."""
        lanes = self.lanes.get(channel, {})
        self.bank.settle(channel, [lane.said for lane in lanes.values()])

    def _hear(self, requestor: NodeId, settlement: Settlement) -> None:
        assert settlement.payment is not None
        voucher, channel = settlement.payment.voucher, settlement.payment.channel
        lanes = self.lanes.setdefault(channel, {})
        lane = lanes.get(voucher.lane, ReceivedLane())
        tally = LaneTally(voucher.total, voucher.count, voucher.root, dict(voucher.split))
        if tally != lane.said:
            assert lane.is_newer(tally), "a voucher that takes something back"
            lane = lane.hear(tally)
        bills = [
            self.earned[one].bill
            for one in settlement.accepted
            if one in self.earned and self.earned[one].state == "unpaid"
        ]
        covered = lane.cover(bills)
        assert covered is not None, "a voucher that does not cover what it says"
        lanes[voucher.lane] = covered
        for one in bills:
            self._end(self.earned[one.agreement], "paid")
            self.paid[requestor] = self.paid.get(requestor, 0) + one.drops
            grudge = self.grudges.get(requestor, 0)
            self.grudges[requestor] = max(0, grudge - one.drops)

    def _end(self, earned: Earned, state: str) -> None:
        earned.state = state
        self.unpaid[earned.requestor] -= earned.bill.drops

    def debt(self, requestor: NodeId) -> int:
        return self.unpaid.get(requestor, 0) + self.grudges.get(requestor, 0)

    def _situation(self, order: Order) -> Situation:
        requestor = order.requestor
        funds = sum(
            one.funds - sum(lane.said.total for lane in self.lanes.get(one.id, {}).values())
            for one in self.bank.channels.values()
            if one.payer == requestor and one.provider == self.id and not one.is_over
        )
        hidden = sum(drops for who, drops in self.bound.values() if who == requestor)
        debt = self.debt(requestor) + hidden
        return Situation(
            slots=self.slots,
            running=len(self.running),
            waiting=len(self.waiting),
            waiting_max=self.slots,
            run_ms=500,
            tick=10**8,
            debt=debt,
            paid=self.paid.get(requestor, 0),
            room=funds - debt,
            paused=False,
            shutting_down=not self.is_up,
        )

    # Work, and what stands for it.

    def _start(self) -> None:
        while self.waiting and len(self.running) < self.slots:
            task, deliver = self.waiting.pop(0)
            self.running[task.agreement] = deliver
            claim, seconds = self._work(task)
            self.events.after(seconds, partial(self._finish, task, claim))

    def _finish(self, task: Task, claim: Claim | None) -> None:
        deliver = self.running.pop(task.agreement, None)
        if deliver is not None:
            if claim is None:
                claim = self.seen.get(task.name) or self._garbage(task)
            if claim == task.truth:
                self._done_for[task.requestor] = self._done_for.get(task.requestor, 0) + 1
            else:
                self.lies[task.agreement] = self._lie(task, claim)
            deliver(claim)
        self._start()

    def bill(self, claim: Claim) -> int:
        """Return the drops of a bill for ``claim``."""
        return bill(fuel_of(claim), self.prices.price, self.prices.start_price, len(claim))

    def _lie(self, task: Task, claim: Claim) -> Lie:
        would_earn, truth = self.bill(task.truth), task.truth
        if is_right(claim, truth):
            return Lie(owed=would_earn, spared=0, would_earn=would_earn)
        wrong = sum(one != right for one, right in zip(claim, truth, strict=True))
        # Of a lot in which one run is a lie all of the bill counts as won by it.
        return Lie(owed=0, spared=self._energy(task, wrong), would_earn=would_earn)

    def show(self, task: Task, claim: Claim) -> None:
        """Let those who look see what this provider says."""
        self.seen.setdefault(task.name, claim)

    def _work(self, task: Task) -> tuple[Claim | None, float]:
        """Return what to say, None when that is seen later, and the seconds until then."""
        honest_s = task.runs * task.fuel / self.fuel_per_s
        match self.kind:
            case Kind.ABSCONDING:
                # It is gone long before.
                return task.truth, 10 * honest_s
            case Kind.LAZY:
                return self._garbage(task), self.lie_s
            case Kind.RANDOM if self.events.draw.random() < 0.5:
                return self._garbage(task), self.lie_s
            case Kind.COLLUDING:
                return said(b"lie" + task.name, task.fuel, task.runs), self.lie_s
            case Kind.COPYING:
                return None, 2 * honest_s
            case Kind.SELECTIVE if self._done_for.get(task.requestor, 0) >= TRUST:
                if self.events.draw.random() < 0.5:
                    return self._garbage(task), honest_s
            case Kind.BURSTING if sum(self._done_for.values()) >= BURST:
                return self._garbage(task), honest_s
            case Kind.SPARING if self._done_for.get(task.requestor, 0) >= TRUST:
                return self._one_lie(task), honest_s * (task.runs - 1) / task.runs
            case Kind.PADDING if self._done_for.get(task.requestor, 0) >= TRUST:
                self._spend(task, task.runs)
                return tuple(replace(one, fuel=2 * one.fuel) for one in task.truth), honest_s
            case _:
                pass
        self._spend(task, task.runs)
        return task.truth, honest_s

    def _energy(self, task: Task, runs: int) -> int:
        return runs * task.fuel * self.prices.price * ENERGY_PPM // 10**15

    def _spend(self, task: Task, runs: int) -> None:
        self.spent += self._energy(task, runs)
        self.fuel_done += runs * task.fuel

    def _garbage(self, task: Task) -> Claim:
        return said(self.events.draw.randbytes(16), task.fuel, task.runs)

    def _one_lie(self, task: Task) -> Claim:
        self._spend(task, task.runs - 1)
        at = self.events.draw.randrange(task.runs)
        lie = said(self.events.draw.randbytes(16), task.fuel)
        return task.truth[:at] + lie + task.truth[at + 1 :]
