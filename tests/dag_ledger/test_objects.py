"""Objects from opening to the last take, one story each (SPEC.md sections 8.12 to 8.15)."""

import pytest

from fogbank_dag_ledger.objects import Outcome
from fogbank_dag_ledger.operations import (
    Act,
    Agree,
    Close,
    Deliver,
    Dispute,
    Halve,
    Judge,
    PostVouchers,
    Reclaim,
    ReclaimFinal,
    Refund,
    RefundLate,
    Release,
    ReleaseLate,
    Seize,
    Slash,
    TopUp,
    Unstake,
    Withdraw,
)
from fogbank_dag_ledger.statements import sign_verdict
from fogbank_dag_ledger.vertex import NO_VERTEX, Vertex
from fogbank_protocol.errors import RemoteProtocolError

from .town import ANN, BOB, CAT, DAN, ROOT, Town, name_of


def test_a_channel_is_closed_with_the_best_vouchers_and_its_rest_goes_back() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel())
    assert town.balance(ANN) == 500
    town.check()
    top_up = town.act(ANN, opening, TopUp(100))
    old, best = town.voucher(opening, 30), town.voucher(opening, 300, count=2, split={CAT: 30})
    other = town.voucher(opening, 250, lane=1, split={CAT: 5, DAN: 1})

    closing = town.act(BOB, opening, Close(top_up.id, (), (old, best, other)))

    assert town.award(opening) == 550
    assert town.take(BOB, opening, closing) == 550 - 36
    assert town.take(ANN, opening, closing) == 50
    assert (town.claimable(CAT), town.claimable(DAN)) == (35, 1)


def test_a_payer_whose_provider_vanished_gets_back_what_no_voucher_took() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel(beats=60))
    posted = town.act(DAN, opening, PostVouchers((town.voucher(opening, 120),)))
    town.act(ANN, opening, Reclaim())
    final = town.act(ANN, opening, ReclaimFinal((posted.id,), ()))
    town.wait(50)
    assert town.award(opening) is None
    town.wait(20)
    assert town.award(opening) == 120
    assert town.take(ANN, opening, final) == 380
    assert town.take(BOB, opening, final) == 120


def test_a_reclaim_that_leaves_out_a_voucher_gets_no_votes() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel(beats=60))
    town.act(ANN, opening, Reclaim())
    town.act(ANN, opening, ReclaimFinal((), ()))
    town.act(BOB, opening, PostVouchers((town.voucher(opening, 120),)))
    town.wait(200)
    assert town.award(opening) is None


def test_a_later_voucher_that_leaves_the_provider_less_takes_nothing_back() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel(beats=60))
    good = town.act(DAN, opening, PostVouchers((town.voucher(opening, 120, split={CAT: 20}),)))
    eaten = town.voucher(opening, 130, count=2, split={CAT: 130})
    posted = town.act(ANN, opening, PostVouchers((eaten,)))
    town.act(ANN, opening, Reclaim())
    town.act(ANN, opening, ReclaimFinal((posted.id,), ()))
    town.wait(200)
    assert town.award(opening) is None, "it leaves out what the other leaves to the provider"
    final = town.act(ANN, opening, ReclaimFinal(tuple(sorted((good.id, posted.id))), ()))
    town.wait(20)
    assert town.award(opening) == 120
    assert town.take(BOB, opening, final) == 100
    assert town.claimable(CAT) == 20


def test_a_close_goes_by_the_voucher_that_leaves_the_provider_most() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel())
    good, eaten = (
        town.voucher(opening, 120, split={CAT: 20}),
        town.voucher(opening, 130, count=2, split={CAT: 31}),
    )
    closing = town.act(BOB, opening, Close(NO_VERTEX, (), (eaten, good)))
    assert town.award(opening) == 120
    assert town.take(BOB, opening, closing) == 100


def test_a_top_up_that_crosses_the_close_comes_back() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel())
    closing = town.act(BOB, opening, Close(NO_VERTEX, (), (town.voucher(opening, 500),)))
    town.act(ANN, opening, TopUp(40))
    assert town.take(ANN, opening, closing) == 40
    assert town.take(BOB, opening, closing) == 500


def test_money_in_an_escrow_goes_where_the_opener_or_the_provider_says() -> None:
    for action, by, award in ((Release(), ANN, 500), (Refund(), BOB, 0)):
        town = Town()
        opening = town.open(ANN, 500, town.escrow())
        settling = town.act(by, opening, action)
        assert town.award(opening) == award
        if award:
            assert town.take(BOB, opening, settling) == 450
            assert town.claimable(CAT) == 50
        else:
            assert town.take(ANN, opening, settling) == 500
        town.check()


def test_both_parties_or_the_arbiters_may_split_an_escrow() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.escrow(arbiters=(CAT, DAN), need=2))
    network, name = town.community.network, name_of(opening)
    keys = [town.key(ANN), *sorted((town.key(CAT), town.key(DAN)), key=lambda one: one.node_id)]
    agreed, *verdicts = (sign_verdict(key, network, name, 200) for key in keys)
    settlements = (Agree(200, agreed), Judge(200, (0, 1), tuple(verdicts)))

    first = town.act(BOB, opening, settlements[0])
    again = town.act(ANN, opening, settlements[1])

    # Both are for one outcome, so nobody's votes are split.
    assert town.award(opening) == 200
    assert town.take(BOB, opening, again) == 180
    assert town.take(ANN, opening, first) == 300


def test_what_was_not_delivered_in_time_comes_back() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.escrow())
    settling = town.act(ANN, opening, RefundLate())
    town.wait(80)
    assert town.award(opening) is None
    town.wait(30)
    assert town.award(opening) == 0
    assert town.take(ANN, opening, settling) == 500


def test_a_delivery_that_came_too_late_stops_no_refund() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.escrow())
    town.wait(120)
    town.act(BOB, opening, Deliver(ROOT))
    town.act(ANN, opening, RefundLate())
    assert town.award(opening) == 0


def test_a_delivery_in_time_stops_the_refund_and_pays_when_nobody_disputes_it() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.escrow())
    town.wait(60)
    town.act(BOB, opening, Deliver(ROOT))
    town.act(ANN, opening, RefundLate())
    settling = town.act(BOB, opening, ReleaseLate())
    town.wait(50)
    assert town.award(opening) is None
    town.wait(20)
    assert town.award(opening) == 500
    assert town.take(BOB, opening, settling) == 450


def test_a_dispute_in_time_stops_the_release_and_one_that_is_late_does_not() -> None:
    for seconds, award in ((30, None), (70, 500)):
        town = Town()
        opening = town.open(ANN, 500, town.escrow())
        town.act(BOB, opening, Deliver(ROOT))
        town.wait(seconds)
        town.act(ANN, opening, Dispute())
        town.act(BOB, opening, ReleaseLate())
        town.wait(200)
        assert town.award(opening) == award


def test_a_disputed_escrow_is_halved_by_the_provider_first_and_later_by_the_opener() -> None:
    for person, seconds in ((BOB, 60), (ANN, 120)):
        town = Town()
        opening = town.open(ANN, 501, town.escrow())
        town.act(ANN, opening, Dispute())
        settling = town.act(person, opening, Halve())
        town.wait(seconds - 15)
        assert town.award(opening) is None
        town.wait(20)
        assert town.award(opening) == 250
        assert town.take(ANN, opening, settling) == 251


def test_a_stake_comes_back_after_its_beats_when_nobody_proved_anything() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.stake())
    town.act(ANN, opening, Unstake())
    settling = town.act(ANN, opening, Withdraw())
    town.wait(80)
    assert town.award(opening) is None
    town.wait(30)
    assert town.award(opening) == 0
    assert town.take(ANN, opening, settling) == 500


def test_a_proof_in_time_burns_the_stake_but_for_the_watch() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.stake())
    town.act(ANN, opening, Unstake())
    town.act(ANN, opening, Withdraw())
    town.wait(50)
    notice = town.act(BOB, opening, Slash(town.verdicts_of(ANN)))
    settling = town.act(BOB, opening, Seize(notice.id))
    also = town.act(CAT, opening, Seize(notice.id))
    town.wait(200)
    assert town.held(opening).outcome is settling_outcome(town, opening)
    assert town.ledger.burned == 0
    assert town.take(CAT, opening, settling) == 30
    assert town.ledger.burned == 440
    assert town.take(DAN, opening, also) == 30
    assert town.ledger.burned == 440
    for person in (ANN, BOB, CAT):
        with pytest.raises(RemoteProtocolError) as caught:
            town.insert(town.draft(person, Act(opening.id, 0, town.taking(opening, settling))))
        assert caught.value.rule == "8.12.9"


def test_a_proof_after_the_beats_is_too_late() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.stake())
    town.act(ANN, opening, Unstake())
    town.wait(120)
    notice = town.act(BOB, opening, Slash(town.verdicts_of(ANN)))
    town.act(BOB, opening, Seize(notice.id))
    assert town.award(opening) is None
    settling = town.act(ANN, opening, Withdraw())
    assert town.take(ANN, opening, settling) == 500


def test_a_voucher_posted_after_the_beats_stops_no_reclaim() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel(beats=60))
    town.act(ANN, opening, Reclaim())
    town.wait(70)
    town.act(BOB, opening, PostVouchers((town.voucher(opening, 120),)))
    settling = town.act(ANN, opening, ReclaimFinal((), ()))
    assert town.take(ANN, opening, settling) == 500


def test_nothing_is_taken_before_the_top_up_that_was_counted_on_is_final() -> None:
    town = Town(present=4)
    opening = town.open(ANN, 400, town.channel())
    # Two validators see one top-up first, two the other: neither of them is ever final.
    one = town.draft(ANN, Act(opening.id, 0, TopUp(100)))
    other = town.draft(ANN, Act(opening.id, 0, TopUp(200)))
    community, ledger = town.community, town.ledger
    heads = [record for seat in range(4) if (record := ledger.head(community.names[seat]))]
    for vertex in (one, other):
        ledger.insert(vertex)
    votes = [town.above(seat, heads[seat], [one if seat < 2 else other]) for seat in range(4)]
    for vertex in votes:
        ledger.insert(vertex)
    closing = town.act(BOB, opening, Close(one.id, (), (town.voucher(opening, 450),)))
    assert town.award(opening) == 450
    taking = town.act(BOB, opening, town.taking(opening, closing))
    town.wait(5)
    assert town.ledger.is_confirmed(taking.id)
    assert not town.ledger.is_final(taking.id)


def test_what_a_forked_opener_put_in_on_a_side_that_lost_pays_nobody() -> None:
    town = Town()
    opening = town.open(ANN, 400, town.channel())
    spent = town.issue(ANN, pays={CAT: 500})
    town.wait(2)
    assert town.ledger.is_final(spent.id)
    top_up, reclaim, settling = (
        TopUp(300),
        Reclaim(),
        ReclaimFinal((), (town.voucher(opening, 650),)),
    )
    side = opening
    for action in (top_up, reclaim, settling):
        side = town.community.vertex(ANN, side, does=[Act(opening.id, 0, action)])
        town.insert(side)

    taking = town.act(BOB, opening, town.taking(opening, side))
    town.wait(80)

    assert town.award(opening) == 650
    assert town.ledger.is_confirmed(taking.id)
    assert not town.ledger.is_final(taking.id)
    town.check()


def test_two_outcomes_that_split_the_votes_freeze_the_object_and_nobody() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.escrow())
    release, refund = town.split_votes(opening, Release(), Refund())
    paid = [town.issue(person, pays={CAT: 5}) for person in (ANN, BOB)]
    town.wait(5)
    assert town.award(opening) is None
    assert all(town.ledger.is_final(one.id) for one in (release, refund, *paid))


def settling_outcome(town: Town, opening: Vertex) -> Outcome:
    (outcome,) = (one for one in town.held(opening).outcomes.values() if one.is_seizure)
    return outcome
