"""Whom to ask and whose bid to take (SPEC.md section 9.3)."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from fogbank_agent.limits import BUSY_RETRY_S, PROVIDERS_ASKED_MAX
from fogbank_agent.market.auction import Proposal
from fogbank_agent.market.goodput import Goodput
from fogbank_agent.market.orders import Audit, OrderInput
from fogbank_agent.market.reasons import Reason
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN, CAT, GIGAFUEL, INPUT, PACKAGE, Town, an_offer


def proposal(provider: NodeId, price: int = 100, start_ms: int = 0) -> Proposal:
    return Proposal(provider, price, 1, start_ms, valid_until=1_000.0)


def ask(town: Town) -> list[NodeId]:
    return list(town.choice.whom_to_ask(range(1), (), (), town.now))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"price": 1_001}, Reason.PRICE_TOO_HIGH),
        ({"start_price": 101}, Reason.PRICE_TOO_HIGH),
        ({"memory_bytes_max": 1 << 20}, Reason.TOO_SMALL_MEMORY),
        ({"input_bytes_max": 999}, Reason.INPUT_TOO_LARGE),
        ({"output_bytes_max": 1}, Reason.OUTPUT_TOO_LARGE),
        ({"fuel_max": 1}, Reason.FUEL_TOO_HIGH),
        ({"features": ("command",)}, Reason.CANNOT_EXECUTE),
    ],
)
def test_an_offer_that_does_not_fit_is_not_asked_and_the_reason_is_known(
    change: dict[str, Any], reason: Reason
) -> None:
    town = Town(offers=[an_offer(ANN, **change)])
    assert ask(town) == []
    assert town.choice.explain(town.now) == [(ANN, [reason])]


def test_the_best_looking_come_first_and_only_so_many() -> None:
    offers = [an_offer(NodeId(bytes([n]) * 32), price=200 - n) for n in range(10)]
    town = Town(offers=offers)
    asked = ask(town)
    assert asked == [NodeId(bytes([n]) * 32) for n in range(9, 9 - PROVIDERS_ASKED_MAX, -1)]


def test_an_offer_that_has_ended_is_not_asked() -> None:
    town = Town(offers=[an_offer(ANN, valid_s=10)])
    town.now = 10.0
    assert ask(town) == []


def test_who_asks_nothing_gets_no_channel() -> None:
    free = an_offer(ANN, price=0, start_price=0)
    town = Town(offers=[free, an_offer(BEN, price=0), an_offer(CAT, start_price=0)])
    assert set(ask(town)) == {ANN, BEN, CAT}
    assert set(town.choice.wanted(town.now)) == {BEN, CAT}


def test_a_faster_provider_and_one_that_has_the_package_look_better() -> None:
    town = Town(offers=[an_offer(ANN), an_offer(BEN, fuel_per_s=10**10)])
    assert ask(town) == [BEN, ANN]
    town = Town(offers=[an_offer(ANN), an_offer(BEN, packages=(PACKAGE,))])
    assert ask(town) == [BEN, ANN]


def test_a_slow_way_costs_as_much_as_a_slow_machine() -> None:
    goodput = Goodput()
    inputs = [OrderInput(INPUT, 4_000_000)]
    town = Town(ANN, BEN, goodput=goodput, inputs=inputs)
    cheap, near = proposal(ANN, price=100), proposal(BEN, price=120)
    assert town.choice.choose([cheap, near], range(1), (), (), 0.0) == cheap
    goodput.learn(ANN, 1_000_000, 4.0, is_sent=True)
    assert town.choice.choose([cheap, near], range(1), (), (), 0.0) == near
    # What it has already need not move.
    goodput.note_holder(ANN, INPUT, 0.0)
    goodput.note_holder(ANN, PACKAGE, 0.0)
    assert town.choice.choose([cheap, near], range(1), (), (), 0.0) == cheap


def test_large_outputs_count_as_soon_as_they_are_known() -> None:
    goodput = Goodput()
    town = Town(ANN, BEN, goodput=goodput)
    goodput.learn(ANN, 1_000_000, 1.0, is_sent=False)
    goodput.learn(BEN, 1_000_000_000, 1.0, is_sent=False)
    cheap, near = proposal(ANN, price=100), proposal(BEN, price=120)
    town.choice.count_results(BEN, GIGAFUEL, 1, 0)
    assert town.choice.choose([cheap, near], range(1), (), (), 0.0) == cheap
    town.choice.count_results(BEN, GIGAFUEL, 1, 20_000_000)
    assert town.choice.choose([cheap, near], range(1), (), (), 0.0) == near


def test_one_that_will_not_make_it_in_time_comes_after_all_others() -> None:
    town = Town(offers=[an_offer(ANN), an_offer(BEN, fuel_per_s=GIGAFUEL // 2)], run_ms_max=15_000)
    dear, slow = proposal(ANN, price=1_000), proposal(BEN, price=1)
    # Ten gigafuel are 20 s of work for Ben.
    assert town.choice.choose([dear, slow], range(1), (), (), 0.0) == dear
    assert town.choice.choose([slow], range(1), (), (), 0.0) == slow
    town.choice.count_results(ANN, GIGAFUEL, 1)
    assert town.choice.choose([dear, slow], range(1), (), (), 0.0) == slow


def test_those_that_failed_come_last() -> None:
    town = Town(ANN, BEN)
    town.choice.count_failure(ANN)
    assert ask(town) == [BEN, ANN]
    town.choice.count_results(ANN, 1, 1)
    assert list(town.choice.whom_to_ask(range(1), (), (ANN,), town.now)) == [BEN, ANN]


def test_a_busy_provider_is_left_alone_for_a_moment() -> None:
    town = Town(ANN)
    town.choice.note_busy(ANN, town.now)
    assert ask(town) == []
    town.now += BUSY_RETRY_S
    assert ask(town) == [ANN]


def test_a_provider_is_given_one_waiting_run_a_slot_and_no_more() -> None:
    town = Town(offers=[an_offer(ANN, slots=1, slots_free=1)])
    for _ in range(2):
        assert town.choice.choose([proposal(ANN)], range(1), (), (), 0.0) == proposal(ANN)
        town.choice.begin(ANN)
    assert town.choice.choose([proposal(ANN)], range(1), (), (), 0.0) is Reason.BUSY
    town.choice.end(ANN)
    assert town.choice.choose([proposal(ANN)], range(1), (), (), 0.0) == proposal(ANN)


def test_the_bid_expected_to_cost_least_is_taken() -> None:
    town = Town(ANN, BEN, CAT)
    bids = [proposal(ANN, price=100), proposal(BEN, price=99), proposal(CAT, price=99, start_ms=9)]
    assert town.choice.choose(bids, range(1), (), (), 0.0) == bids[1]
    assert town.choice.choose(bids, range(1), (BEN,), (), 0.0) == bids[2]


def test_a_cheap_bid_that_begins_late_loses_to_a_quick_one() -> None:
    town = Town(ANN, BEN)
    bids = [proposal(ANN, price=100), proposal(BEN, price=95, start_ms=60_000)]
    assert town.choice.choose(bids, range(1), (), (), 0.0) == bids[0]


def test_one_that_needs_fewer_checks_is_worth_a_little_more() -> None:
    town = Town(ANN, BEN, verification=Audit(0))
    for _ in range(100):
        town.reputation.count_confirmed(ANN, PACKAGE)
    bids = [proposal(ANN, price=120), proposal(BEN, price=100)]
    assert town.choice.choose(bids, range(1), (), (), 0.0) == bids[0]


def test_why_no_bid_can_be_taken() -> None:
    town = Town(ANN, spendable=0)
    assert town.choice.choose([], range(1), (), (), 0.0) is Reason.NO_PROVIDER
    assert town.choice.choose([proposal(ANN)], range(1), (), (), 0.0) is Reason.NO_FUNDS
    assert town.choice.choose([proposal(ANN)], range(1), (ANN,), (), 0.0) is Reason.BUSY


def test_a_caught_provider_is_neither_asked_nor_chosen() -> None:
    town = Town(ANN)
    assert town.choice.catch(ANN)
    assert not town.choice.catch(ANN)
    assert ask(town) == []
    assert town.choice.choose([proposal(ANN)], range(1), (), (), 0.0) is Reason.BUSY
    assert town.choice.explain(town.now) == [(ANN, [Reason.PROVIDER_CAUGHT])]


def first_auditors(town: Town) -> Counter[NodeId]:
    lots = range(2_000)
    return Counter(town.choice.whom_to_ask(range(1), (), (), town.now, lot=lot)[0] for lot in lots)


def test_auditors_are_drawn_by_what_they_have_at_stake() -> None:
    firsts = first_auditors(Town(ANN, BEN, CAT, stakes={ANN: 30_000, BEN: 10_000}))
    assert firsts.keys() == {ANN, BEN}
    assert 1_400 < firsts[ANN] < 1_600


def test_auditors_are_drawn_evenly_where_nobody_has_a_stake() -> None:
    for town in (Town(ANN, BEN), Town(ANN, BEN, stakes={})):
        firsts = first_auditors(town)
        assert 900 < firsts[ANN] < 1_100


def test_who_takes_part_under_many_names_audits_no_more_often() -> None:
    crowd = [NodeId(bytes([number]) * 32) for number in range(100, 140)]
    firsts = first_auditors(Town(ANN, *crowd, stakes={ANN: 1}))
    assert firsts.keys() == {ANN}


def test_who_cannot_execute_asks_nobody_that_has_no_stake() -> None:
    town = Town(ANN, BEN, verification=Audit(0), stakes={ANN: 1_001}, can_execute=False)
    assert list(town.choice.whom_to_ask(range(1), (), (), town.now)) == [ANN]
    assert list(town.choice.whom_to_ask(range(1), (), (), town.now, lot=1)) == [ANN]
    assert list(town.choice.whom_to_ask(range(1), (ANN,), (), town.now, lot=1)) == []
    assert town.choice.explain(town.now) == [(BEN, [Reason.NO_STAKE])]
    free = Town(offers=[an_offer(BEN, price=0, start_price=0)], stakes={}, can_execute=False)
    assert list(free.choice.whom_to_ask(range(1), (), (), free.now)) == [BEN]


def test_who_cannot_execute_waits_for_the_auditor_that_was_drawn() -> None:
    stakes = {ANN: 1_001, BEN: 1_001}
    town = Town(ANN, BEN, verification=Audit(0), stakes=stakes, can_execute=False)
    lot = next(lot for lot in range(99) if ask_auditor(town, lot) == [ANN])
    town.choice.note_busy(ANN, town.now)
    assert ask_auditor(town, lot) == []
    assert town.choice.drawn_auditor(lot, range(1), (), (), town.now) == (ANN, False)
    assert ask_auditor(town, lot, shunned=(ANN,)) == [BEN]
    assert town.choice.drawn_auditor(lot, range(1), (ANN,), (), town.now) == (BEN, True)
    assert ask_auditor(Town(ANN, BEN, stakes=stakes), lot) == [ANN, BEN]


def ask_auditor(town: Town, lot: int, shunned: Sequence[NodeId] = ()) -> list[NodeId]:
    return list(town.choice.whom_to_ask(range(1), shunned, (), town.now, lot=lot))


def test_as_many_audit_as_a_lie_wins_stakes() -> None:
    town = Town(ANN, stakes={ANN: 100}, can_execute=False)
    assert [town.choice.auditors(ANN, drops) for drops in (0, 1, 100, 101, 300)] == [1, 1, 1, 2, 3]
    assert town.choice.auditors(ANN, 100, 50) == 2
    assert Town(ANN, stakes={ANN: 100}).choice.auditors(ANN, 300) == 1


def test_a_stake_counts_where_a_lie_could_be_proved() -> None:
    for can_execute, ppm in ((True, 90_910), (False, 1_000_000)):
        town = Town(ANN, verification=Audit(0), stakes={ANN: 100}, can_execute=can_execute)
        town.choice.count_confirmed(ANN, 100)
        assert town.choice.audit_ppm(ANN, 10) == ppm


def test_after_a_theft_those_come_first_that_have_earned_something() -> None:
    town = Town(ANN, BEN, CAT, spendable=10**6)
    advances = town.purse.advances
    advances.earn(BEN, 100)
    assert set(town.choice.whom_to_ask(range(1), (), (), town.now)) == {ANN, BEN, CAT}
    advances.lose(CAT, 50, town.now)
    assert town.choice.whom_to_ask(range(1), (), (), town.now) == [BEN]
    town.book.forget(BEN)
    assert set(town.choice.whom_to_ask(range(1), (), (), town.now)) == {ANN, CAT}


def test_after_a_theft_strangers_work_one_at_a_time_but_auditors_that_were_drawn() -> None:
    town = Town(ANN, BEN, CAT, spendable=10**6)
    town.choice.count_results(ANN, GIGAFUEL, 1)
    town.purse.advances.lose(CAT, 50, town.now)
    town.purse.advances.hold(BEN, "a run", 100)
    choose = partial(town.choice.choose, [proposal(ANN)], range(1), (), ())
    assert choose(town.now) is Reason.BUSY
    assert choose(town.now, lot=7) == proposal(ANN)
    town.purse.advances.end("a run")
    assert choose(town.now) == proposal(ANN)
