"""Offers: vectors and hostile bytes (SPEC.md section 9.1)."""

from dataclasses import replace

import pytest

from fogbank_agent.market.offers import OFFER, Offer, StakePlace, open_offer, sign_offer
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.errors import LocalProtocolError

from .objects import BEN, NETWORK, check_accepted, check_hostile_bytes, check_rejected, vectors

VECTORS = vectors("offers")

AN_OFFER = Offer(
    provider=BEN.node_id,
    sequence=1,
    valid_s=60,
    price=100,
    start_price=1,
    fuel_per_s=10**9,
    memory_bytes_max=1 << 27,
    input_bytes_max=1 << 26,
    output_bytes_max=1 << 26,
    fuel_max=10**12,
    slots=2,
    slots_free=1,
    credit=1_000,
    features=("command", "reactor"),
    packages=(bytes(32),),
    stake=StakePlace(VertexId(b"\x07" * 32), 2),
)


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepting_vector_is_accepted(case: dict[str, str]) -> None:
    check_accepted(case, OFFER, VECTORS["net"], open_offer)


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejecting_vector_is_refused_for_its_reason(case: dict[str, str]) -> None:
    check_rejected(case, VECTORS["net"], open_offer)


def test_what_is_signed_is_read_back() -> None:
    assert open_offer(sign_offer(AN_OFFER, NETWORK, BEN), NETWORK) == AN_OFFER


def test_an_offer_that_a_peer_would_refuse_is_not_signed() -> None:
    with pytest.raises(LocalProtocolError):
        sign_offer(replace(AN_OFFER, price=10**13), NETWORK, BEN)


@pytest.mark.slow
def test_no_changed_byte_goes_unnoticed() -> None:
    check_hostile_bytes(sign_offer(AN_OFFER, NETWORK, BEN), open_offer)
