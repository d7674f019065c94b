"""What keeps providers from lying where others alone can tell (SPEC.md section 9.6)."""

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from itertools import count
from math import comb
from typing import Any

import pytest

from fogbank_agent.limits import AUDITORS_MAX, BUSY_RETRY_S, PLACEMENT_RETRY_S_MAX
from fogbank_agent.market.deterrence import Deterrence
from fogbank_agent.market.job_messages import (
    Accuse,
    AgreementSigned,
    EndAttempt,
    EndJob,
    JobCommand,
    OrderRefused,
    Owe,
    Refuse,
    SendOrder,
    SignAgreement,
)
from fogbank_agent.market.orders import Audit
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.story import NobodyToAsk
from fogbank_protocol.identity import NodeId

from .town import (
    ANN,
    BEN,
    CAT,
    DAN,
    EVE,
    FUEL_MAX,
    GIGAFUEL,
    PATIENCE_S,
    RUN_S,
    Town,
    an_offer,
    wrong,
)

BILL = 101
EVERYBODY = (ANN, BEN, CAT, DAN, EVE)


def a_town(*providers: NodeId, stakes: Mapping[NodeId, int] | None = None, **settings: Any) -> Town:
    """Return one whose requestor has no sandbox, and numbers that draw everybody in turn."""
    return Town(
        *providers,
        verification=Audit(0),
        stakes=stakes or dict.fromkeys(providers, BILL),
        can_execute=False,
        draws=count(),
        **settings,
    )


def whom(order: JobCommand) -> NodeId:
    """Return the one auditor that an order goes to."""
    assert isinstance(order, SendOrder)
    (provider,) = order.providers
    return provider


def begun(town: Town) -> JobCommand:
    """Let Ann take the lot, and return the order to whoever shall confirm what she says."""
    (order,) = town.begin()
    return town.finish(town.agree(order, ANN))[0]


def test_one_confirms_what_a_stake_covers() -> None:
    town = a_town(ANN, BEN)
    order = begun(town)
    commands = town.finish(town.agree(order, BEN))
    assert commands[:2] == [Owe(0, 1, ANN, BILL), Owe(0, 2, BEN, BILL)]
    assert commands[-1] == EndJob()


def next_order(town: Town, commands: Sequence[JobCommand]) -> JobCommand:
    """Return the order among ``commands``, or the next one."""
    while True:
        for command in commands:
            if isinstance(command, SendOrder):
                return command
        commands = town.wait(0.1)


def live(
    town: Town,
    *,
    liars: Collection[NodeId] = (),
    auditors: Sequence[NodeId] = (),
    lying_first: int = 0,
    seconds: float = 3_600.0,
) -> list[JobCommand]:
    """Let everybody bid, sign and say what they say until the job ends; return what came of it.

    ``liars`` lie, and the ``lying_first`` of those that audit, who come when the first has agreed.
    """
    commands, done, agreed = town.begin(), list[JobCommand](), 0
    while EndJob() not in done and town.now < seconds:
        commands = commands or town.wait(0.1)
        command = commands.pop(0) if commands else None
        match command:
            case SendOrder(_, _, providers):
                commands += town.bid(command, *providers)
            case SignAgreement(lot, attempt, provider):
                commands += town.tell(AgreementSigned(lot, attempt))
                for auditor in auditors if agreed == 0 else ():
                    town.book.put(an_offer(auditor), town.now)
                lies = provider in liars or 0 < agreed <= lying_first
                agreed += 1
                commands += town.finish(command, wrong() if lies else None)
            case None:
                pass
            case _:
                done.append(command)
    return done


@pytest.mark.parametrize("auditors", [1, 2, 3, 4])
def test_as_many_confirm_a_claim_as_its_bill_goes_into_the_stake(auditors: int) -> None:
    stakes = {**dict.fromkeys(EVERYBODY, BILL), ANN: -(-BILL // auditors)}
    town = a_town(ANN, stakes=stakes)
    for other in EVERYBODY[1:]:
        town.book.put(an_offer(other, price=200), town.now)
    done = live(town)
    assert sum(isinstance(one, Owe) for one in done) == 1 + auditors
    assert [one for one in done if isinstance(one, Refuse)] == []


def test_whoever_was_drawn_is_waited_for_while_others_have_room() -> None:
    town = a_town(*EVERYBODY)
    order = begun(town)
    drawn = whom(order)
    assert isinstance(order, SendOrder)
    busy = OrderRefused(order.lot, order.attempt, drawn, (Reason.BUSY,))
    assert [one for one in town.tell(busy) if isinstance(one, SendOrder)] == []
    later = town.wait(BUSY_RETRY_S + PLACEMENT_RETRY_S_MAX)
    again = [one for one in later if isinstance(one, SendOrder)]
    assert [whom(one) for one in again[:1]] == [drawn]
    assert town.told(NobodyToAsk) == []


def test_when_whoever_was_drawn_has_gone_another_is() -> None:
    town = a_town(*EVERYBODY)
    order = begun(town)
    assert isinstance(order, SendOrder)
    drawn = whom(order)
    town.book.forget(drawn)
    town.tell(OrderRefused(order.lot, order.attempt, drawn, (Reason.PROVIDER_LOST,)))
    others = {whom(one) for one in town.wait(1.0) if isinstance(one, SendOrder)}
    assert len(others) == 1
    assert drawn not in others


def test_without_enough_to_confirm_it_nobody_is_paid() -> None:
    town = a_town(ANN, BEN, stakes={ANN: BILL // 3, BEN: BILL})
    town.finish(town.agree(begun(town), BEN))
    commands = town.wait(2 * PATIENCE_S + RUN_S)
    assert [one for one in commands if isinstance(one, Owe)] == []
    assert {one.reason for one in commands if isinstance(one, Refuse)} == {Reason.UNVERIFIED}


def test_what_others_take_of_a_stake_after_the_agreement_refuses_no_work() -> None:
    stakes = dict.fromkeys((ANN, BEN), BILL)
    town = a_town(ANN, BEN, stakes=stakes)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    stakes[ANN] = 1
    order = town.finish(agreement)[0]
    commands = town.finish(town.agree(order, BEN))
    assert [one.provider for one in commands if isinstance(one, Owe)] == [ANN, BEN]


def test_a_claim_behind_which_too_little_is_left_is_refused_and_the_lot_goes_elsewhere() -> None:
    stakes = dict.fromkeys((ANN, BEN, CAT), BILL)
    town = a_town(ANN, BEN, CAT, stakes=stakes)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    stakes[ANN] = 0
    commands = town.finish(agreement)
    assert commands[0] == Refuse(0, 1, ANN, Reason.UNVERIFIED)
    order = commands[-1]
    commands = town.finish(town.agree(order, BEN))
    assert [whom(one) for one in commands if isinstance(one, SendOrder)] == [CAT]


def test_a_stake_answers_for_as_many_lots_at_once_as_it_covers() -> None:
    stakes = {ANN: 2 * BILL, **dict.fromkeys((BEN, CAT, DAN), 3 * BILL)}
    town = a_town(ANN, stakes=stakes, runs=8, lots_at_once=8)
    (order,) = town.begin()
    commands = town.finish(town.agree(order, ANN), wrong())
    for other in (BEN, CAT, DAN):
        town.book.put(an_offer(other, price=200), town.now)
    # The first lot has told what a run takes.  It is still undecided: there is room for one more.
    given = list[JobCommand]()
    for command in [*commands, *town.wait(2.2)]:
        if isinstance(command, SendOrder) and ANN in command.providers:
            given += [*town.bid(command, ANN), *town.wait(0.1)]
    assert sum(isinstance(one, SignAgreement) for one in given) == 1


def test_whoever_confirms_has_its_own_bill_confirmed_too() -> None:
    town = a_town(ANN, stakes={ANN: 10 * BILL, BEN: BILL // 2, CAT: BILL, DAN: BILL})
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    town.book.put(an_offer(BEN), town.now)
    order = town.finish(agreement)[0]
    for other in (CAT, DAN):
        town.book.put(an_offer(other), town.now)
    # Her stake covers her bill ten times; that of Ben, who agrees, half of his: a third is asked.
    commands = town.finish(town.agree(order, BEN))
    assert [one for one in commands if isinstance(one, Owe)] == []
    assert len([one for one in commands if isinstance(one, SendOrder)]) == 2


def test_whose_stake_is_far_below_one_bill_is_asked_for_nothing() -> None:
    town = a_town(ANN, stakes={ANN: 10 * BILL, BEN: 1, CAT: 1})
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    for other in (BEN, CAT):
        town.book.put(an_offer(other, price=1_000), town.now)
    assert [one for one in town.finish(agreement) if isinstance(one, SendOrder)] == []
    reasons = dict(town.choice.explain(town.now))
    assert reasons == {BEN: [Reason.NO_STAKE], CAT: [Reason.NO_STAKE]}


def test_whoever_declines_an_audit_comes_after_all_others() -> None:
    town = a_town(*EVERYBODY)
    order = begun(town)
    asked = list[NodeId]()
    for _ in range(8):
        assert isinstance(order, SendOrder)
        asked.append(whom(order))
        paused = OrderRefused(order.lot, order.attempt, asked[-1], (Reason.PAUSED,))
        order = next_order(town, town.tell(paused))
    assert set(asked[:4]) == set(asked[4:]) == {BEN, CAT, DAN, EVE}


def test_who_stays_busy_is_waited_for_as_long_as_a_run_may_take() -> None:
    town = a_town(*EVERYBODY, run_ms_max=round(2_000 * PATIENCE_S))
    order = begun(town)
    asked = drawn = whom(order)
    while asked == drawn:
        assert isinstance(order, SendOrder)
        assert town.now < 3 * PATIENCE_S
        busy = OrderRefused(order.lot, order.attempt, asked, (Reason.BUSY,))
        order = next_order(town, town.tell(busy))
        asked = whom(order)
    assert town.now >= 2 * PATIENCE_S


def test_a_lot_whose_only_auditor_never_has_room_ends() -> None:
    town = a_town(ANN, BEN)
    order, commands = begun(town), list[JobCommand]()
    for _ in range(1_000):
        assert isinstance(order, SendOrder)
        busy = OrderRefused(order.lot, order.attempt, BEN, (Reason.BUSY,))
        commands = [*town.tell(busy), *town.wait(1.0)]
        if EndJob() in commands:
            break
        order = next((one for one in commands if isinstance(one, SendOrder)), order)
    assert Refuse(0, 1, ANN, Reason.UNVERIFIED) in commands
    assert PATIENCE_S <= town.now <= 2 * PATIENCE_S + RUN_S


def test_an_auditor_that_bids_more_than_there_is_vetoes_nothing() -> None:
    town = a_town(*EVERYBODY)
    order = begun(town)
    drawn = whom(order)
    town.spendable = BILL + 500 * FUEL_MAX // GIGAFUEL
    commands = [*town.bid(order, drawn, price=1_000), *town.wait(3.0)]
    others = [whom(one) for one in commands if isinstance(one, SendOrder)]
    assert others
    assert drawn not in others[:1]


def test_the_places_of_missing_auditors_keep_their_numbers_and_none_is_asked_twice() -> None:
    stakes = {**dict.fromkeys(EVERYBODY, BILL), ANN: -(-BILL // 2)}
    town = a_town(ANN, stakes=stakes)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    for other in EVERYBODY[1:]:
        town.book.put(an_offer(other), town.now)
    first, second = (one for one in town.finish(agreement) if isinstance(one, SendOrder))
    assert whom(first) != whom(second)
    busy = OrderRefused(first.lot, first.attempt, whom(first), (Reason.BUSY,))
    town.agree(second, whom(second))
    commands = [*town.tell(busy), *town.wait(3.0)]
    assert [whom(one) for one in commands if isinstance(one, SendOrder)][:1] == [whom(first)]


def test_hedging_draws_no_other_auditor() -> None:
    town = a_town(ANN, BEN, CAT, hedge_s=5.0)
    order = begun(town)
    town.agree(order, whom(order))
    assert [one for one in town.wait(20.0) if isinstance(one, SendOrder)] == []


def test_a_hedge_under_way_takes_no_place_of_an_auditor() -> None:
    stakes = dict.fromkeys((ANN, BEN, CAT), 10**6)
    town = a_town(ANN, BEN, CAT, stakes=stakes, hedge_s=5.0)
    (order,) = town.begin()
    slow = town.agree(order, ANN)
    (order,) = town.wait(5.0)
    town.agree(order, BEN)
    *ended, order = town.finish(slow, wrong())
    assert ended == [EndAttempt(0, 2), Refuse(0, 2, BEN, Reason.CANCELLED)]
    # The first number drew the audit.
    drawn = town.choice.drawn_auditor(1, town.job.purchases[0].runs, {ANN}, (), town.now)
    assert drawn == (whom(order), True)


def test_attempts_last_until_one_side_has_the_voices_that_it_needs() -> None:
    names = [NodeId(bytes([number]) * 32) for number in range(65, 85)]
    stakes = {**dict.fromkeys(names, BILL), ANN: -(-BILL // 4)}
    town = a_town(ANN, stakes=stakes)
    done = live(town, liars=(ANN,), auditors=names, lying_first=3)
    assert sum(isinstance(one, Owe) for one in done) == 5
    assert sum(isinstance(one, Refuse) for one in done) == 4


def test_claims_that_differ_go_before_the_watch_when_nothing_decides() -> None:
    town = a_town(ANN, BEN)
    town.finish(town.agree(begun(town), BEN), wrong())
    commands = town.wait(2 * PATIENCE_S + RUN_S)
    assert [one for one in commands if isinstance(one, Accuse)] == [Accuse(0, 1, ANN)]
    assert [one for one in commands if isinstance(one, Owe)] == []


def test_one_who_lies_is_outvoted_by_two() -> None:
    town = a_town(*EVERYBODY)
    order = begun(town)
    commands = town.finish(town.agree(order, whom(order)), wrong())
    (order,) = [one for one in commands if isinstance(one, SendOrder)]
    commands = town.finish(town.agree(order, whom(order)))
    assert sum(isinstance(one, Owe) for one in commands) == 2
    assert {one.reason for one in commands if isinstance(one, Refuse)} == {Reason.WRONG_RESULT}


@pytest.mark.parametrize("auditors", range(1, AUDITORS_MAX + 1))
def test_friends_with_a_quarter_of_all_stakes_win_nothing_together(auditors: int) -> None:
    """Each voice of theirs has a bill as large as so many stakes, the most that is allowed."""

    def won(friends: Fraction) -> Fraction:
        honest, drops = 1 - friends, Fraction(0)
        for others in range(auditors + 1):
            chance = comb(auditors - 1 + others, others) * friends**auditors * honest**others
            drops += chance * (auditors + 1) * (auditors - (1 if others else 0))
        for liars in range(auditors):
            chance = comb(auditors + liars, liars) * honest ** (auditors + 1) * friends**liars
            drops -= chance * (1 + liars)
        return drops

    assert won(Fraction(1, 4)) < 0
    assert won(Fraction(3, 10)) > 0


@pytest.mark.parametrize("can_execute", [True, False])
def test_auditors_are_drawn_by_worth_and_lies_are_deterred_by_the_share(can_execute: bool) -> None:
    shares, worths = {ANN: 50, BEN: 50}, {ANN: 3_000, BEN: 1_000}
    deterrence = Deterrence(
        lambda who: shares.get(who, 0), lambda who: worths.get(who, 0), can_execute=can_execute
    )
    firsts = [min(worths, key=lambda who: deterrence.drawn(lot, who)) for lot in range(1_000)]
    assert 700 < firsts.count(ANN) < 800
    assert deterrence.lie_ppm(ANN, 50, 0) == (500_000 if can_execute else 1_000_000)
    assert deterrence.auditors(ANN, 200, 0) == (1 if can_execute else 4)
    assert deterrence.answers(CAT) is can_execute
    assert deterrence.rests_on_others is not can_execute
