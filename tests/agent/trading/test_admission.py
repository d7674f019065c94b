"""Which agreements a provider takes, and what a flood of orders does to other requestors."""

import pytest

from fogbank_agent.limits import BID_VALID_MS, BIDS_OF_A_REQUESTOR_MAX
from fogbank_agent.market.agreements import Agreement, sign_agreement
from fogbank_agent.market.bids import Bid, BidId
from fogbank_agent.market.orders import order_id, sign_order
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.run_messages import RunOpening
from fogbank_agent.trading.admission import Admission
from fogbank_agent.trading.work import Work
from fogbank_protocol.identity import Identity
from fogbank_protocol.node.node import CallRefused

from ..market.objects import ANN, BEN, CAT, NETWORK, an_order

SIGNED = sign_order(an_order(), NETWORK, ANN)
BID = Bid(
    provider=BEN.node_id,
    order_id=order_id(SIGNED, NETWORK),
    price=5,
    start_price=1,
    start_ms=0,
    valid_ms=BID_VALID_MS,
    tick=10**9,
)


def bid_number(number: int) -> BidId:
    return BidId(number.to_bytes(32, "big"))


def agree(
    admission: Admission, named: BidId, *, now: float = 1.0, requestor: Identity = ANN
) -> Work:
    body = Agreement(
        order_id=BID.order_id,
        bid_id=named,
        requestor=requestor.node_id,
        provider=BEN.node_id,
        price=BID.price,
        start_price=BID.start_price,
        fuel_max=an_order().fuel_max,
        tick=10**9,
    ).encode()
    opening = RunOpening(SIGNED, body, sign_agreement(body, NETWORK, requestor), [None])
    return admission.agree(requestor.node_id, opening, now, lambda _: None)


@pytest.fixture
def admission() -> Admission:
    return Admission(NETWORK, BEN.node_id)


def refused(admission: Admission, named: BidId, reason: Reason, now: float = 1.0) -> None:
    with pytest.raises(CallRefused, match=reason.value):
        agree(admission, named, now=now)


def test_a_bid_becomes_one_agreement(admission: Admission) -> None:
    admission.remember(bid_number(1), BID, ANN.node_id, 0.0)
    assert agree(admission, bid_number(1)).order == an_order()
    refused(admission, bid_number(1), Reason.AGREEMENT_USED)
    # The same order once more gets the same bid, and no second run.
    admission.remember(bid_number(1), BID, ANN.node_id, 0.0)
    refused(admission, bid_number(1), Reason.AGREEMENT_USED)


def test_a_bid_ends(admission: Admission) -> None:
    admission.remember(bid_number(1), BID, ANN.node_id, 0.0)
    refused(admission, bid_number(1), Reason.AGREEMENT_EXPIRED, BID_VALID_MS / 1_000)
    refused(admission, bid_number(2), Reason.AGREEMENT_EXPIRED)


def test_a_flood_of_orders_pushes_out_the_floods_own_bids_only(admission: Admission) -> None:
    admission.remember(bid_number(0), BID, ANN.node_id, 0.0)
    for number in range(1, 10 * BIDS_OF_A_REQUESTOR_MAX):
        admission.remember(bid_number(number), BID, CAT.node_id, 0.0)
    assert agree(admission, bid_number(0)).order == an_order()
    for number in range(1, BIDS_OF_A_REQUESTOR_MAX + 2):
        admission.remember(bid_number(number), BID, ANN.node_id, 0.0)
    refused(admission, bid_number(1), Reason.AGREEMENT_EXPIRED)
    agree(admission, bid_number(2))


def test_the_bids_of_who_is_gone_are_forgotten(admission: Admission) -> None:
    admission.remember(bid_number(1), BID, ANN.node_id, 0.0)
    admission.forget(ANN.node_id)
    refused(admission, bid_number(1), Reason.AGREEMENT_EXPIRED)
