"""What is paid before a result is seen, machine alone: bounded whatever strangers say."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.limits import ADVANCE_HOURS, ADVANCE_LOST_PARTS, ADVANCE_PARTS
from fogbank_agent.market.advances import Advances
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN, CAT

OWNED = 80_000
POOL = OWNED // ADVANCE_PARTS


def some() -> Advances:
    """Return what is known before anybody has worked."""
    return Advances(lambda: OWNED)


def take(advances: Advances, who: NodeId, agreement: int, most: int, now: float = 0) -> int:
    """State work for 100 drops again and again, up to ``most``; return what was paid for it."""
    held = 0
    while held < most and advances.may_pay(who, agreement, held + 100, now):
        held += 100
        advances.hold(who, agreement, held)
    return held


@given(lots=st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_all_names_of_a_thief_take_the_pool_and_one_lot_at_most(lots: list[int]) -> None:
    advances, taken = some(), 0
    for number, hundreds in enumerate(lots):
        name = NodeId(number.to_bytes(32, "big"))
        if advances.is_spent(name, 0):
            break
        if not advances.may_begin(name, 0, 0):
            continue
        kept = take(advances, name, number, 100 * hundreds)
        advances.end(number)
        advances.lose(name, kept, 0)
        taken += kept
    assert taken <= POOL + 100 * max(lots)


def test_names_that_steal_at_the_same_time_take_no_more() -> None:
    advances = some()
    names = [NodeId(bytes([number]) * 32) for number in range(40)]
    held = [take(advances, name, number, 3_000) for number, name in enumerate(names)]
    assert sum(held) <= POOL + 3_000


def test_an_honest_stranger_is_paid_for_a_run_that_costs_more_than_the_pool() -> None:
    advances = some()
    assert advances.may_begin(ANN, 5 * POOL, 0)
    assert take(advances, ANN, 1, 5 * POOL) == 5 * POOL
    assert not advances.may_begin(BEN, 1, 0)


def test_whoever_holds_most_goes_on_and_the_others_when_it_has_shown_its_work() -> None:
    advances = some()
    assert take(advances, ANN, 1, POOL // 2) == POOL // 2
    assert take(advances, BEN, 2, POOL) == POOL
    assert not advances.may_pay(ANN, 1, POOL // 2 + 100, 0)
    advances.end(2)
    assert advances.may_pay(ANN, 1, POOL // 2 + 100, 0)


def test_who_has_earned_is_paid_beside_what_strangers_hold() -> None:
    advances = some()
    advances.earn(CAT, 4 * POOL)
    assert take(advances, ANN, 1, 2 * POOL) == 2 * POOL
    assert advances.may_begin(CAT, 2 * POOL, 0)
    assert take(advances, CAT, 2, 2 * POOL) == 2 * POOL
    assert not advances.may_pay(CAT, 3, 100, 0)


def test_strangers_that_keep_something_are_tried_one_by_one_until_it_is_little() -> None:
    advances = some()
    advances.hold(ANN, 1, 100)
    assert advances.may_begin(BEN, 100, 0)
    advances.lose(CAT, 50, 0)
    assert advances.is_robbed(0)
    assert not advances.may_begin(BEN, 100, 0)
    advances.end(1)
    assert advances.may_begin(BEN, 100, 0)
    advances.hold(ANN, 1, 100)
    advances.earn(BEN, 50 * ADVANCE_LOST_PARTS)
    assert not advances.is_robbed(0)
    assert advances.may_begin(CAT, 100, 0)
    assert advances.is_robbed(3_600 * 24 + 1) is False


def test_what_is_kept_for_nothing_counts_for_a_day() -> None:
    advances = some()
    advances.lose(ANN, POOL, 0)
    assert advances.is_spent(BEN, 0)
    assert not advances.may_begin(BEN, 0, 0)
    day = 3_600 * ADVANCE_HOURS
    assert advances.is_spent(BEN, day - 1)
    assert not advances.is_spent(BEN, day)
    assert advances.may_begin(BEN, 0, day)


def test_who_has_earned_loses_that_trust_first_and_twice() -> None:
    advances = some()
    advances.earn(ANN, 1_000)
    advances.lose(ANN, 500, 0)
    assert not advances.is_spent(BEN, 0)
    assert take(advances, BEN, 1, POOL) == POOL
    assert not advances.may_pay(ANN, 2, 100, 0)


def test_who_was_caught_is_a_stranger_again() -> None:
    advances = some()
    advances.earn(ANN, 10 * POOL)
    advances.distrust(ANN)
    advances.lose(BEN, POOL, 0)
    assert advances.is_spent(ANN, 0)
