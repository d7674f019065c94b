"""What is asked by load, power, heat and hour, and what a pricing file may say."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.errors import ConfigError
from fogbank_agent.limits import PRICE_MAX
from fogbank_agent.market.pricing_policy import PolicyPricing, Quote, Readings, parse_pricing
from fogbank_agent.market.reasons import Reason

NOTHING_KNOWN = Readings()
MONDAY_NOON = Readings(weekday=0, minute=12 * 60)
DOCS = Path(__file__).parents[3] / "docs"


def pricing(text: str) -> PolicyPricing:
    return PolicyPricing(parse_pricing(text, "p.toml"), 100, 10)


def test_an_empty_file_asks_the_prices_of_the_configuration() -> None:
    assert pricing("").quote(NOTHING_KNOWN) == Quote(price=100, start_price=10)


@pytest.mark.parametrize(
    ("load", "price"), [(None, 100), (0, 100), (50, 100), (51, 102), (100, 200), (900, 300)]
)
def test_the_price_rises_evenly_with_the_load(load: int | None, price: int) -> None:
    policy = pricing("[load]\nidle_percent = 50\nfull_percent = 150\nprice_percent = 300")
    assert policy.quote(Readings(load_percent=load)).price == price


@pytest.mark.parametrize(
    ("on_battery", "charge", "reasons"),
    [
        (None, None, []),
        (False, 10, []),
        (True, 10, [Reason.ON_BATTERY]),
        (True, None, [Reason.ON_BATTERY]),
    ],
)
def test_a_battery_is_spared(
    on_battery: bool | None, charge: int | None, reasons: list[Reason]
) -> None:
    readings = Readings(on_battery=on_battery, charge_percent=charge)
    assert pricing("[battery]").quote(readings).reasons == tuple(reasons)


def test_a_battery_that_is_full_enough_may_be_sold_dearer() -> None:
    policy = pricing("[battery]\nsell = true\ncharge_percent_min = 40\nprice_percent = 150")
    full = policy.quote(Readings(on_battery=True, charge_percent=40))
    assert full == Quote(price=150, start_price=15, reasons=())
    assert policy.quote(Readings(on_battery=True)).reasons == ()
    low = policy.quote(Readings(on_battery=True, charge_percent=39))
    assert low.reasons == (Reason.ON_BATTERY,)


def test_heat_is_left_only_when_it_is_well_below() -> None:
    policy = pricing("[temperature]\nwarm_celsius = 60\nprice_percent = 120")
    said = [
        (bool(quote.reasons), quote.price)
        for degrees in (59, 60, 70, 71, 66, 65, 70)
        if (quote := policy.quote(Readings(millidegrees=degrees * 1_000)))
    ]
    assert said == [
        (False, 100),
        (False, 120),
        (False, 120),
        (True, 120),
        (True, 120),
        (False, 120),
        (False, 120),
    ]
    assert policy.quote(NOTHING_KNOWN).reasons == ()


NIGHT = """
[[hours]]
begin = "22:00"
end = "06:00"
days = ["fri"]
price_percent = 50
[[hours]]
begin = "12:00"
end = "13:00"
"""


@pytest.mark.parametrize(
    ("weekday", "minute", "price"),
    [
        (4, 22 * 60, 50),
        (5, 6 * 60 - 1, 50),
        (5, 6 * 60, None),
        (4, 22 * 60 - 1, None),
        (6, 0, None),
        (2, 12 * 60, 100),
        (2, 13 * 60, None),
    ],
)
def test_a_night_ends_on_the_next_day(weekday: int, minute: int, price: int | None) -> None:
    quote = pricing(NIGHT).quote(Readings(weekday=weekday, minute=minute))
    if price is None:
        assert quote.reasons == (Reason.OUTSIDE_HOURS,)
    else:
        assert (quote.price, quote.reasons) == (price, ())


def test_a_span_with_equal_ends_is_a_whole_day_and_an_unknown_hour_is_none() -> None:
    policy = pricing('[[hours]]\nbegin = "00:00"\nend = "00:00"')
    assert policy.quote(MONDAY_NOON).reasons == ()
    assert policy.quote(NOTHING_KNOWN).reasons == (Reason.OUTSIDE_HOURS,)


def test_percentages_multiply_and_are_rounded_up_once() -> None:
    policy = pricing(
        "[base]\nprice = 7\n[load]\nprice_percent = 150\n"
        '[[hours]]\nbegin = "00:00"\nend = "24:00"\nprice_percent = 50'
    )
    quote = policy.quote(replace(MONDAY_NOON, load_percent=100))
    assert (quote.price, quote.start_price) == (6, 8)


@given(
    load=st.integers(0, 10**6),
    base=st.integers(0, PRICE_MAX),
    percent=st.integers(0, 10_000),
)
def test_a_price_stays_within_its_bounds(load: int, base: int, percent: int) -> None:
    policy = pricing(f"[base]\nprice = {base}\n[load]\nprice_percent = {percent}")
    quote = policy.quote(Readings(load_percent=load))
    assert 0 <= quote.price <= PRICE_MAX
    assert isinstance(quote.price, int)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[lode]", "unknown section"),
        ("[load]\npercent = 3", "line 2: unknown setting 'percent'"),
        ("[load]\nprice_percent = 1.5", "whole number"),
        ("[load]\nidle_percent = 100", "less than full_percent"),
        ("[temperature]\nresume_celsius = 90", "not be above"),
        ('[[hours]]\nbegin = "25:00"\nend = "06:00"', '"22:30"'),
        ('[[hours]]\nbegin = "06:00"', "'end' in [[hours]] is missing"),
        ('[[hours]]\nbegin = "06:00"\nend = "07:00"\ndays = []', "must name a day"),
        ('[[hours]]\nbegin = "06:00"\nend = "07:00"\ndays = ["monday"]', '"mon"'),
        ("load = 3", "is a section"),
        ("[load", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_pricing(text, "p.toml")
    assert said in str(refused.value)
    assert "p.toml" in str(refused.value)


def test_the_file_on_the_page_is_a_good_one() -> None:
    page = (DOCS / "pricing.md").read_text("utf-8")
    text = page.split("## The file")[1].split("```toml")[1].split("```")[0]
    assert parse_pricing(text, "docs/pricing.md").hours[0].days == (
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
    )
