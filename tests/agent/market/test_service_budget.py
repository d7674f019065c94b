"""What a service may cost until this or that is over (SPEC.md section 9.8)."""

from math import inf

from fogbank_agent.market.orders import OrderId
from fogbank_agent.market.service_bids import ServiceBid
from fogbank_agent.market.service_budget import ServiceBudget
from fogbank_agent.market.service_orders import ServiceOrder
from fogbank_protocol.blobs.naming import blob_id

from .objects import ANN, BEN


def a_budget(drops_max: int, *, warm_price: int = 10, duration_s_max: int = 60) -> ServiceBudget:
    order = ServiceOrder(
        requestor=ANN.node_id,
        salt=bytes(16),
        package_id=blob_id(b"p"),
        arguments=(),
        environment=(),
        seed=0,
        fuel_max=2 * 10**9,
        memory_bytes_max=1 << 20,
        output_bytes_max=1_000,
        call_ms_max=5_000,
        idle_s_max=60,
        duration_s_max=duration_s_max,
        price_max=1_000,
        start_price_max=100,
        warm_price_max=1_000,
        weights=1,
    )
    bid = ServiceBid(
        provider=BEN.node_id,
        order_id=OrderId(bytes(32)),
        price=100,
        start_price=1,
        warm_price=warm_price,
        valid_ms=1_000,
    )
    return ServiceBudget(drops_max, order, bid)


def test_a_call_may_cost_all_its_fuel_and_all_its_time() -> None:
    budget = a_budget(1_000)

    # 200 for the fuel, 1 for the start, and ten for each of five seconds, a beat of two and one
    # that the provider's clock may be ahead.
    assert budget.call(40, 0, 0) == 40 + 201 + 80
    assert budget.beat(40, 0, 0) == 40 + 30
    assert budget.start == 201 + 201 + 80


def test_time_that_has_passed_and_was_not_charged_counts() -> None:
    budget = a_budget(1_000)

    assert budget.beat(40, 3_000, 3_000) == budget.beat(40, 0, 0)
    assert budget.beat(40, 1_000, 3_000) == budget.beat(40, 0, 0) + 20
    assert budget.beat(40, 61_000, 90_000) == 40, "nothing is charged after its duration"


def test_all_of_the_budget_may_be_spent_and_no_drop_more() -> None:
    assert a_budget(482).pays(a_budget(482).start)
    assert not a_budget(481).pays(a_budget(481).start)


def test_time_alone_spends_the_budget_up_to_a_moment_that_is_known() -> None:
    budget = a_budget(1_000)

    assert budget.spent_ms(700, 2_000, is_calling=False) == 2_000 + 30_000 - 1_000
    assert budget.spent_ms(700, 2_000, is_calling=True) == 2_000 + 9_900 - 1_000
    assert a_budget(0, warm_price=0).spent_ms(0, 0, is_calling=False) == inf
