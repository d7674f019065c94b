"""Runs that move, machine alone: whoever handed out a state is looked at like who ends with it."""

from itertools import repeat

import pytest

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.checkpoint import Checkpoint
from fogbank_agent.market.job_messages import (
    AttemptBroke,
    CheckHere,
    CheckpointKept,
    JobCommand,
    OwnRunEnded,
    RunHere,
    SendOrder,
    TickStated,
)
from fogbank_agent.market.orders import Audit, NoVerification, Partial, Quorum, Verification
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.story import CheckSpared, ProviderCaught
from fogbank_protocol.blobs.naming import blob_id

from .town import ANN, BEN, CAT, GIGAFUEL, PACKAGE, Town, an_offer, result_came, wrong

PART = 5 * GIGAFUEL


def hand_on(town: Town, attempt: int) -> tuple[Checkpoint, list[JobCommand]]:
    """Let the provider of ``attempt`` hand out a state and pause; return what follows."""
    town.tell(TickStated(0, attempt, AgreementId(bytes(32)), PART))
    state = Checkpoint(100, PART, bytes(32), blob_id(b"state"), 100)
    town.tell(CheckpointKept(0, attempt, state))
    return state, town.tell(AttemptBroke(0, attempt, Reason.PAUSED)) + town.wait(0.2)


def a_town(verification: Verification, *, draw: int = 500_000) -> Town:
    """Return a town where Ben is a stranger, and Cat is audited once in a thousand results."""
    town = Town(BEN, verification=verification, can_run_here=True, draws=repeat(draw))
    town.reputation.count_confirmed(CAT, PACKAGE, 1_000)
    return town


def move(town: Town) -> SendOrder:
    """Let Ben begin and hand on; return the next order, after which Cat is there too."""
    order = town.begin()[0]
    town.agree(order, BEN)
    town.book.put(an_offer(CAT), town.now)
    assert isinstance(order, SendOrder)
    _, commands = hand_on(town, order.attempt)
    return next(one for one in commands if isinstance(one, SendOrder))


@pytest.mark.parametrize("verification", [Audit(0), Partial(0)])
def test_a_strangers_state_has_the_whole_run_checked_whoever_ends_it(
    verification: Verification,
) -> None:
    town = a_town(verification)
    order = move(town)
    assert order.start is not None
    town.agree(order, CAT)
    commands = town.tell(result_came(0, order.attempt, wrong(), 9 * GIGAFUEL))
    assert [one for one in commands if isinstance(one, RunHere | CheckHere)]


def test_a_state_of_who_is_known_is_audited_no_oftener_than_what_it_says_itself() -> None:
    town = a_town(Audit(0))
    town.reputation.count_confirmed(BEN, PACKAGE, 1_000)
    order = move(town)
    town.agree(order, CAT)
    town.tell(result_came(0, order.attempt, wrong(), 9 * GIGAFUEL))
    assert town.told(CheckSpared) == [CheckSpared(1_000)]


def test_who_handed_out_a_false_state_is_caught_and_the_run_begins_anew() -> None:
    town = a_town(Audit(0))
    order = move(town)
    town.agree(order, CAT)
    town.tell(result_came(0, order.attempt, wrong(), 9 * GIGAFUEL))
    commands = town.tell(OwnRunEnded(0, None, is_start_wrong=True)) + town.wait(0.2)
    assert town.told(ProviderCaught) == [ProviderCaught(BEN)]
    anew = [one for one in commands if isinstance(one, SendOrder)]
    assert anew
    assert {one.start for one in anew} == {None}


def test_a_state_that_an_earlier_life_was_given_is_a_strangers() -> None:
    state = Checkpoint(100, PART, bytes(32), blob_id(b"state"), 100)
    town = Town(
        CAT,
        verification=Audit(0),
        can_run_here=True,
        draws=repeat(500_000),
        starts={0: state},
    )
    town.reputation.count_confirmed(CAT, PACKAGE, 1_000)
    (order,) = town.begin()
    assert isinstance(order, SendOrder)
    assert order.start == state
    town.agree(order, CAT)
    commands = town.tell(result_came(0, order.attempt, wrong(), 9 * GIGAFUEL))
    assert RunHere(0) in commands


def test_nobody_goes_on_from_a_state_that_only_its_maker_could_check() -> None:
    stakes = {BEN: 10**9, CAT: 10**9}
    alone = Town(BEN, verification=Audit(0), can_execute=False, stakes=stakes)
    quorum = Town(BEN, ANN, verification=Quorum(2))
    for town in (alone, quorum):
        assert move(town).start is None


def test_who_believes_everything_believes_states() -> None:
    assert move(a_town(NoVerification())).start is not None


def test_nothing_is_begun_from_a_state_that_a_caught_provider_had_a_part_in() -> None:
    town = a_town(Audit(0))
    order = move(town)
    town.agree(order, CAT)
    purchase = town.job.purchases[0]
    hand_on(town, order.attempt)
    assert purchase.start is not None
    purchase.doubt(BEN, town.now)
    assert purchase.start is None
