"""Agreements: vectors and hostile bytes (SPEC.md section 9.4)."""

import pytest

from fogbank_agent.market.agreements import (
    AGREEMENT,
    Agreement,
    agreement_id,
    check_agreement_signature,
    decode_agreement,
    sign_agreement,
)
from fogbank_agent.market.bids import BidId
from fogbank_agent.market.orders import OrderId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId
from fogbank_protocol.signed import Signed

from .objects import (
    ANN,
    BEN,
    CAT,
    NETWORK,
    check_accepted,
    check_hostile_bytes,
    check_rejected,
    vectors,
)

VECTORS = vectors("agreements")

AN_AGREEMENT = Agreement(
    order_id=OrderId(b"o" * 32),
    bid_id=BidId(b"b" * 32),
    requestor=ANN.node_id,
    provider=BEN.node_id,
    price=100,
    start_price=1,
    fuel_max=10**10,
    tick=10**9,
)


def read(signed: Signed, network: NetworkId) -> Agreement:
    """Read an agreement that its requestor has signed."""
    agreement = decode_agreement(signed.body)
    check_agreement_signature(signed.body, network, agreement.requestor, signed.signature)
    return agreement


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepting_vector_is_accepted(case: dict[str, str]) -> None:
    check_accepted(case, AGREEMENT, VECTORS["net"], read)


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejecting_vector_is_refused_for_its_reason(case: dict[str, str]) -> None:
    check_rejected(case, VECTORS["net"], read)


def test_both_sides_sign_the_same_body() -> None:
    body = AN_AGREEMENT.encode()
    for side in (ANN, BEN):
        check_agreement_signature(body, NETWORK, side.node_id, sign_agreement(body, NETWORK, side))
    with pytest.raises(RemoteProtocolError):
        check_agreement_signature(body, NETWORK, BEN.node_id, sign_agreement(body, NETWORK, CAT))


def test_an_agreement_is_read_back_and_named() -> None:
    body = AN_AGREEMENT.encode()
    assert decode_agreement(body) == AN_AGREEMENT
    assert agreement_id(body, NETWORK) != agreement_id(body, NetworkId(bytes(8)))


@pytest.mark.slow
def test_no_changed_byte_goes_unnoticed() -> None:
    body = AN_AGREEMENT.encode()
    check_hostile_bytes(Signed(body, sign_agreement(body, NETWORK, ANN)), read)
