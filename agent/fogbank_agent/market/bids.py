"""Bids: a provider's answer to an order, yes at a price or no with reasons (SPEC.md 9.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType, TypeAlias

from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, object_id

from ..limits import (
    BID_BODY_BYTES_MAX,
    BID_REASONS_MAX,
    BID_VALID_MS_MAX,
    PRICE_MAX,
    REASON_BYTES_MAX,
    RUN_FUEL_MAX,
    RUN_MS_MAX,
    TICK_FUEL_MAX,
)
from .fields import Fields, open_object, sign_checked
from .orders import OrderId
from .reasons import Reason, check_code, reason_from_code

BID = Domain("fog-bid-1", BID_BODY_BYTES_MAX)
_RULE = "9.3"

BidId = NewType("BidId", bytes)
"""32 bytes that name one signed bid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """A provider will do it: at this price, begun after ``start_ms`` or so."""

    provider: NodeId
    order_id: OrderId
    price: int
    start_price: int
    start_ms: int
    valid_ms: int
    tick: int
    """Fuel: the most work that it does without being paid."""

    reuse: bool = False
    """It serves results that it has, with its old receipts (section 9.5, *Reuse*)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """A provider will not do it, for these reasons: 1 to 8 different ones."""

    provider: NodeId
    order_id: OrderId
    reasons: Sequence[Reason]


Answer: TypeAlias = Bid | Decline
"""What a provider says to an order."""


def sign_answer(answer: Answer, network: NetworkId, identity: Identity) -> Signed:
    """Sign ``answer`` as its provider.

    Raises:
        LocalProtocolError: a bound of section 9.3 is broken.
    """
    return sign_checked(BID, network, identity, _to_value(answer), _parse)


def open_answer(signed: Signed, network: NetworkId) -> Answer:
    """Return the bid or decline after checking body and signature.

    Raises:
        RemoteProtocolError: one of them breaks a rule.
    """
    return open_object(BID, network, signed, _parse, lambda answer: answer.provider)


def bid_id(signed: Signed, network: NetworkId) -> BidId:
    """Return the bid's name."""
    return BidId(object_id(BID, network, signed.body))


def _to_value(answer: Answer) -> Value:
    head: list[Value] = [1, answer.provider, answer.order_id]
    match answer:
        case Bid():
            terms: list[Value] = [answer.price, answer.start_price, answer.start_ms]
            return [*head, True, *terms, answer.valid_ms, answer.tick, answer.reuse, []]
        case Decline():
            codes: list[Value] = [*sorted(reason.value for reason in answer.reasons)]
            return [*head, False, 0, 0, 0, 0, 0, False, codes]


def _parse(value: Value) -> Answer:
    fields = Fields(value, 11, rule=_RULE)
    fields.version()
    provider = NodeId(fields.exactly(NODE_ID_BYTES))
    order = OrderId(fields.exactly(32))
    if not fields.boolean():
        return _parse_decline(provider, order, fields)
    bid = Bid(
        provider=provider,
        order_id=order,
        price=fields.integer(PRICE_MAX),
        start_price=fields.integer(PRICE_MAX),
        start_ms=fields.integer(RUN_MS_MAX),
        valid_ms=fields.integer(BID_VALID_MS_MAX, least=1),
        tick=fields.integer(RUN_FUEL_MAX, least=1),
        reuse=fields.boolean(),
    )
    fields.array(0)
    return bid


def _parse_decline(provider: NodeId, order: OrderId, fields: Fields) -> Decline:
    for _ in range(5):
        fields.integer(0)
    if fields.boolean():
        raise RemoteProtocolError("a decline that reuses results", rule=_RULE)
    codes = fields.texts(BID_REASONS_MAX, REASON_BYTES_MAX, count_min=1, ascending=True)
    for code in codes:
        check_code(code, rule=_RULE)
    reasons = tuple(reason_from_code(code) for code in codes)
    return Decline(provider=provider, order_id=order, reasons=reasons)


def check_bid(bid: Bid, order: OrderId, price_max: int, start_price_max: int) -> None:
    """Check that ``bid`` answers ``order`` within its caps.

    Raises:
        RemoteProtocolError: it is for another order or above a cap (section 9.3).
    """
    if bid.order_id != order:
        raise RemoteProtocolError("a bid for another order", rule=_RULE)
    if bid.price > price_max or bid.start_price > start_price_max:
        raise RemoteProtocolError("a bid above the order's caps", rule=_RULE)
    if bid.tick > TICK_FUEL_MAX:
        raise RemoteProtocolError("a tick that takes longer than anybody's", rule=_RULE)
