"""A market with cheats, debtors, churn and lost messages, on the real machines, from one seed."""

from dataclasses import replace

import pytest

from fogbank_agent.market.orders import NoVerification, Verify

from .sellers import CHEATS, Kind
from .simulate import BILL, SETTINGS, broken_rules, whom_cheating_pays
from .world import Setting, World

SMALL = Setting(providers=40, requestors=6, jobs=2, runs=15, is_credulous=True)


@pytest.mark.slow
def test_a_market_with_cheats_keeps_its_money_and_lets_few_lies_pass() -> None:
    report = World(1, SMALL).live()
    assert list(broken_rules(report)) == []
    assert report.lies > 0
    assert report.caught > 0
    assert report.departures > 0
    assert report.lost_messages > 0
    assert report.paid <= report.given


@pytest.mark.slow
def test_one_seed_gives_one_life() -> None:
    tiny = replace(SMALL, requestors=3, jobs=1, runs=8)
    assert World(5, tiny).live() == World(5, tiny).live()


@pytest.mark.slow
def test_who_only_lies_earns_nothing_where_results_are_audited() -> None:
    earnings = World(2, SMALL).live().earnings
    assert earnings[Kind.HONEST] > 0
    for kind in (Kind.LAZY, Kind.COLLUDING, Kind.COPYING):
        assert earnings[kind] == 0


@pytest.mark.slow
def test_the_simulation_sees_that_cheats_win_where_nobody_checks() -> None:
    unchecked = replace(SMALL, verification=NoVerification(), kinds=CHEATS[:1])
    report = World(3, unchecked).live()
    assert report.wrong > 0
    assert report.earnings[Kind.LAZY] > 0


BURSTING = Setting(
    providers=20,
    requestors=6,
    debtors_percent=0,
    jobs=2,
    runs=30,
    kinds=(Kind.BURSTING,),
    cheats_percent=30,
    stake=40 * BILL,
)


@pytest.mark.slow
def test_lying_to_all_at_once_pays_only_where_nobody_looks_at_stakes() -> None:
    staked = World(2, BURSTING).live()
    assert list(broken_rules(staked)) == []
    assert staked.lies > 0
    assert staked.slashed > 0
    assert whom_cheating_pays(BURSTING, [staked]) == []
    trusted = replace(BURSTING, stake=0, is_credulous=True)
    trusting = World(2, trusted).live()
    assert trusting.lies > 0
    assert Kind.BURSTING in whom_cheating_pays(trusted, [trusting])


PADDING = replace(
    BURSTING,
    verification=Verify(0),
    kinds=(Kind.PADDING,),
)


@pytest.mark.slow
def test_fuel_that_no_verifier_sees_is_not_worth_lying_about() -> None:
    staked = World(1, PADDING).live()
    assert list(broken_rules(staked)) == []
    assert staked.lies > 0
    assert whom_cheating_pays(PADDING, [staked]) == []
    trusted = replace(PADDING, stake=0, is_credulous=True)
    trusting = World(1, trusted).live()
    assert trusting.wrong > 0
    assert Kind.PADDING in whom_cheating_pays(trusted, [trusting])


@pytest.mark.slow
@pytest.mark.parametrize(("providers", "bills"), [(3, 0.6), (3, 1.0), (5, 0.3), (5, 2.0)])
def test_where_others_alone_can_tell_few_honest_providers_decide_everything(
    providers: int, bills: float
) -> None:
    few = Setting(
        providers=providers,
        requestors=1,
        debtors_percent=0,
        cheats_percent=0,
        can_run_here=False,
        # A tenth is the watch's.
        stake=int(bills * BILL * 10 / 9),
        jobs=1,
        runs=30,
        lots_at_once=16,
    )
    report = World(0, few).live()
    assert (report.accepted, report.failed) == (30, 0)


@pytest.mark.slow
def test_colluding_with_a_stake_for_one_bill_does_not_pay_in_many_lots_at_once() -> None:
    setting = replace(
        SETTINGS["audit by others, colluding, a stake for a bill"],
        providers=20,
        requestors=5,
        stake=6 * BILL,
        runs=20,
    )
    reports = [World(seed, setting).live() for seed in (0, 1)]
    assert sum(one.lies for one in reports) > 0
    assert [rule for one in reports for rule in broken_rules(one)] == []
    assert whom_cheating_pays(setting, reports) == []


@pytest.mark.slow
@pytest.mark.parametrize("can_run_here", [False, True])
def test_being_slow_for_a_friend_to_get_the_hedge_does_not_pay(can_run_here: bool) -> None:
    setting = replace(
        SETTINGS["audit by others, 20 % colluding, hedged"],
        can_run_here=can_run_here,
        providers=20,
        requestors=4,
        jobs=1,
    )
    report = World(1, setting).live()
    assert report.lies > 0
    assert list(broken_rules(report)) == []
    assert whom_cheating_pays(setting, [report]) == []


@pytest.mark.slow
def test_who_is_paid_for_work_that_it_does_not_do_earns_less_than_who_does_it() -> None:
    setting = replace(BURSTING, kinds=(Kind.ABSCONDING,))
    report = World(1, setting).live()
    assert list(broken_rules(report)) == []
    assert report.robbed_most > 0
    assert whom_cheating_pays(setting, [report]) == []
    assert 2 * report.earnings[Kind.ABSCONDING] < report.earnings[Kind.HONEST]
