"""A provider's yes or no (SPEC.md sections 9.3 and 9.7)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.bidding import Prices, Situation, answer_order, credit_of, reasons_against
from fogbank_agent.market.bids import Bid, Decline
from fogbank_agent.market.orders import OrderId, OrderInput
from fogbank_agent.market.reasons import Reason
from fogbank_protocol.blobs.naming import blob_id

from .objects import BEN, an_order

ORDER_ID = OrderId(b"o" * 32)
PRICES = Prices(
    price=100,
    start_price=1,
    memory_bytes_max=1 << 27,
    input_bytes_max=1 << 20,
    output_bytes_max=1 << 20,
    fuel_max=10**12,
    credit=1_000,
)
IDLE = Situation(
    slots=2,
    running=0,
    waiting=0,
    waiting_max=2,
    run_ms=1_000,
    tick=10**8,
    debt=0,
    paid=10_000,
    room=1_000,
    paused=False,
    shutting_down=False,
)
SMALL = OrderInput(blob_id(b"small"), 5)
TOO_LARGE = OrderInput(blob_id(b"large"), (1 << 20) + 1)


def test_an_idle_provider_bids_its_price_to_begin_at_once() -> None:
    bid = answer_order(an_order(), ORDER_ID, BEN.node_id, PRICES, IDLE)
    assert isinstance(bid, Bid)
    assert (bid.price, bid.start_price, bid.start_ms) == (100, 1, 0)


@pytest.mark.parametrize(
    ("order", "situation", "reason"),
    [
        ({}, {"paused": True}, Reason.PAUSED),
        ({}, {"shutting_down": True}, Reason.SHUTTING_DOWN),
        ({}, {"debt": 1_001}, Reason.REQUESTOR_IN_DEBT),
        ({}, {"running": 2, "waiting": 2}, Reason.BUSY),
        ({}, {"running": 0, "waiting": 4}, Reason.BUSY),
        ({"weights": 2}, {}, Reason.UNKNOWN_WEIGHTS),
        ({"price_max": 99}, {}, Reason.PRICE_TOO_LOW),
        ({"start_price_max": 0}, {}, Reason.PRICE_TOO_LOW),
        ({"memory_bytes_max": (1 << 27) + 1}, {}, Reason.TOO_SMALL_MEMORY),
        ({"inputs": (TOO_LARGE,)}, {}, Reason.INPUT_TOO_LARGE),
        ({"inputs": (SMALL, TOO_LARGE)}, {}, Reason.INPUT_TOO_LARGE),
        ({"output_bytes_max": (1 << 20) + 1}, {}, Reason.OUTPUT_TOO_LARGE),
        ({"fuel_max": 10**12 + 1}, {}, Reason.FUEL_TOO_HIGH),
        ({"run_ms_max": 1_000}, {"running": 2}, Reason.DEADLINE_TOO_SOON),
    ],
)
def test_every_no_has_its_reason(
    order: dict[str, Any], situation: dict[str, Any], reason: Reason
) -> None:
    told = replace(IDLE, **situation)
    answer = answer_order(an_order(**order), ORDER_ID, BEN.node_id, PRICES, told)
    assert answer == Decline(provider=BEN.node_id, order_id=ORDER_ID, reasons=[reason])


def test_debt_up_to_the_credit_is_no_reason() -> None:
    assert reasons_against(an_order(), PRICES, replace(IDLE, debt=1_000)) == []


def test_a_newcomer_may_owe_a_tenth_and_earns_more_by_paying() -> None:
    newcomer = replace(IDLE, paid=0)
    assert reasons_against(an_order(), PRICES, replace(newcomer, debt=100)) == []
    told = reasons_against(an_order(), PRICES, replace(newcomer, debt=101))
    assert told == [Reason.REQUESTOR_IN_DEBT]
    assert reasons_against(an_order(), PRICES, replace(newcomer, debt=101, paid=10)) == []


@given(st.integers(0, 1 << 62), st.lists(st.integers(0, 1 << 62), max_size=8))
def test_nobody_wins_by_paying_only_to_be_trusted(credit: int, payments: list[int]) -> None:
    limits = [credit_of(credit, sum(payments[:end])) for end in range(len(payments) + 1)]
    assert limits == sorted(limits)
    for end, limit in enumerate(limits):
        assert limit <= credit
        # What more it may owe than a newcomer is a small part of what it has paid.
        assert limit - limits[0] <= sum(payments[:end]) // 10 + 1


@pytest.mark.parametrize(
    ("running", "waiting", "start_ms"),
    [(0, 0, 0), (1, 0, 0), (2, 0, 1_000), (2, 1, 1_000), (2, 2, 2_000)],
)
def test_a_run_begins_after_those_before_it(running: int, waiting: int, start_ms: int) -> None:
    assert replace(IDLE, running=running, waiting=waiting).start_ms == start_ms


def test_all_reasons_are_told_at_once_but_no_more_than_a_bid_holds() -> None:
    worst = an_order(
        weights=2,
        price_max=0,
        memory_bytes_max=1 << 28,
        inputs=(TOO_LARGE,),
        output_bytes_max=1 << 21,
        fuel_max=10**13,
    )
    reasons = reasons_against(worst, PRICES, replace(IDLE, paused=True, debt=9_999))
    assert len(reasons) == 8
