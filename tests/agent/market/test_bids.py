"""Bids and declines: vectors and hostile bytes (SPEC.md section 9.3)."""

import pytest

from fogbank_agent.market.bids import (
    BID,
    Bid,
    Decline,
    bid_id,
    check_bid,
    open_answer,
    sign_answer,
)
from fogbank_agent.market.orders import OrderId
from fogbank_agent.market.reasons import Reason
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId
from fogbank_protocol.signed import Signed

from .objects import BEN, NETWORK, check_accepted, check_hostile_bytes, check_rejected, vectors

VECTORS = vectors("bids")
ORDER_ID = OrderId(b"o" * 32)
A_BID = Bid(
    provider=BEN.node_id,
    order_id=ORDER_ID,
    price=100,
    start_price=1,
    start_ms=0,
    valid_ms=5_000,
    tick=10**9,
)


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepting_vector_is_accepted(case: dict[str, str]) -> None:
    check_accepted(case, BID, VECTORS["net"], open_answer)


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejecting_vector_is_refused_for_its_reason(case: dict[str, str]) -> None:
    check_rejected(case, VECTORS["net"], open_answer)


def test_a_bid_and_a_decline_are_read_back() -> None:
    reasons = (Reason.BUSY, Reason.PRICE_TOO_LOW)
    decline = Decline(provider=BEN.node_id, order_id=ORDER_ID, reasons=reasons)
    for answer in (A_BID, decline):
        assert open_answer(sign_answer(answer, NETWORK, BEN), NETWORK) == answer


def test_a_reason_of_a_later_version_is_read_as_other() -> None:
    case = next(case for case in VECTORS["accept"] if "not known yet" in case["name"])
    signed = Signed(bytes.fromhex(case["body"]), bytes.fromhex(case["signature"]))
    answer = open_answer(signed, NetworkId(bytes.fromhex(VECTORS["net"])))
    assert isinstance(answer, Decline)
    assert answer.reasons == (Reason.OTHER,)


def test_a_bid_at_the_caps_is_taken() -> None:
    check_bid(A_BID, ORDER_ID, price_max=100, start_price_max=1)


@pytest.mark.parametrize(
    ("order", "price_max", "start_price_max"),
    [(OrderId(b"p" * 32), 100, 1), (ORDER_ID, 99, 1), (ORDER_ID, 100, 0)],
)
def test_a_bid_above_a_cap_or_for_another_order_is_no_bid(
    order: OrderId, price_max: int, start_price_max: int
) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        check_bid(A_BID, order, price_max, start_price_max)
    assert refused.value.rule == "9.3"


def test_a_bid_has_its_own_name() -> None:
    signed = sign_answer(A_BID, NETWORK, BEN)
    assert len(bid_id(signed, NETWORK)) == 32


@pytest.mark.slow
def test_no_changed_byte_goes_unnoticed() -> None:
    check_hostile_bytes(sign_answer(A_BID, NETWORK, BEN), open_answer)
