"""Bills, and what a bid is worth (SPEC.md section 9)."""

from fractions import Fraction
from math import ceil
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.pricing import bill, expected_cost, fuel_for


@given(
    fuel=st.integers(0, (1 << 42) - 1),
    price=st.integers(0, 10**12),
    start_price=st.integers(0, 10**12),
)
def test_a_bill_is_the_formula_rounded_up_once(fuel: int, price: int, start_price: int) -> None:
    assert bill(fuel, price, start_price) == ceil(Fraction(fuel * price, 10**9)) + start_price
    assert bill(fuel, price, start_price) < 1 << 62


BASE: dict[str, Any] = {
    "bill_drops": 100,
    "wait_ms": 0,
    "fuel": 10**9,
    "fuel_per_s": 10**9,
    "audit_ppm": 0,
    "failures": 0,
}


def cost(**changes: int) -> int:
    return expected_cost(**{**BASE, **changes})


def test_what_makes_a_bid_worse_makes_it_cost_more() -> None:
    for change in (
        {"bill_drops": 101},
        {"wait_ms": 100},
        {"fuel_per_s": 5 * 10**8},
        {"audit_ppm": 100_000},
        {"failures": 1},
    ):
        assert cost(**change) > cost()


def test_time_decides_between_those_that_ask_nothing() -> None:
    assert cost(bill_drops=0, wait_ms=1_000) > cost(bill_drops=0)


def test_a_certain_check_costs_about_one_more_run() -> None:
    assert cost(audit_ppm=1_000_000, fuel=0) == 2 * cost(fuel=0)


@given(
    drops=st.integers(0, 1 << 62), price=st.integers(1, 10**12), start_price=st.integers(0, 10**12)
)
def test_what_a_purse_can_buy_costs_no_more_and_is_the_most(
    drops: int, price: int, start_price: int
) -> None:
    fuel = fuel_for(drops, price, start_price)
    assert fuel is not None
    assert fuel == 0 or bill(fuel, price, start_price) <= drops
    assert bill(fuel + 1, price, start_price) > drops


def test_free_work_needs_no_purse_but_for_its_start() -> None:
    assert fuel_for(5, 0, 5) is None
    assert fuel_for(4, 0, 5) == 0
