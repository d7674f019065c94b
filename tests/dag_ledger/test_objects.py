"""Objects from opening to the last take, one story each (SPEC.md sections 8.12 to 8.15)."""

from fogbank_dag_ledger.operations import (
    Close,
    PostVouchers,
    Reclaim,
    ReclaimFinal,
    TopUp,
)
from fogbank_dag_ledger.vertex import NO_VERTEX

from .town import ANN, BOB, CAT, DAN, Town


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


def test_a_top_up_that_crosses_the_close_comes_back() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel())
    closing = town.act(BOB, opening, Close(NO_VERTEX, (), (town.voucher(opening, 500),)))
    town.act(ANN, opening, TopUp(40))
    assert town.take(ANN, opening, closing) == 40
    assert town.take(BOB, opening, closing) == 500
