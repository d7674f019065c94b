"""A provider's decision on a service: keep it, at which prices, and why not (SPEC.md 9.8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.identity import NodeId

from ..limits import BID_VALID_MS, WEIGHTS_VERSION
from .bidding import Prices, Situation, credit_of
from .orders import OrderId
from .reasons import Reason
from .service_bids import ServiceAnswer, ServiceBid, ServiceDecline
from .service_orders import ServiceOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSituation:
    """What matters for services besides prices and orders."""

    usual: Situation
    """As for runs."""

    warm_price: int
    """Drops for each second that an instance is kept."""

    services: int
    """Those that are kept now."""

    services_max: int
    """0 where none are sold."""


def answer_service_order(
    order: ServiceOrder,
    order_id: OrderId,
    provider: NodeId,
    prices: Prices,
    situation: ServiceSituation,
) -> ServiceAnswer:
    """Return the bid of ``provider`` for a service, or its reasons against it."""
    reasons = reasons_against_service(order, prices, situation)
    if reasons:
        return ServiceDecline(provider=provider, order_id=order_id, reasons=reasons)
    return ServiceBid(
        provider=provider,
        order_id=order_id,
        price=prices.price,
        start_price=prices.start_price,
        warm_price=situation.warm_price,
        valid_ms=BID_VALID_MS,
    )


def reasons_against_service(
    order: ServiceOrder, prices: Prices, situation: ServiceSituation
) -> Sequence[Reason]:
    """Return every reason to decline a service now, at most 8; none when it is welcome."""
    usual = situation.usual
    too_cheap = (
        prices.price > order.price_max
        or prices.start_price > order.start_price_max
        or situation.warm_price > order.warm_price_max
    )
    # A service takes a slot for long: it begins in a free one or not at all.
    is_full = (
        usual.running + usual.waiting >= usual.slots or situation.services >= situation.services_max
    )
    asks_money = prices.asks_money or situation.warm_price > 0
    checks = (
        (usual.paused, Reason.PAUSED),
        (usual.shutting_down, Reason.SHUTTING_DOWN),
        (situation.services_max == 0, Reason.CANNOT_EXECUTE),
        (order.weights != WEIGHTS_VERSION, Reason.UNKNOWN_WEIGHTS),
        (too_cheap, Reason.PRICE_TOO_LOW),
        (usual.debt > credit_of(prices.credit, usual.paid), Reason.REQUESTOR_IN_DEBT),
        (usual.room <= 0 and asks_money, Reason.NO_CHANNEL_FUNDS),
        (order.memory_bytes_max > prices.memory_bytes_max, Reason.TOO_SMALL_MEMORY),
        (order.output_bytes_max > prices.output_bytes_max, Reason.OUTPUT_TOO_LARGE),
        (order.fuel_max > prices.fuel_max, Reason.FUEL_TOO_HIGH),
        (is_full and situation.services_max > 0, Reason.BUSY),
    )
    return [*usual.unwilling, *(reason for is_so, reason in checks if is_so)][:8]
