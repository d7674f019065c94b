"""One run bought, as conversations (SPEC.md sections 9.3 to 9.6)."""

from itertools import chain, repeat

import pytest

from fogbank_agent.limits import (
    AGREEMENT_WAIT_S,
    BID_WAIT_S,
    BID_WINDOW_S,
    RESULT_GRACE_S,
    TICKS_BURST_MAX,
)
from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.checkpoint import Checkpoint
from fogbank_agent.market.job_messages import (
    AgreementRefused,
    AgreementSigned,
    AskReveal,
    AttemptBroke,
    BidCame,
    CheckpointKept,
    EndAttempt,
    EndJob,
    JobCommand,
    KeepReputation,
    OffersChanged,
    OrderRefused,
    Owe,
    PayTick,
    Refuse,
    RunHere,
    SendOrder,
    SignAgreement,
    TickStated,
)
from fogbank_agent.market.narration import describe
from fogbank_agent.market.orders import Audit, NoVerification, Quorum
from fogbank_agent.market.purchase import PurchaseState
from fogbank_agent.market.reasons import REQUESTORS_DOING, Reason
from fogbank_agent.market.story import (
    AdvanceSpent,
    AttemptCancelled,
    AttemptFailed,
    ChannelShort,
    CheckBegun,
    CheckSpared,
    MoneyShort,
    NobodyToAsk,
    OrderDeclined,
    ProviderCaught,
    ProvidersSilent,
    ResultArrived,
    ResultCommitted,
    RunAccepted,
    RunBegunAnew,
    RunFailed,
    RunHedged,
    RunOrdered,
    TicksOwed,
    VoicesShort,
)
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import NodeId, short_form
from fogbank_wasm_tasks.outcome import OutOfFuel

from .town import (
    ANN,
    BEN,
    CAT,
    DAN,
    FUEL_MAX,
    GIGAFUEL,
    PATIENCE_S,
    RUN_S,
    Town,
    an_offer,
    claim,
    own_run_ended,
    result_came,
    right,
    wrong,
)

BILL = 101
"""A gigafuel at 100 drops, and 1 to start."""


def test_a_run_goes_to_the_cheapest_bid_and_is_owed() -> None:
    town = Town(ANN, offers=[an_offer(BEN, price=99)])
    assert town.begin() == [SendOrder(0, 1, [BEN, ANN])]
    assert town.tell(BidCame(0, 1, ANN, 100, 1, 0, 5_000)) == []
    assert town.tell(BidCame(0, 1, BEN, 90, 1, 0, 5_000)) == [SignAgreement(0, 1, BEN)]
    assert town.tell(AgreementSigned(0, 1)) == []
    assert town.tell(result_came(0, 1, right(), GIGAFUEL)) == [Owe(0, 1, BEN, 91), EndJob()]
    assert town.job.purchases[0].claim == claim(right())


def test_a_silent_provider_costs_the_window_and_no_more() -> None:
    town = Town(ANN, offers=[an_offer(BEN, price=99)])
    (order,) = town.begin()
    assert town.bid(order, ANN) == []
    assert town.wait(BID_WINDOW_S - 0.001) == []
    assert town.wait(0.002) == [SignAgreement(0, 1, ANN)]
    names = (short_form(BEN), short_form(ANN))
    assert town.told(RunOrdered) == [RunOrdered(1, 2, names)]
    assert town.told(ProvidersSilent) == [ProvidersSilent(1, (short_form(BEN),))]
    # That the bids are compared once more does not make it more silent.
    town.tell(AgreementRefused(0, 1, Reason.BUSY))
    assert len(town.told(ProvidersSilent)) == 1


def test_nobody_is_called_silent_when_all_have_answered() -> None:
    town = Town(ANN, offers=[an_offer(BEN, price=99)])
    (order,) = town.begin()
    assert town.tell(OrderRefused(0, 1, BEN, [Reason.BUSY])) == []
    assert town.bid(order, ANN) == [SignAgreement(0, 1, ANN)]
    assert town.told(ProvidersSilent) == []


def test_nobody_is_waited_for_whose_offer_is_not_better_than_a_bid() -> None:
    town = Town(ANN, BEN, offers=[an_offer(CAT, price=101)])
    (order,) = town.begin()
    assert town.bid(order, BEN) == [SignAgreement(0, 1, BEN)]
    # What comes late is there when the first does not keep its word.
    assert town.bid(order, ANN) == []
    assert town.tell(AgreementRefused(0, 1, Reason.BUSY)) == [SignAgreement(0, 1, ANN)]


def test_a_bid_above_its_offer_or_for_later_is_compared_with_what_others_offer() -> None:
    town = Town(ANN, BEN)
    (order,) = town.begin()
    assert town.bid(order, ANN, price=101) == []
    assert town.bid(order, BEN) == [SignAgreement(0, 1, BEN)]
    town = Town(ANN, BEN)
    (order,) = town.begin()
    assert town.bid(order, ANN, start_ms=1_000) == []
    assert town.bid(order, BEN) == [SignAgreement(0, 1, BEN)]


def test_who_was_caught_before_is_not_waited_for_and_waits_for_all_others() -> None:
    town = Town(ANN, offers=[an_offer(BEN, price=50)])
    town.reputation.reset(BEN, town.choice.bounds.package_id)
    (order,) = town.begin()
    assert town.bid(order, BEN, price=50) == []
    assert town.bid(order, ANN) == [SignAgreement(0, 1, ANN)]


def test_one_whose_offer_is_gone_may_bid_anything_and_is_waited_for() -> None:
    town = Town(ANN, BEN)
    (order,) = town.begin()
    town.book.forget(BEN)
    assert town.bid(order, ANN) == []
    assert town.wait(BID_WINDOW_S) == [SignAgreement(0, 1, ANN)]


def test_auditors_are_all_waited_for_since_one_of_them_is_drawn() -> None:
    town = Town(ANN, BEN, CAT, verification=Audit(0))
    (order,) = town.begin()
    (audit,) = town.finish(town.agree(order, ANN))
    assert isinstance(audit, SendOrder)
    assert sorted(audit.providers) == [BEN, CAT]
    assert town.bid(audit, BEN) == []
    assert len(town.bid(audit, CAT)) == 1


def test_the_first_bid_is_waited_for_beyond_the_window() -> None:
    town = Town(ANN)
    (order,) = town.begin()
    assert town.wait(BID_WAIT_S - 0.1) == []
    assert town.bid(order, ANN) == [SignAgreement(0, 1, ANN)]


def test_a_provider_that_does_not_keep_its_bid_gives_way_to_the_next() -> None:
    town = Town(ANN, BEN)
    (order,) = town.begin()
    assert town.bid(order, ANN, BEN) == [SignAgreement(0, 1, ANN)]
    assert town.tell(AgreementRefused(0, 1, Reason.BUSY)) == [SignAgreement(0, 1, BEN)]


def test_a_provider_that_never_signs_is_given_up() -> None:
    town = Town(ANN, BEN)
    (order,) = town.begin()
    assert town.bid(order, ANN, BEN) == [SignAgreement(0, 1, ANN)]
    commands = town.wait(AGREEMENT_WAIT_S + 1)
    assert commands == [EndAttempt(0, 1), SendOrder(0, 2, [BEN, ANN])]
    assert town.told(AttemptFailed) == [AttemptFailed(1, ANN, Reason.NO_ANSWER, agreed=False)]


def test_a_lost_provider_is_replaced_at_once() -> None:
    town = Town(ANN, BEN)
    (order,) = town.begin()
    town.agree(order, ANN)
    town.book.forget(ANN)
    assert town.tell(AttemptBroke(0, 1, Reason.PROVIDER_LOST)) == [
        Refuse(0, 1, ANN, Reason.CANCELLED),
        SendOrder(0, 2, [BEN]),
    ]


def test_a_run_that_moves_for_its_price_is_no_fault_of_its_provider() -> None:
    town = Town(ANN)
    (order,) = town.begin()
    town.agree(order, ANN)
    town.book.put(an_offer(BEN, price=50), town.now)
    state = Checkpoint(5, GIGAFUEL // 10, b"r" * 32, blob_id(b"state"), 10)
    town.tell(CheckpointKept(0, 1, state))
    (failed,) = town.told(AttemptFailed)
    assert failed == AttemptFailed(1, ANN, Reason.BEATEN_ON_PRICE)
    assert describe(failed).endswith("another one asks at most half as much for the rest.")
    assert Reason.BEATEN_ON_PRICE in REQUESTORS_DOING


def test_what_a_lost_provider_had_done_is_told_to_be_done_again_and_paid_as_stated() -> None:
    town = Town(ANN, BEN, CAT)
    (order,) = town.begin()
    town.agree(order, ANN)
    statement = AgreementId(b"t" * 32)
    assert town.tell(TickStated(0, 1, statement, GIGAFUEL // 2)) == [
        PayTick(0, 1, ANN, statement, GIGAFUEL // 2)
    ]
    town.book.forget(ANN)
    refusal, order = town.tell(AttemptBroke(0, 1, Reason.PROVIDER_LOST))
    assert refusal == Refuse(0, 1, ANN, Reason.CANCELLED), "of its receipt, not of what it stated"
    assert town.told(TicksOwed) == [TicksOwed(1, ANN, GIGAFUEL // 2, 50)]
    assert town.told(RunBegunAnew) == [RunBegunAnew(2, ANN, GIGAFUEL // 2)]
    town.agree(order, BEN)
    town.book.forget(BEN)
    town.tell(AttemptBroke(0, 2, Reason.PROVIDER_LOST))
    assert len(town.told(RunBegunAnew)) == 1, "the second had stated nothing that could be lost"


def test_a_run_past_its_time_is_cancelled_and_goes_elsewhere() -> None:
    town = Town(ANN, BEN)
    (order,) = town.begin()
    town.agree(order, ANN)
    assert town.wait(RUN_S + RESULT_GRACE_S - 0.2) == []
    assert town.wait(0.4) == [
        EndAttempt(0, 1),
        Refuse(0, 1, ANN, Reason.DEADLINE_PASSED),
        SendOrder(0, 2, [BEN, ANN]),
    ]


def test_a_run_that_takes_long_goes_to_another_too_and_the_first_result_wins() -> None:
    for first in (ANN, BEN):
        town = Town(ANN, BEN, hedge_s=5.0)
        (order,) = town.begin()
        slow = town.agree(order, ANN)
        assert town.wait(4.8) == []
        (order,) = town.wait(0.2)
        assert order == SendOrder(0, 2, [BEN])
        fast = town.agree(order, BEN)
        winner, loser = (slow, fast) if first == ANN else (fast, slow)
        assert town.finish(winner) == [
            EndAttempt(0, loser.attempt),
            Refuse(0, loser.attempt, loser.provider, Reason.CANCELLED),
            Owe(0, winner.attempt, first, BILL),
            EndJob(),
        ]
        assert not town.purse.is_lending


def a_hedged_run(town: Town) -> tuple[SignAgreement, SignAgreement]:
    """Let Ann be slow, and Ben have the run too."""
    (order,) = town.begin()
    slow = town.agree(order, ANN)
    (order,) = [one for one in town.wait(5.0) if isinstance(one, SendOrder)]
    return slow, town.agree(order, BEN)


def test_a_story_tells_why_a_run_was_hedged_and_whose_work_was_stopped() -> None:
    town = Town(ANN, BEN, hedge_s=5.0)
    (order,) = town.begin()
    town.agree(order, ANN)
    town.tell(TickStated(0, 1, AgreementId(b"t" * 32), GIGAFUEL // 2))
    assert town.told(RunHedged) == []
    (order,) = town.wait(5.0)
    assert town.told(RunHedged) == [RunHedged(1, ANN, 5_000)]
    town.finish(town.agree(order, BEN))
    kinds = [type(event) for _, event in town.story]
    assert kinds.index(RunHedged) + 1 == kinds.index(RunOrdered, 1)
    assert kinds.index(ResultArrived) < kinds.index(TicksOwed) < kinds.index(AttemptCancelled)
    assert town.told(TicksOwed) == [TicksOwed(1, ANN, GIGAFUEL // 2, 50)]
    assert town.told(AttemptCancelled) == [AttemptCancelled(1, ANN)]


def test_a_slow_liar_is_not_audited_by_the_friend_that_bid_for_the_hedge() -> None:
    town = Town(ANN, BEN, CAT, verification=Audit(0), can_run_here=True, hedge_s=5.0)
    slow, hedge = a_hedged_run(town)
    assert town.finish(slow, wrong()) == [
        EndAttempt(0, 2),
        Refuse(0, 2, BEN, Reason.CANCELLED),
        RunHere(0),
    ]
    assert town.finish(hedge, wrong()) == [], "it is not wanted any more"
    commands = town.tell(own_run_ended(0, right(), GIGAFUEL))
    assert commands[0] == Refuse(0, 1, ANN, Reason.WRONG_RESULT)


def test_an_auction_for_a_hedge_ends_with_the_first_result() -> None:
    town = Town(ANN, BEN, verification=Audit(0), can_run_here=True, hedge_s=5.0)
    (order,) = town.begin()
    slow = town.agree(order, ANN)
    (order,) = town.wait(5.0)
    assert order == SendOrder(0, 2, [BEN])
    assert town.finish(slow) == [EndAttempt(0, 2), RunHere(0)]
    assert town.bid(order, BEN) == []
    assert town.told(AttemptCancelled) == [], "nobody had it yet"


def test_without_a_sandbox_an_auditor_is_drawn_though_a_hedge_is_under_way() -> None:
    drawn: set[NodeId] = set()
    for number in range(10):
        town = Town(
            ANN, BEN, CAT, verification=Audit(0), hedge_s=5.0, draws=chain([0], repeat(number))
        )
        slow, _ = a_hedged_run(town)
        *ended, order = town.finish(slow, wrong())
        assert ended == [EndAttempt(0, 2), Refuse(0, 2, BEN, Reason.CANCELLED)]
        assert isinstance(order, SendOrder)
        drawn.add(order.providers[0])
    assert drawn == {BEN, CAT}, "whoever bid for the hedge has no better chance"


def test_whoever_was_drawn_is_not_hedged() -> None:
    town = Town(ANN, BEN, CAT, verification=Audit(0), hedge_s=5.0)
    (order,) = town.begin()
    (order,) = town.finish(town.agree(order, ANN))
    assert isinstance(order, SendOrder)
    town.agree(order, order.providers[0])
    assert town.wait(RUN_S - 1) == []


def test_one_slow_run_goes_to_one_other_and_not_to_everybody() -> None:
    town = Town(ANN, BEN, CAT, DAN, hedge_s=5.0)
    _, hedge = a_hedged_run(town)
    assert town.wait(30.0) == []
    # But whoever stands in for a slow one and fails is replaced.
    (order,) = town.tell(AttemptBroke(0, hedge.attempt, Reason.HOST_FAULT))
    assert isinstance(order, SendOrder)


def test_whoever_was_too_slow_comes_after_others_until_it_gives_a_result() -> None:
    town = Town(ANN, BEN, runs=2, lots_at_once=1, hedge_s=5.0)
    _, hedge = a_hedged_run(town)
    (order,) = [one for one in town.finish(hedge) if isinstance(one, SendOrder)]
    assert order == SendOrder(1, 1, [BEN, ANN])


def test_a_slow_run_is_kept_when_there_is_nobody_else() -> None:
    town = Town(ANN, hedge_s=5.0)
    (order,) = town.begin()
    slow = town.agree(order, ANN)
    assert town.wait(RUN_S - 1) == []
    assert town.finish(slow) == [Owe(0, 1, ANN, BILL), EndJob()]


def test_a_host_fault_is_nobodys_lie() -> None:
    town = Town(ANN)
    (order,) = town.begin()
    town.agree(order, ANN)
    assert town.tell(AttemptBroke(0, 1, Reason.HOST_FAULT)) == [SendOrder(0, 2, [ANN])]
    assert town.told(ProviderCaught) == []


def test_attempts_are_bounded() -> None:
    town = Town(ANN, attempts_max=2)
    (order,) = town.begin()
    town.agree(order, ANN)
    (order,) = town.tell(AttemptBroke(0, 1, Reason.HOST_FAULT))
    town.agree(order, ANN)
    assert town.tell(AttemptBroke(0, 2, Reason.HOST_FAULT)) == [EndJob()]
    assert town.told(RunFailed) == [RunFailed(Reason.ATTEMPTS_EXHAUSTED)]


def test_a_run_that_nobody_takes_ends_with_every_reason_why() -> None:
    cheap = [an_offer(CAT, price=5_000), an_offer(DAN, features=())]
    town = Town(ANN, offers=cheap)
    (order,) = town.begin()
    assert order == SendOrder(0, 1, [ANN])
    for _ in range(60):
        if isinstance(order, SendOrder):
            town.tell(OrderRefused(0, order.attempt, ANN, [Reason.PAUSED]))
        orders = town.wait(1.0)
        order = next((one for one in orders if isinstance(one, SendOrder)), order)
    assert town.job.purchases[0].state is PurchaseState.FAILED
    assert town.told(RunFailed) == [RunFailed(Reason.NO_PROVIDER)]
    declines = town.told(OrderDeclined)
    assert OrderDeclined(1, ANN, [Reason.PAUSED]) in declines
    assert OrderDeclined(0, CAT, [Reason.PRICE_TOO_HIGH]) in declines
    assert OrderDeclined(0, DAN, [Reason.CANNOT_EXECUTE]) in declines


def test_a_run_without_any_provider_waits_for_one_and_takes_it() -> None:
    town = Town()
    assert town.begin() == []
    assert town.wait(PATIENCE_S / 2) == []
    town.book.put(an_offer(ANN), town.now)
    assert town.tell(OffersChanged()) == [SendOrder(0, 1, [ANN])]


def test_a_run_for_which_nobody_can_be_asked_says_at_once_why_and_only_once() -> None:
    town = Town(offers=[an_offer(CAT, price=5_000)])
    assert town.begin() == []
    assert town.told(NobodyToAsk) == [NobodyToAsk(1)]
    town.book.put(an_offer(DAN, features=()), town.now)
    town.wait(PATIENCE_S + 3)
    assert town.told(NobodyToAsk) == [NobodyToAsk(1)]
    assert town.told(OrderDeclined) == [
        OrderDeclined(0, CAT, [Reason.PRICE_TOO_HIGH]),
        OrderDeclined(0, DAN, [Reason.CANNOT_EXECUTE]),
    ]


def test_patience_has_an_end() -> None:
    town = Town()
    town.begin()
    assert town.wait(PATIENCE_S - 3) == []
    assert town.wait(6) == [EndJob()]
    assert town.told(RunFailed) == [RunFailed(Reason.NO_PROVIDER)]


def test_what_the_wallet_does_not_hold_is_not_ordered() -> None:
    cost_max = 100 * FUEL_MAX // GIGAFUEL + 1
    town = Town(ANN, spendable=cost_max - 1)
    (order,) = town.begin()
    assert town.bid(order, ANN) == [EndAttempt(0, 1), EndJob()]
    assert town.told(RunFailed) == [RunFailed(Reason.NO_FUNDS)]
    assert town.told(MoneyShort) == [MoneyShort(1, cost_max, cost_max - 1)]
    town = Town(ANN, spendable=cost_max)
    (order,) = town.begin()
    assert town.bid(order, ANN) == [SignAgreement(0, 1, ANN)]


def test_without_a_drop_a_run_ends_at_once_unless_some_are_coming_or_work_is_free() -> None:
    town = Town(ANN, spendable=0, left={})
    assert town.begin() == [EndJob()]
    assert town.told(RunFailed) == [RunFailed(Reason.NO_FUNDS)]

    town = Town(ANN, spendable=0, left={})
    town.is_coming = True
    assert town.begin() == []
    assert town.wait(PATIENCE_S / 2) == []

    free = an_offer(BEN, price=0, start_price=0)
    town = Town(ANN, offers=[free], spendable=0, left={})
    assert town.begin() == [SendOrder(0, 1, [BEN])]

    town = Town(offers=[an_offer(CAT, price=5_000)], spendable=0, left={})
    assert town.begin() == []


@pytest.mark.parametrize(("left", "told"), [(20, [ChannelShort(1, ANN, 20)]), (101, [])])
def test_an_unpaid_provider_is_not_blamed_for_an_empty_channel(
    left: int, told: list[ChannelShort]
) -> None:
    town = Town(ANN, left={ANN: left})
    (order,) = town.begin()
    town.agree(order, ANN)
    town.purse.owed = 101
    town.tell(AttemptBroke(0, 1, Reason.TICK_UNPAID))
    assert town.told(ChannelShort) == told


def test_a_second_run_waits_until_the_first_gives_its_money_back() -> None:
    cost_max = 100 * FUEL_MAX // GIGAFUEL + 1
    town = Town(ANN, runs=2, spendable=cost_max + BILL)
    first, second = town.begin()
    agreement = town.agree(first, ANN)
    assert town.bid(second, ANN) == [EndAttempt(1, 1)]
    town.purse.owed += BILL
    town.finish(agreement)
    (order,) = town.wait(1.0)
    assert isinstance(order, SendOrder)
    assert town.bid(order, ANN) == [SignAgreement(1, order.attempt, ANN)]


@pytest.mark.parametrize("late", ["bid", "signature", "result", "own run"])
def test_what_comes_too_late_is_ignored(late: str) -> None:
    town = Town(ANN, BEN)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    town.finish(agreement)
    events = {
        "bid": BidCame(0, 1, BEN, 1, 1, 0, 5_000),
        "signature": AgreementSigned(0, 1),
        "result": result_came(0, 1, wrong(), 1),
        "own run": own_run_ended(0, wrong(), 1),
    }
    assert town.tell(events[late]) == []
    assert town.job.purchases[0].claim == claim(right())


def test_a_stranger_is_audited_in_the_own_sandbox() -> None:
    town = Town(ANN, verification=Audit(0), can_run_here=True)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    assert town.finish(agreement) == [RunHere(0)]
    assert town.tell(own_run_ended(0, right(), GIGAFUEL)) == [
        Owe(0, 1, ANN, BILL),
        KeepReputation(ANN, 1, newly=1),
        EndJob(),
    ]
    assert town.told(RunAccepted) == [RunAccepted(ANN, 2, is_own=True)]


def test_the_own_sandbox_says_so_when_it_stands_in_for_a_quorum() -> None:
    town = Town(ANN, verification=Quorum(3), can_run_here=True)
    order = town.begin()[0]
    agreement = town.agree(order, ANN)
    commands = town.commit(0, agreement.attempt)
    while AskReveal(0, agreement.attempt, ANN) not in commands:
        assert town.now < 3 * PATIENCE_S
        commands += town.wait(1.0)
    assert RunHere(0) in town.finish(agreement) + town.wait(PATIENCE_S + 3)
    town.tell(own_run_ended(0, right(), GIGAFUEL))
    assert town.told(VoicesShort) == [VoicesShort(1, 3)]
    assert town.told(CheckBegun) == []
    assert town.told(RunAccepted) == [RunAccepted(ANN, 2, is_own=True)]
    assert town.job.purchases[0].ballot.has_stood_in


def test_a_lie_is_refused_and_the_own_result_taken() -> None:
    town = Town(ANN, verification=Audit(0), can_run_here=True)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    town.finish(agreement, wrong())
    assert town.tell(own_run_ended(0, right(), GIGAFUEL)) == [
        Refuse(0, 1, ANN, Reason.WRONG_RESULT),
        KeepReputation(ANN, 0),
        EndJob(),
    ]
    assert town.told(RunAccepted) == [RunAccepted(None, 1)]
    assert town.told(ProviderCaught) == [ProviderCaught(ANN)]


def test_too_much_fuel_for_the_right_output_is_a_lie_too() -> None:
    town = Town(ANN, verification=Audit(0), can_run_here=True)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    town.finish(agreement, right(), fuel=GIGAFUEL + 1)
    commands = town.tell(own_run_ended(0, right(), GIGAFUEL))
    assert Refuse(0, 1, ANN, Reason.WRONG_RESULT) in commands


def test_outcomes_other_than_ok_are_compared_and_owed_as_well() -> None:
    town = Town(ANN, verification=Audit(0), can_run_here=True)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    town.finish(agreement, OutOfFuel(), FUEL_MAX)
    commands = town.tell(own_run_ended(0, OutOfFuel(), FUEL_MAX))
    assert Owe(0, 1, ANN, 1_001) in commands


def test_without_an_own_sandbox_another_provider_audits() -> None:
    town = Town(ANN, BEN, verification=Audit(0))
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    (second,) = town.finish(agreement)
    assert second == SendOrder(0, 2, [BEN])
    agreement = town.agree(second, BEN)
    assert town.finish(agreement) == [
        Owe(0, 1, ANN, BILL),
        Owe(0, 2, BEN, BILL),
        KeepReputation(ANN, 1, newly=1),
        KeepReputation(BEN, 1, newly=1),
        EndJob(),
    ]


def test_an_own_sandbox_that_fails_gives_way_to_another_provider() -> None:
    town = Town(ANN, BEN, verification=Audit(0), can_run_here=True)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    assert town.finish(agreement) == [RunHere(0)]
    assert town.tell(own_run_ended(0, None, 0)) == [SendOrder(0, 2, [BEN])]


def test_two_that_differ_need_a_third() -> None:
    town = Town(ANN, BEN, CAT, verification=Audit(0))
    (order,) = town.begin()
    (order,) = town.finish(town.agree(order, ANN), wrong())
    (order,) = town.finish(town.agree(order, BEN))
    assert order == SendOrder(0, 3, [CAT])
    assert town.finish(town.agree(order, CAT)) == [
        Owe(0, 2, BEN, BILL),
        Owe(0, 3, CAT, BILL),
        Refuse(0, 1, ANN, Reason.WRONG_RESULT),
        KeepReputation(ANN, 0),
        KeepReputation(BEN, 1, newly=1),
        KeepReputation(CAT, 1, newly=1),
        EndJob(),
    ]


def test_what_nobody_can_confirm_fails_and_nobody_is_blamed() -> None:
    town = Town(ANN, BEN, verification=Audit(0))
    (order,) = town.begin()
    (order,) = town.finish(town.agree(order, ANN), wrong())
    town.finish(town.agree(order, BEN))
    assert town.wait(2 * PATIENCE_S) == [
        Refuse(0, 1, ANN, Reason.UNVERIFIED),
        Refuse(0, 2, BEN, Reason.UNVERIFIED),
        EndJob(),
    ]
    assert town.told(ProviderCaught) == []
    assert town.told(RunFailed) == [RunFailed(Reason.UNVERIFIED)]


def test_the_rate_of_audits_falls_with_confirmed_results_to_its_floor() -> None:
    town = Town(ANN, verification=Audit(200_000), can_run_here=True, draws=repeat(400_000))
    rates = [town.choice.audit_ppm(ANN, 101)]
    for _ in range(9):
        town.reputation.count_confirmed(ANN, town.choice.bounds.package_id)
        rates.append(town.choice.audit_ppm(ANN, 101))
    assert rates[:5] == [1_000_000, 1_000_000, 500_000, 333_334, 250_000]
    assert rates[5:] == [200_000] * 5


@pytest.mark.parametrize(("stake", "rate"), [(1_010, 90_910), (0, 1_000_000), (101, 500_000)])
def test_who_has_less_at_stake_is_audited_more(stake: int, rate: int) -> None:
    town = Town(
        ANN, verification=Audit(0), can_run_here=True, draws=repeat(999_999), stakes={ANN: stake}
    )
    town.reputation.count_confirmed(ANN, town.choice.bounds.package_id, 1_000)
    (order,) = town.begin()
    town.finish(town.agree(order, ANN))
    assert town.told(CheckSpared) == ([CheckSpared(rate)] if rate < 1_000_000 else [])
    begun = [CheckBegun(rate, here=True)] if rate == 1_000_000 else []
    assert town.told(CheckBegun) == begun


def trusted_town(*draws: int, runs: int) -> Town:
    """Give a town with a provider that has ten bills at stake; ``draws`` are the first ones."""
    town = Town(
        ANN,
        runs=runs,
        verification=Audit(0),
        can_run_here=True,
        draws=chain(draws, repeat(999_999)),
        stakes={ANN: 10 * BILL},
    )
    town.reputation.count_confirmed(ANN, town.choice.bounds.package_id, 1_000)
    return town


def test_each_lot_is_drawn_for_its_own_bill() -> None:
    town = trusted_town(runs=3)
    for one in [town.agree(order, ANN) for order in town.begin()]:
        town.finish(one)
    assert town.told(CheckSpared) == 3 * [CheckSpared(90_910)], "101 drops against 1,010"
    assert town.purse.at_risk(ANN) == 0


def test_what_other_jobs_have_undecided_is_at_risk_too() -> None:
    town = trusted_town(runs=1)
    (order,) = town.begin()
    agreement = town.agree(order, ANN)
    town.purse.risk(ANN, ("another job", 0, 1), BILL)
    town.finish(agreement)
    assert town.told(CheckSpared) == [CheckSpared(166_667)], "202 drops against 1,010"


def test_a_spared_claim_waits_for_checks_that_its_provider_may_fail() -> None:
    town = trusted_town(0, runs=3)
    first, second, third = [town.agree(order, ANN) for order in town.begin()]
    assert town.finish(first) == [RunHere(0)]
    assert town.finish(second) == []
    assert town.finish(third) == []
    commands = town.tell(own_run_ended(0, right(), GIGAFUEL))
    assert [one for one in commands if isinstance(one, Owe)] == [
        Owe(0, 1, ANN, BILL),
        Owe(1, 1, ANN, BILL),
        Owe(2, 1, ANN, BILL),
    ]
    assert commands[-1] == EndJob()


def test_what_a_liar_said_while_it_was_checked_is_checked_too() -> None:
    town = trusted_town(0, runs=2)
    first, second = [town.agree(order, ANN) for order in town.begin()]
    assert town.finish(first, wrong()) == [RunHere(0)]
    assert town.finish(second, wrong(1)) == []
    commands = town.tell(own_run_ended(0, right(), GIGAFUEL))
    assert RunHere(1) in commands
    assert not any(isinstance(one, Owe) for one in commands)


def test_what_was_decided_before_the_check_began_is_not_held() -> None:
    town = trusted_town(999_999, 0, runs=2)
    first, second = [town.agree(order, ANN) for order in town.begin()]
    assert town.finish(first) == [Owe(0, 1, ANN, BILL)]
    assert town.finish(second) == [RunHere(1)]


def stranger_town(*draws: int, runs: int) -> Town:
    """Give a town whose only provider has shown nothing yet."""
    numbers = chain(draws, repeat(0))
    return Town(ANN, runs=runs, verification=Audit(0), can_run_here=True, draws=numbers)


def test_checks_that_hold_a_claim_count_as_confirmed_when_it_is_drawn() -> None:
    town = stranger_town(0, 999_999, 500_000, 400_000, 333_334, runs=5)
    agreements = [town.agree(order, ANN) for order in town.begin()]
    commands = [town.finish(one) for one in agreements]
    assert commands == [[RunHere(0)], [RunHere(1)], [], [RunHere(3)], []]
    rates = [1_000_000, 1_000_000, 500_000]
    assert town.told(CheckBegun) == [CheckBegun(rate, here=True) for rate in rates]
    assert town.told(CheckSpared) == [CheckSpared(500_000), CheckSpared(333_334)]
    commands = [town.tell(own_run_ended(lot, right(lot), GIGAFUEL)) for lot in (0, 1, 3)]
    owed = [[one.lot for one in now if isinstance(one, Owe)] for now in commands]
    assert owed == [[0], [1, 2], [3, 4]]


def test_a_claim_spared_for_checks_that_confirm_nothing_is_drawn_anew_with_its_number() -> None:
    town = stranger_town(0, 0, 600_000, runs=3)
    agreements = [town.agree(order, ANN) for order in town.begin()]
    assert [town.finish(one) for one in agreements] == [[RunHere(0)], [RunHere(1)], []]
    # The first can be repeated by nobody; with the other check alone an audit is certain.
    town.tell(own_run_ended(0, None, GIGAFUEL))
    assert town.told(CheckSpared) == [CheckSpared(500_000)]
    town.wait(2 * PATIENCE_S)
    assert town.job.purchases[0].reason is Reason.UNVERIFIED
    assert town.told(CheckBegun)[-1] == CheckBegun(1_000_000, here=True)
    commands = town.tell(own_run_ended(2, right(2), GIGAFUEL))
    assert Owe(2, 1, ANN, BILL) in commands


def test_a_claim_spared_for_checks_of_a_liar_is_checked_too() -> None:
    town = stranger_town(0, 0, 999_999, runs=3)
    agreements = [town.agree(order, ANN) for order in town.begin()]
    assert [town.finish(one) for one in agreements[:2]] == [[RunHere(0)], [RunHere(1)]]
    assert town.finish(agreements[2], wrong()) == []
    owed = [one for one in town.tell(own_run_ended(0, right(), GIGAFUEL)) if isinstance(one, Owe)]
    assert owed == [Owe(0, 1, ANN, BILL)]
    commands = town.tell(own_run_ended(1, wrong(), GIGAFUEL))
    assert RunHere(2) in commands
    assert Owe(2, 1, ANN, BILL) not in commands


def test_what_was_paid_before_the_receipt_is_not_lost_with_the_stake() -> None:
    town = Town(ANN, verification=Audit(0), stakes={ANN: 1_010})
    town.reputation.count_confirmed(ANN, town.choice.bounds.package_id, 1_000)
    assert town.choice.audit_ppm(ANN, 101) == 90_910
    assert town.choice.audit_ppm(ANN, 101, 910) == 502_488
    assert town.choice.audit_ppm(ANN, 101, 2_000) == 1_000_000


def test_a_result_that_the_draw_spares_is_accepted_unconfirmed() -> None:
    town = Town(ANN, verification=Audit(0), can_run_here=True, draws=repeat(400_000))
    for _ in range(3):
        town.reputation.count_confirmed(ANN, town.choice.bounds.package_id)
    (order,) = town.begin()
    assert town.finish(town.agree(order, ANN)) == [Owe(0, 1, ANN, BILL), EndJob()]
    assert town.told(CheckSpared) == [CheckSpared(333_334)]
    assert town.reputation.confirmed(ANN, town.choice.bounds.package_id) == 3


def a_quorum_at_work(town: Town, *providers: NodeId) -> None:
    """Let each of ``providers`` work on an attempt at lot 0."""
    orders = town.begin()
    for order, provider in zip(orders, providers, strict=True):
        town.bid(order, provider)
    town.wait(0.1)
    for attempt in range(1, len(orders) + 1):
        town.tell(AgreementSigned(0, attempt))


def test_a_quorum_asks_for_all_its_voices_at_once_from_different_providers() -> None:
    town = Town(ANN, BEN, CAT, verification=Quorum(2))
    first, second = town.begin()
    assert (first, second) == (
        SendOrder(0, 1, [ANN, BEN, CAT]),
        SendOrder(0, 2, [ANN, BEN, CAT]),
    )
    assert town.bid(first, ANN, BEN, CAT) == [SignAgreement(0, 1, ANN)]
    assert town.bid(second, ANN, BEN, CAT) == [SignAgreement(0, 2, BEN)]
    for attempt in (1, 2):
        town.tell(AgreementSigned(0, attempt))
    town.commit(0, 2)
    town.commit(0, 1)
    assert town.tell(result_came(0, 2, right(), GIGAFUEL)) == []
    commands = town.tell(result_came(0, 1, right(), GIGAFUEL))
    assert [one for one in commands if isinstance(one, Owe)] == [
        Owe(0, 2, BEN, BILL),
        Owe(0, 1, ANN, BILL),
    ]


def test_no_result_of_a_quorum_is_asked_for_before_all_are_bound() -> None:
    town = Town(ANN, BEN, CAT, verification=Quorum(3))
    a_quorum_at_work(town, ANN, BEN, CAT)
    assert town.commit(0, 1) == []
    assert town.commit(0, 3) == []
    assert town.wait(RUN_S - 1) == []
    assert town.commit(0, 2) == [AskReveal(0, 1, ANN), AskReveal(0, 2, BEN), AskReveal(0, 3, CAT)]
    assert len(town.told(ResultCommitted)) == 3


def test_who_is_bound_and_does_not_show_its_result_is_replaced_by_another() -> None:
    town = Town(ANN, BEN, CAT, verification=Quorum(2))
    a_quorum_at_work(town, ANN, BEN)
    town.commit(0, 1)
    assert AskReveal(0, 1, ANN) in town.commit(0, 2)
    assert town.tell(result_came(0, 2, right(), GIGAFUEL)) == []
    commands = town.wait(RESULT_GRACE_S)
    assert EndAttempt(0, 1) in commands
    (order,) = [one for one in commands if isinstance(one, SendOrder)]
    # Not the one that has seen, perhaps, what the other said.
    assert order.providers == [CAT]
    town.agree(order, CAT)
    assert town.commit(0, 3) == [AskReveal(0, 3, CAT)]
    commands = town.tell(result_came(0, 3, right(), GIGAFUEL))
    assert Owe(0, 3, CAT, BILL) in commands
    assert town.told(ProviderCaught) == []


def test_who_is_lost_after_it_was_bound_holds_nobody_up() -> None:
    town = Town(ANN, BEN, CAT, verification=Quorum(2))
    a_quorum_at_work(town, ANN, BEN)
    town.commit(0, 1)
    commands = town.tell(AttemptBroke(0, 1, Reason.PROVIDER_LOST))
    (order,) = [one for one in commands if isinstance(one, SendOrder)]
    assert order.providers == [CAT]
    town.agree(order, CAT)
    assert town.commit(0, 2) == []
    assert town.commit(0, 3) == [AskReveal(0, 2, BEN), AskReveal(0, 3, CAT)]


def test_what_waits_to_be_shown_takes_no_place_at_its_provider() -> None:
    town = Town(ANN, BEN, verification=Quorum(2))
    a_quorum_at_work(town, ANN, BEN)
    assert town.choice.in_flight(ANN) == 1
    town.commit(0, 1)
    assert town.choice.in_flight(ANN) == 0
    town.commit(0, 2)
    town.tell(result_came(0, 1, right(), GIGAFUEL))
    town.tell(result_came(0, 2, right(), GIGAFUEL))
    assert town.choice.in_flight(ANN) == town.choice.in_flight(BEN) == 0
    assert town.purse.at_risk(ANN) == 0


def test_a_quorum_of_two_slow_providers_is_not_broken_by_hedging() -> None:
    town = Town(ANN, BEN, verification=Quorum(2), hedge_s=5.0)
    a_quorum_at_work(town, ANN, BEN)
    assert town.wait(10.0) == []
    assert town.commit(0, 1) == []
    assert len(town.commit(0, 2)) == 2
    assert town.finish(SignAgreement(0, 1, ANN)) == []
    ended = town.finish(SignAgreement(0, 2, BEN))
    assert [one for one in ended if isinstance(one, Owe)] == [
        Owe(0, 1, ANN, BILL),
        Owe(0, 2, BEN, BILL),
    ]


def test_for_a_slow_member_of_a_quorum_that_is_bound_nobody_else_is_asked() -> None:
    town = Town(ANN, BEN, verification=Quorum(2), hedge_s=5.0)
    a_quorum_at_work(town, ANN, BEN)
    assert town.wait(10.0) == []
    assert town.commit(0, 1) == []
    town.book.put(an_offer(CAT), town.now)
    assert town.tell(OffersChanged()) == [SendOrder(0, 3, [CAT])], "in place of Ben"


@pytest.mark.parametrize("is_bound", [False, True])
def test_a_hedge_does_not_decide_between_the_claims_of_a_quorum(is_bound: bool) -> None:
    town = Town(ANN, BEN, CAT, verification=Quorum(2), can_run_here=True, hedge_s=5.0)
    a_quorum_at_work(town, ANN, BEN)
    order = next(one for one in town.wait(5.0) if isinstance(one, SendOrder))
    hedge = town.agree(order, CAT)
    assert town.commit(0, 1) == []
    assert len(town.commit(0, 2)) == 2
    if is_bound:
        assert town.commit(0, hedge.attempt) == []
    commands = town.finish(SignAgreement(0, 1, ANN), wrong())
    assert EndAttempt(0, hedge.attempt) in commands
    assert town.finish(SignAgreement(0, 2, BEN), right()) == [RunHere(0)]
    assert town.finish(hedge, wrong()) == []


def test_a_hedge_that_is_bound_before_a_slow_member_takes_its_place() -> None:
    town = Town(ANN, BEN, CAT, verification=Quorum(2), hedge_s=5.0)
    a_quorum_at_work(town, ANN, BEN)
    assert town.commit(0, 1) == []
    order = next(one for one in town.wait(5.0) if isinstance(one, SendOrder))
    hedge = town.agree(order, CAT)
    asked = town.commit(0, hedge.attempt)
    assert asked == [AskReveal(0, 1, ANN), AskReveal(0, hedge.attempt, CAT)]
    assert EndAttempt(0, 2) in town.finish(SignAgreement(0, 1, ANN))
    assert Owe(0, hedge.attempt, CAT, BILL) in town.finish(hedge)
    assert AttemptCancelled(2, BEN) in town.told(AttemptCancelled)


def test_a_quorum_that_disagrees_asks_the_own_sandbox() -> None:
    town = Town(ANN, BEN, verification=Quorum(2), can_run_here=True)
    a_quorum_at_work(town, ANN, BEN)
    town.commit(0, 1)
    town.commit(0, 2)
    town.tell(result_came(0, 1, wrong(), GIGAFUEL))
    assert town.tell(result_came(0, 2, right(), GIGAFUEL)) == [RunHere(0)]
    commands = town.tell(own_run_ended(0, right(), GIGAFUEL))
    assert commands[:2] == [Owe(0, 2, BEN, BILL), Refuse(0, 1, ANN, Reason.WRONG_RESULT)]


def test_a_quorum_that_is_short_of_providers_is_completed_here() -> None:
    town = Town(ANN, verification=Quorum(2), can_run_here=True)
    first, second = town.begin()
    town.bid(first, ANN)
    town.bid(second, ANN)
    town.tell(AgreementSigned(0, 1))
    town.commit(0, 1)
    commands = town.wait(PATIENCE_S + 5)
    assert commands.count(AskReveal(0, 1, ANN)) == 1
    assert RunHere(0) in town.tell(result_came(0, 1, right(), GIGAFUEL))


def test_a_broken_rule_is_held_against_the_provider() -> None:
    town = Town(ANN, BEN, verification=NoVerification())
    (order,) = town.begin()
    town.agree(order, ANN)
    commands = town.tell(AttemptBroke(0, 1, Reason.BROKEN_RULE))
    assert Refuse(0, 1, ANN, Reason.BROKEN_RULE) in commands
    assert KeepReputation(ANN, 0) in commands
    assert town.told(ProviderCaught) == [ProviderCaught(ANN)]
    (order,) = [one for one in commands if isinstance(one, SendOrder)]
    assert town.bid(order, ANN) == []
    assert town.bid(order, BEN) == [SignAgreement(0, 2, BEN)]


def stated(town: Town, attempt: int, fuel: int) -> list[JobCommand]:
    """State work; each time under a name of its own."""
    return town.tell(TickStated(0, attempt, AgreementId(fuel.to_bytes(32, "big")), fuel))


def test_a_stranger_is_paid_no_more_ahead_when_strangers_have_kept_the_pool() -> None:
    town = Town(ANN, BEN, spendable=8 * 200)
    (order,) = town.begin()
    town.agree(order, ANN)
    assert [one.fuel for one in stated(town, 1, GIGAFUEL) if isinstance(one, PayTick)] == [GIGAFUEL]
    town.purse.advances.lose(CAT, 200, town.now)
    assert stated(town, 1, 2 * GIGAFUEL) == []
    assert town.told(AdvanceSpent) == [AdvanceSpent(1, ANN, 100)]
    # Its result pays for both; and so the bill is the rest alone.
    commands = town.tell(result_came(0, 1, right(), 3 * GIGAFUEL))
    assert [one.fuel for one in commands if isinstance(one, PayTick)] == [2 * GIGAFUEL]
    assert Owe(0, 1, ANN, 301) in commands


def test_a_statement_that_waits_is_paid_as_soon_as_there_is_room() -> None:
    town = Town(ANN, BEN, spendable=8 * 200)
    (order,) = town.begin()
    town.agree(order, ANN)
    town.purse.advances.hold(BEN, "another job", 200)
    assert stated(town, 1, GIGAFUEL) == []
    town.purse.advances.end("another job")
    assert [one.fuel for one in town.wait(0.2) if isinstance(one, PayTick)] == [GIGAFUEL]


@pytest.mark.parametrize("reason", [Reason.SHUTTING_DOWN, Reason.TICK_UNPAID, Reason.CANCELLED])
def test_who_was_paid_and_leaves_without_a_result_has_kept_it_for_nothing(reason: Reason) -> None:
    town = Town(ANN, BEN, spendable=8 * 200)
    (order,) = town.begin()
    town.agree(order, ANN)
    stated(town, 1, 2 * GIGAFUEL)
    town.book.forget(ANN)
    assert town.tell(AttemptBroke(0, 1, reason)) == []
    assert town.purse.advances.is_spent(BEN, town.now)
    assert OrderDeclined(0, BEN, [Reason.ADVANCE_SPENT]) in town.told(OrderDeclined)


def test_who_stops_because_a_statement_was_not_paid_has_kept_what_was() -> None:
    town = Town(ANN, BEN, spendable=8 * 200)
    (order,) = town.begin()
    town.agree(order, ANN)
    stated(town, 1, 2 * GIGAFUEL)
    town.purse.advances.hold(CAT, "another job", 900)
    assert stated(town, 1, 3 * GIGAFUEL) == []
    town.tell(AttemptBroke(0, 1, Reason.TICK_UNPAID))
    assert town.purse.advances.is_spent(BEN, town.now), "or two names could take turns"


def test_who_is_ended_for_being_slow_has_kept_what_it_was_paid() -> None:
    town = Town(ANN, BEN, spendable=8 * 300, hedge_s=1.0)
    (order,) = town.begin()
    town.agree(order, ANN)
    stated(town, 1, 3 * GIGAFUEL)
    (hedge,) = [one for one in town.wait(1.0) if isinstance(one, SendOrder)]
    agreed = town.agree(hedge, BEN)
    town.finish(agreed)
    assert town.purse.advances.is_spent(CAT, town.now)


def test_when_the_user_gives_up_nobody_has_kept_anything_for_nothing() -> None:
    town = Town(ANN, BEN, spendable=8 * 200)
    (order,) = town.begin()
    town.agree(order, ANN)
    stated(town, 1, 2 * GIGAFUEL)
    town.cancel()
    assert not town.purse.advances.is_robbed(town.now)


def test_who_goes_on_though_a_hundred_statements_wait_is_ended() -> None:
    town = Town(ANN, BEN, spendable=8 * 200)
    (order,) = town.begin()
    town.agree(order, ANN)
    town.purse.advances.hold(CAT, "another job", 900)
    for fuel in range(TICKS_BURST_MAX):
        assert stated(town, 1, 3 * GIGAFUEL + fuel) == []
    assert EndAttempt(0, 1) in stated(town, 1, 4 * GIGAFUEL)


def test_who_is_bound_to_its_result_holds_nothing_and_nothing_is_looked_at_meanwhile() -> None:
    town = Town(ANN, BEN, verification=Quorum(2), spendable=8 * 200)
    first, second = town.begin()
    town.agree(first, ANN)
    town.purse.advances.hold(CAT, "another job", 200)
    assert stated(town, 1, GIGAFUEL) == []
    town.commit(0, 1)
    assert town.job.deadline > town.now
    town.purse.advances.end("another job")
    assert town.choice.whom_to_ask(range(1), (), (), town.now)
    assert isinstance(second, SendOrder)
