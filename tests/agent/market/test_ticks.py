"""Ticks: vectors, hostile bytes, and what each makes due (SPEC.md sections 9.5 and 9.6)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.agreements import Agreement, AgreementId
from fogbank_agent.market.bids import BidId
from fogbank_agent.market.orders import OrderId
from fogbank_agent.market.pricing import bill
from fogbank_agent.market.tally import royalty_of
from fogbank_agent.market.ticks import (
    TICK,
    RunningBill,
    Tick,
    check_tick,
    open_tick,
    sign_tick,
    tick_id,
)
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity
from fogbank_wasm_tasks.package import open_package

from ..trading.neighbourhood import example_package
from .objects import (
    ANN,
    BEN,
    NETWORK,
    check_accepted,
    check_hostile_bytes,
    check_rejected,
    vectors,
)

VECTORS = vectors("ticks")
NAMED = AgreementId(b"g" * 32)
AGREEMENT = Agreement(
    order_id=OrderId(b"o" * 32),
    bid_id=BidId(b"b" * 32),
    requestor=ANN.node_id,
    provider=BEN.node_id,
    price=100,
    start_price=1,
    fuel_max=10**10,
    tick=1_000,
)
A_TICK = Tick(NAMED, BEN.node_id, 1_500)
MANIFEST = open_package(example_package()).manifest


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepting_vector_is_accepted(case: dict[str, str]) -> None:
    check_accepted(case, TICK, VECTORS["net"], open_tick)


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejecting_vector_is_refused_for_its_reason(case: dict[str, str]) -> None:
    check_rejected(case, VECTORS["net"], open_tick)


@pytest.mark.slow
def test_no_changed_byte_goes_unnoticed() -> None:
    check_hostile_bytes(sign_tick(A_TICK, NETWORK, BEN), open_tick)


def test_a_statement_is_read_back_and_named() -> None:
    signed = sign_tick(A_TICK, NETWORK, BEN)
    assert open_tick(signed, NETWORK) == A_TICK
    assert tick_id(signed, NETWORK) != tick_id(
        sign_tick(replace(A_TICK, fuel=1_501), NETWORK, BEN), NETWORK
    )


@pytest.mark.parametrize(
    "tick",
    [
        replace(A_TICK, fuel=1_000),
        replace(A_TICK, fuel=2_001),
        replace(A_TICK, agreement=AgreementId(bytes(32))),
        replace(A_TICK, provider=ANN.node_id),
    ],
)
def test_a_statement_that_does_not_follow_is_refused(tick: Tick) -> None:
    check_tick(A_TICK, NAMED, AGREEMENT, 1, before=1_000)
    with pytest.raises(RemoteProtocolError):
        check_tick(tick, NAMED, AGREEMENT, 1, before=1_000)


def test_a_statement_of_more_fuel_than_the_lot_may_use_is_refused() -> None:
    small = replace(AGREEMENT, fuel_max=600)
    check_tick(replace(A_TICK, fuel=1_200), NAMED, small, 2, before=500)
    with pytest.raises(RemoteProtocolError):
        check_tick(replace(A_TICK, fuel=1_201), NAMED, small, 2, before=500)


@given(
    price=st.integers(0, 10**12),
    share=st.integers(0, 1_000_000),
    steps=st.lists(st.integers(1, 1 << 38), min_size=1, max_size=9),
)
def test_the_parts_of_a_bill_add_up_to_it(price: int, share: int, steps: list[int]) -> None:
    agreement = replace(AGREEMENT, price=price)
    running = RunningBill(agreement, replace(MANIFEST, royalty_ppm=share))
    fuel = 0
    parts = []
    for place, more in enumerate(steps):
        fuel += more
        parts.append(running.state(AgreementId(bytes([place]) * 32), fuel))
    whole = bill(fuel, price, agreement.start_price, 1)
    parts.append(running.rest(NAMED, whole))

    assert parts[-1] == running.rest(NAMED, whole)
    assert all(part.drops >= 0 and part.royalty >= 0 for part in parts)
    assert sum(part.drops for part in parts) == whole
    assert sum(part.royalty for part in parts) == royalty_of(whole, share)
    assert all(part.author == MANIFEST.author for part in parts if part.royalty)


def test_an_author_that_sells_gets_no_royalty() -> None:
    author = Identity.from_seed(bytes([200]) * 32).node_id
    assert author == MANIFEST.author
    agreement = replace(AGREEMENT, provider=author)
    part = RunningBill(agreement, replace(MANIFEST, royalty_ppm=10**6)).state(NAMED, 10**9)
    assert (part.drops, part.author, part.royalty) == (100, None, 0)
