"""Runs that move, machine alone: whoever handed out a state is looked at like who ends with it."""

from itertools import repeat

import pytest

from fogbank_agent.limits import MOVES_FOR_PRICE_MAX
from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.checkpoint import Checkpoint
from fogbank_agent.market.job_messages import (
    AgreementRefused,
    AgreementSigned,
    AttemptBroke,
    BidCame,
    CheckHere,
    CheckpointKept,
    EndAttempt,
    JobCommand,
    OrderRefused,
    OwnRunEnded,
    RunHere,
    SendOrder,
    SignAgreement,
    TickStated,
)
from fogbank_agent.market.orders import Audit, NoVerification, Partial, Quorum, Verification
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.story import CheckSpared, ProviderCaught
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN, CAT, DAN, EVE, GIGAFUEL, PACKAGE, Town, an_offer, result_came, wrong

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


# Moving for a better price: an offer binds nobody.


def state_kept(town: Town, attempt: int, position: int) -> list[JobCommand]:
    """Let the provider of ``attempt`` hand out a state; return what follows at once."""
    fuel = position * GIGAFUEL // 100
    town.tell(TickStated(0, attempt, AgreementId(bytes([position]) * 32), fuel))
    state = Checkpoint(position, fuel, bytes(32), blob_id(bytes([position])), 100)
    return town.tell(CheckpointKept(0, attempt, state))


def the_order(commands: list[JobCommand]) -> SendOrder:
    return next(one for one in commands if isinstance(one, SendOrder))


def is_cut(commands: list[JobCommand]) -> bool:
    return any(isinstance(one, EndAttempt) for one in commands)


def test_a_run_stays_when_whoever_offers_it_for_less_has_declined_it() -> None:
    town = Town(BEN, offers=[an_offer(EVE, price=1)])
    order = the_order(town.begin())
    town.tell(OrderRefused(0, order.attempt, EVE, (Reason.PRICE_TOO_LOW,)))
    town.agree(order, BEN)

    assert not is_cut(state_kept(town, order.attempt, 1))


def test_a_run_stays_when_whoever_offers_it_for_less_did_not_answer() -> None:
    town = Town(BEN, offers=[an_offer(EVE, price=1)])
    order = the_order(town.begin())
    town.agree(order, BEN)

    assert not is_cut(state_kept(town, order.attempt, 1))


def test_a_run_stays_when_whoever_offers_it_for_less_did_not_keep_its_bid() -> None:
    town = Town(BEN, offers=[an_offer(EVE, price=1)])
    order = the_order(town.begin())
    town.bid(order, BEN)
    signed = town.bid(order, EVE, price=1) + town.wait(0.1)
    assert SignAgreement(0, order.attempt, EVE) in signed
    again = town.tell(AgreementRefused(0, order.attempt, Reason.PAUSED))
    assert SignAgreement(0, order.attempt, BEN) in again
    town.tell(AgreementSigned(0, order.attempt))

    assert not is_cut(state_kept(town, order.attempt, 1))


def test_whoever_takes_an_order_after_all_is_believed_again() -> None:
    town = Town(BEN, runs=2, lots_at_once=2, offers=[an_offer(EVE, price=1)])
    first, second = (one for one in town.begin() if isinstance(one, SendOrder))
    town.tell(OrderRefused(0, first.attempt, EVE, (Reason.BUSY,)))
    town.agree(first, BEN)
    town.tell(BidCame(1, second.attempt, EVE, 1, 1, 0, 5_000))
    town.now += 1  # Until it is not taken for busy any more.

    assert is_cut(state_kept(town, first.attempt, 1))


def test_a_run_moves_once_for_each_rival_and_uses_no_attempt_up() -> None:
    town = Town(BEN, attempts_max=1)
    order = the_order(town.begin())
    town.agree(order, BEN)
    town.book.put(an_offer(EVE, price=50), town.now)

    order = the_order(state_kept(town, order.attempt, 1))
    # It bids more than it offered, and its offer stands.
    town.bid(order, EVE, price=200)
    town.agree(order, BEN)
    assert not is_cut(state_kept(town, order.attempt, 2))

    town.book.put(an_offer(DAN, price=1), town.now)
    order = the_order(state_kept(town, order.attempt, 3))
    assert order.start is not None
    assert order.start.position == 3


def test_offers_of_ever_new_names_move_a_run_a_few_times() -> None:
    town = Town(BEN)
    order, cuts = the_order(town.begin()), 0
    town.agree(order, BEN)
    for number in range(10):
        name = NodeId(bytes([100 + number]) * 32)
        town.book.put(an_offer(name, price=1), town.now)
        commands = state_kept(town, order.attempt, number + 1)
        if is_cut(commands):
            cuts += 1
            order = the_order(commands)
            town.tell(OrderRefused(0, order.attempt, name, (Reason.PAUSED,)))
            town.agree(order, BEN)
    assert cuts == MOVES_FOR_PRICE_MAX


def test_who_was_beaten_on_price_goes_on_before_a_dearer_one_when_the_offer_was_empty() -> None:
    town = Town(BEN, offers=[an_offer(DAN, price=900)])
    order = the_order(town.begin())
    town.bid(order, DAN, price=900)
    town.agree(order, BEN)
    town.book.put(an_offer(EVE, price=1), town.now)
    order = the_order(state_kept(town, order.attempt, 1))

    town.tell(OrderRefused(0, order.attempt, EVE, (Reason.PRICE_TOO_LOW,)))
    town.bid(order, DAN, price=900)
    town.agree(order, BEN)
