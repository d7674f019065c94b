"""Checks of one result in the own sandbox, by verifier or repetition (SPEC.md section 9.6)."""

from itertools import repeat

import pytest

from fogbank_agent.market.auction import Proposal
from fogbank_agent.market.ballot import Ballot
from fogbank_agent.market.job_messages import (
    AttemptBroke,
    CheckEnded,
    CheckHere,
    EndJob,
    JobCommand,
    KeepReputation,
    Owe,
    Refuse,
    ResultCame,
    RunHere,
    SendOrder,
    SignAgreement,
)
from fogbank_agent.market.orders import Audit, Partial, Verify
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.story import CheckSpared, ProviderCaught, RunReopened
from fogbank_agent.market.verification import Verdict
from fogbank_wasm_tasks.outcome import OutOfFuel

from .town import (
    ANN,
    BEN,
    CAT,
    DAN,
    EVE,
    GIGAFUEL,
    PACKAGE,
    Town,
    an_offer,
    claim,
    own_run_ended,
    result_came,
    right,
    wrong,
)

BILL = 101


def a_town(ppm: int = 0) -> Town:
    """Return one whose results a verifier judges."""
    return Town(ANN, BEN, verification=Verify(ppm), can_run_here=True)


def buy(town: Town, order: JobCommand) -> list[JobCommand]:
    """Let Ann say what is right."""
    return town.finish(town.agree(order, ANN))


def test_what_the_verifier_accepts_is_owed_and_confirmed_without_another_voice() -> None:
    town = a_town()
    (order,) = town.begin()
    assert buy(town, order) == [CheckHere(0, 1, claim(right()), None)]
    assert town.tell(CheckEnded(0, 1, Verdict.SOUND, 7)) == [
        Owe(0, 1, ANN, BILL),
        KeepReputation(ANN, 1, newly=1),
        EndJob(),
    ]


def test_what_the_verifier_rejects_is_wrong_and_another_provider_is_asked() -> None:
    town = a_town()
    (order,) = town.begin()
    town.finish(town.agree(order, ANN), wrong())
    commands = town.tell(CheckEnded(0, 1, Verdict.WRONG, 7))
    assert commands == [
        Refuse(0, 1, ANN, Reason.WRONG_RESULT),
        KeepReputation(ANN, 0),
        SendOrder(0, 2, [BEN]),
    ]
    assert town.told(ProviderCaught) == [ProviderCaught(ANN)]
    assert town.finish(town.agree(commands[-1], BEN)) == [CheckHere(0, 2, claim(right()), None)]
    assert Owe(0, 2, BEN, BILL) in town.tell(CheckEnded(0, 2, Verdict.SOUND, 7))


def test_the_same_wrong_claim_again_is_not_confirmed_by_the_first() -> None:
    town = a_town()
    (order,) = town.begin()
    town.finish(town.agree(order, ANN), wrong())
    order = town.tell(CheckEnded(0, 1, Verdict.WRONG, 7))[-1]
    town.finish(town.agree(order, BEN), wrong())
    commands = town.tell(CheckEnded(0, 2, Verdict.WRONG, 7))
    assert Refuse(0, 2, BEN, Reason.WRONG_RESULT) in commands
    assert not any(isinstance(command, Owe) for command in commands)


def test_a_verifier_that_cannot_judge_leaves_it_to_an_audit() -> None:
    town = a_town()
    (order,) = town.begin()
    buy(town, order)
    assert town.tell(CheckEnded(0, 1, Verdict.OPEN, 7)) == [RunHere(0)]
    assert Owe(0, 1, ANN, BILL) in town.tell(own_run_ended(0, right(), GIGAFUEL))


def test_an_end_that_no_verifier_judges_is_audited() -> None:
    town = a_town()
    (order,) = town.begin()
    assert town.finish(town.agree(order, ANN), OutOfFuel()) == [RunHere(0)]


def test_fuel_that_no_verifier_sees_is_audited_by_the_orders_rate() -> None:
    town = Town(
        ANN, verification=Verify(500_000), can_run_here=True, draws=iter([499_999, 500_000])
    )
    (order,) = town.begin()
    town.finish(town.agree(order, ANN), right(), fuel=2 * GIGAFUEL)
    assert town.tell(CheckEnded(0, 1, Verdict.SOUND, 7)) == [RunHere(0)]
    commands = town.tell(own_run_ended(0, right(), GIGAFUEL))
    assert Refuse(0, 1, ANN, Reason.WRONG_RESULT) in commands


def test_what_was_accepted_is_checked_again_when_its_provider_is_caught() -> None:
    town = Town(ANN, BEN, runs=2, verification=Verify(0), can_run_here=True, lots_at_once=2)
    first, second = town.begin()
    one, two = town.agree(first, ANN), town.agree(second, ANN)
    town.finish(one)
    town.tell(CheckEnded(0, 1, Verdict.SOUND, 7))
    town.finish(two, wrong())
    commands = town.tell(CheckEnded(1, 1, Verdict.WRONG, 7))
    assert town.told(RunReopened) == [RunReopened(ANN)]
    assert RunHere(0) in commands


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_check_that_nobody_waits_for_is_ignored(verdict: Verdict) -> None:
    town = a_town()
    (order,) = town.begin()
    buy(town, order)
    town.cancel()
    assert town.tell(CheckEnded(0, 1, verdict, 7)) == []
    assert town.tell(AttemptBroke(0, 1, Reason.PROVIDER_LOST)) == []


def test_some_runs_of_a_lot_are_repeated_and_the_lot_stands_or_falls_with_them() -> None:
    # One in three, and when one is drawn already one in four.
    draws = iter([333_333, 250_000, 249_999])
    town = Town(ANN, BEN, verification=Partial(0), can_run_here=True, draws=draws)
    for _ in range(3):
        town.reputation.count_confirmed(ANN, town.choice.bounds.package_id)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    said = claim(right(), runs=3)
    came = result_came(agreement.lot, agreement.attempt, right(), GIGAFUEL)
    came = type(came)(came.lot, came.attempt, said)
    assert town.tell(came) == [CheckHere(0, 1, said, [0, 2])]
    commands = town.tell(CheckEnded(0, 1, Verdict.WRONG, GIGAFUEL))
    assert commands[0] == Refuse(0, 1, ANN, Reason.WRONG_RESULT)


def test_a_lot_of_which_no_run_is_drawn_is_accepted_unconfirmed() -> None:
    town = Town(ANN, verification=Partial(0), can_run_here=True, draws=repeat(999_999))
    for _ in range(3):
        town.reputation.count_confirmed(ANN, town.choice.bounds.package_id)
    (order,) = town.begin()
    assert buy(town, order) == [Owe(0, 1, ANN, BILL), EndJob()]
    assert town.told(CheckSpared) == [CheckSpared(333_334)]


def test_what_a_check_repeated_counts_and_nothing_else() -> None:
    draws = iter([0, 999_999, 0])
    town = Town(ANN, verification=Partial(0), can_run_here=True, draws=draws)
    for _ in range(3):
        town.reputation.count_confirmed(ANN, town.choice.bounds.package_id)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    town.tell(ResultCame(agreement.lot, agreement.attempt, claim(right(), runs=3)))
    commands = town.job.handle(CheckEnded(0, 1, Verdict.SOUND, 7), town.now)
    assert KeepReputation(ANN, 5, newly=2) in commands


def test_an_auditor_is_drawn_and_not_the_cheapest() -> None:
    auditors: set[bytes] = set()
    for lot in range(40):
        offers = [an_offer(BEN, price=1), *map(an_offer, (CAT, DAN, EVE))]
        draws = iter([0, lot])
        offers = [an_offer(ANN, price=0), *offers]
        town = Town(offers=offers, verification=Audit(0), draws=draws)
        (order,) = town.begin()
        (audit,) = town.finish(town.agree(order, ANN))
        assert isinstance(audit, SendOrder)
        assert set(audit.providers) == {BEN, CAT, DAN, EVE}
        commands = town.bid(audit, *audit.providers)
        auditors |= {one.provider for one in commands if isinstance(one, SignAgreement)}
    assert auditors == {BEN, CAT, DAN, EVE}


def test_what_a_check_confirmed_counts_for_all_that_said_it_though_one_was_caught_since() -> None:
    town = Town(ANN, BEN, verification=Partial(1), can_run_here=True)
    for number, who in enumerate((ANN, BEN)):
        town.reputation.count_confirmed(who, PACKAGE, 1_000)
        town.choice.begin_check(who, 7 + number, 1)
    draws = iter([0, 0, 999_999, 999_999, 999_999, 999_999])
    ballot = Ballot(0, Partial(1), town.choice, draws, can_run_here=True)
    said = claim(right(), runs=3)
    ballot.hear(1, Proposal(ANN, 100, 1, 0, 1e9), said)
    ballot.hear(2, Proposal(BEN, 100, 1, 0, 1e9), said)
    ballot.hear_check(CheckEnded(0, 1, Verdict.SOUND, 5))
    town.choice.catch(ANN)
    town.choice.end_check(7)
    town.choice.end_check(8)
    decision = ballot.decision
    assert decision is not None
    kept = [one for one in ballot.accept(decision) if isinstance(one, KeepReputation)]
    assert kept == [KeepReputation(BEN, 1_002, newly=2)], "two of three runs were repeated"
