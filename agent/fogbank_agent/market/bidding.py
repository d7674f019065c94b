"""A provider's decision: whether to take an order, at which price, and why not (SPEC.md 9.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.identity import NodeId

from ..limits import BID_VALID_MS, CREDIT_PARTS, RUN_MS_MAX, WEIGHTS_VERSION
from .bids import Answer, Bid, Decline
from .orders import Order, OrderId
from .reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a provider asks, and the largest runs that it takes."""

    price: int
    start_price: int
    memory_bytes_max: int
    input_bytes_max: int
    output_bytes_max: int
    fuel_max: int
    credit: int
    """Drops that a requestor may owe that has paid much; see ``credit_of``."""

    @property
    def asks_money(self) -> bool:
        """Whether a run costs anything."""
        return self.price > 0 or self.start_price > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What matters besides the order."""

    slots: int
    running: int
    waiting: int
    waiting_max: int
    run_ms: int
    """How long a run takes here, as measured."""

    tick: int
    """Fuel of ``TICK_MS`` of work here, as measured."""

    debt: int
    """What the order's requestor owes."""

    paid: int
    """What it has paid so far, in drops."""

    room: int
    """Drops that its channels have beyond its debt and its vouchers."""

    paused: bool
    shutting_down: bool
    unwilling: Sequence[Reason] = ()
    """What its owner's pricing has against any order now, at most 4."""

    @property
    def is_full(self) -> bool:
        """No slot and no place to wait is left; what is still being fetched takes one too."""
        return self.running + self.waiting >= self.slots + self.waiting_max

    @property
    def start_ms(self) -> int:
        """When one more run would begin."""
        ahead = self.running + self.waiting - self.slots + 1
        waves = max(0, -(-ahead // self.slots))
        return min(waves * self.run_ms, RUN_MS_MAX)


def answer_order(
    order: Order,
    order_id: OrderId,
    provider: NodeId,
    prices: Prices,
    situation: Situation,
    *,
    reuse: bool = False,
) -> Answer:
    """Return the bid of ``provider`` for ``order``, or its reasons against it.

    With ``reuse`` it has the results already, and asks ``prices`` for serving them again.
    """
    reasons = reasons_against(order, prices, situation)
    if reasons:
        return Decline(provider=provider, order_id=order_id, reasons=reasons)
    return Bid(
        provider=provider,
        order_id=order_id,
        price=prices.price,
        start_price=prices.start_price,
        start_ms=0 if reuse else situation.start_ms,
        reuse=reuse,
        valid_ms=BID_VALID_MS,
        tick=situation.tick,
    )


def credit_of(credit: int, paid: int) -> int:
    """Return the drops that a requestor may owe that has ``paid`` so many (SPEC.md 9.6)."""
    return min(credit, (credit + paid) // CREDIT_PARTS)


def reasons_against(order: Order, prices: Prices, situation: Situation) -> Sequence[Reason]:
    """Return every reason to decline ``order`` now, at most 8; none when it is welcome."""
    too_cheap = prices.price > order.price_max or prices.start_price > order.start_price_max
    checks = (
        (situation.paused, Reason.PAUSED),
        (situation.shutting_down, Reason.SHUTTING_DOWN),
        (order.weights != WEIGHTS_VERSION, Reason.UNKNOWN_WEIGHTS),
        (too_cheap, Reason.PRICE_TOO_LOW),
        (situation.debt > credit_of(prices.credit, situation.paid), Reason.REQUESTOR_IN_DEBT),
        (situation.room <= 0 and prices.asks_money, Reason.NO_CHANNEL_FUNDS),
        (order.memory_bytes_max > prices.memory_bytes_max, Reason.TOO_SMALL_MEMORY),
        (
            any(one.size > prices.input_bytes_max for one in order.inputs),
            Reason.INPUT_TOO_LARGE,
        ),
        (order.output_bytes_max > prices.output_bytes_max, Reason.OUTPUT_TOO_LARGE),
        (order.fuel_max > prices.fuel_max, Reason.FUEL_TOO_HIGH),
        (situation.start_ms >= order.run_ms_max, Reason.DEADLINE_TOO_SOON),
        (situation.is_full, Reason.BUSY),
    )
    return [*situation.unwilling, *(reason for is_so, reason in checks if is_so)][:8]
