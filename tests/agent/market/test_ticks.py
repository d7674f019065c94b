"""Ticks: vectors, hostile bytes, and what each makes due (SPEC.md sections 9.5 and 9.6)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.agreements import Agreement, AgreementId
from fogbank_agent.market.bids import BidId
from fogbank_agent.market.checkpoint import Checkpoint
from fogbank_agent.market.orders import (
    NoVerification,
    Order,
    OrderId,
    OrderInput,
    open_order,
    sign_order,
)
from fogbank_agent.market.pricing import bill
from fogbank_agent.market.tally import royalty_of
from fogbank_agent.market.ticks import (
    TICK,
    RunningBill,
    Tick,
    check_tick,
    followed,
    open_tick,
    sign_tick,
    tick_id,
)
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity
from fogbank_wasm_tasks.package import open_package
from fogbank_wasm_tasks.verification.terms import StepPlan

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
AN_ORDER = Order(
    requestor=ANN.node_id,
    salt=bytes(16),
    package_id=blob_id(b"package"),
    inputs=(OrderInput(blob_id(b"input"), 5),),
    arguments=(),
    environment=(),
    seed=0,
    fuel_max=AGREEMENT.fuel_max,
    memory_bytes_max=65_536,
    output_bytes_max=100,
    plan=None,
    run_ms_max=1_000,
    price_max=100,
    start_price_max=1,
    weights=1,
    verification=NoVerification(),
)
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
    before = replace(A_TICK, fuel=1_000)
    check_tick(A_TICK, NAMED, AGREEMENT, AN_ORDER, before)
    with pytest.raises(RemoteProtocolError):
        check_tick(tick, NAMED, AGREEMENT, AN_ORDER, before)


def test_a_statement_of_more_fuel_than_the_lot_may_use_is_refused() -> None:
    small, two = replace(AGREEMENT, fuel_max=600), replace(AN_ORDER, inputs=[*AN_ORDER.inputs] * 2)
    before = replace(A_TICK, fuel=500)
    check_tick(replace(A_TICK, fuel=1_200), NAMED, small, two, before)
    with pytest.raises(RemoteProtocolError):
        check_tick(replace(A_TICK, fuel=1_201), NAMED, small, two, before)


START = Checkpoint(40, 5_000, bytes(32), blob_id(b"start"), 100)
A_STATE = Checkpoint(80, 6_500, bytes(32), blob_id(b"state"), 100)
THE_REST = replace(AN_ORDER, plan=StepPlan(1, 20), start=START)
BEFORE = followed(
    replace(A_TICK, fuel=1_000),
    replace(A_TICK, fuel=700, checkpoint=replace(A_STATE, position=60, fuel=5_700)),
)


@pytest.mark.parametrize(
    "state",
    [
        A_STATE,
        # More than a tick was done at once, and not all of it is stated yet.
        replace(A_STATE, fuel=8_000),
        replace(A_STATE, position=100, fuel=AGREEMENT.fuel_max),
    ],
)
def test_a_state_that_others_can_go_on_from_is_accepted(state: Checkpoint) -> None:
    check_tick(replace(A_TICK, checkpoint=state), NAMED, AGREEMENT, THE_REST, BEFORE)
    from_it = replace(THE_REST, start=state)
    assert open_order(sign_order(from_it, NETWORK, ANN), NETWORK) == from_it


@pytest.mark.parametrize(
    ("order", "state"),
    [
        (replace(THE_REST, plan=None, start=None), A_STATE),
        (replace(THE_REST, inputs=[*AN_ORDER.inputs] * 2, start=None), A_STATE),
        (THE_REST, replace(A_STATE, position=81)),
        (THE_REST, replace(A_STATE, position=60)),
        (THE_REST, replace(A_STATE, position=20)),
        (THE_REST, replace(A_STATE, fuel=6_499)),
        (THE_REST, replace(A_STATE, fuel=THE_REST.fuel_max + 1)),
    ],
    ids=[
        "no steps",
        "several runs",
        "no checkpoint",
        "again",
        "before the start",
        "before what is stated",
        "beyond its fuel",
    ],
)
def test_a_state_that_nobody_can_go_on_from_is_refused(order: Order, state: Checkpoint) -> None:
    with pytest.raises(RemoteProtocolError):
        check_tick(replace(A_TICK, checkpoint=state), NAMED, AGREEMENT, order, BEFORE)


@pytest.mark.parametrize("position", [0, 20, 40])
def test_a_state_lies_beyond_the_start_when_there_is_one(position: int) -> None:
    whole, state = replace(THE_REST, start=None), replace(A_STATE, position=position)
    check_tick(replace(A_TICK, fuel=1_000, checkpoint=state), NAMED, AGREEMENT, whole, None)
    with pytest.raises(RemoteProtocolError):
        check_tick(replace(A_TICK, fuel=1_000, checkpoint=state), NAMED, AGREEMENT, THE_REST, None)


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
