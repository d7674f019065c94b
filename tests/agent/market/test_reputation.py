"""What is known of providers: it grows, fades, is bounded, and is nobody else's to write."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.limits import (
    CONFIRMED_MAX,
    DISTRUST_S,
    REPUTATION_HALF_LIFE_S,
    REPUTATIONS_MAX,
)
from fogbank_agent.market.reputation import Record, Reputation
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN, PACKAGE, Town

OTHER = blob_id(b"another package")


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.unix_s = 1_700_000_000

    def __call__(self) -> int:
        return self.unix_s


def test_it_grows_by_results_and_falls_to_nothing() -> None:
    reputation = Reputation([(ANN, PACKAGE, Record(7, 0))])
    assert reputation.count_confirmed(ANN, PACKAGE) == 8
    assert reputation.count_confirmed(ANN, PACKAGE, 256) == 264
    assert reputation.confirmed(BEN, PACKAGE) == 0
    assert reputation.confirmed(ANN, OTHER) == 0
    reputation.reset(ANN, PACKAGE)
    assert reputation.confirmed(ANN, PACKAGE) == 0


def test_half_of_it_is_left_after_a_while_without_a_further_result() -> None:
    clock = Clock()
    reputation = Reputation(unix_time=clock)
    reputation.count_confirmed(ANN, PACKAGE, 100)
    clock.unix_s += REPUTATION_HALF_LIFE_S - 1
    assert reputation.confirmed(ANN, PACKAGE) == 100
    clock.unix_s += 1
    assert reputation.confirmed(ANN, PACKAGE) == 50
    assert reputation.count_confirmed(ANN, PACKAGE) == 51
    clock.unix_s += 1_000 * REPUTATION_HALF_LIFE_S
    assert reputation.confirmed(ANN, PACKAGE) == 0


def test_a_clock_that_is_set_back_makes_nobody_better_or_worse() -> None:
    clock = Clock()
    reputation = Reputation(unix_time=clock)
    reputation.count_confirmed(ANN, PACKAGE, 100)
    reputation.reset(BEN, PACKAGE)
    clock.unix_s -= 1_000_000
    assert reputation.confirmed(ANN, PACKAGE) == 100
    assert not reputation.is_distrusted(BEN)


def test_who_has_lost_a_stake_is_distrusted_whoever_proved_it() -> None:
    reputation = Reputation(convicted=lambda: {BEN})
    assert reputation.is_distrusted(BEN)
    assert not reputation.is_distrusted(ANN)


def test_who_was_caught_is_distrusted_for_a_while_whatever_the_package() -> None:
    clock = Clock()
    reputation = Reputation(unix_time=clock)
    reputation.count_confirmed(ANN, OTHER, 100)
    reputation.reset(ANN, PACKAGE)
    assert reputation.is_distrusted(ANN)
    assert not reputation.is_distrusted(BEN)
    # Another package's record is no excuse.
    reputation.count_confirmed(ANN, OTHER)
    assert reputation.is_distrusted(ANN)
    clock.unix_s += DISTRUST_S
    assert not reputation.is_distrusted(ANN)


def test_who_was_found_right_was_never_caught() -> None:
    clock = Clock()
    reputation = Reputation(unix_time=clock)
    reputation.reset(ANN, PACKAGE)
    reputation.acquit(ANN, PACKAGE, clock.unix_s - 1)
    assert reputation.is_distrusted(ANN)
    reputation.acquit(ANN, PACKAGE, clock.unix_s)
    assert not reputation.is_distrusted(ANN)
    # What it did with another package is another matter.
    reputation.reset(ANN, PACKAGE)
    reputation.reset(ANN, OTHER)
    reputation.acquit(ANN, PACKAGE, clock.unix_s)
    assert reputation.is_distrusted(ANN)
    reputation.acquit(BEN, PACKAGE, clock.unix_s)


def test_records_that_were_kept_hold_over_a_restart() -> None:
    clock = Clock()
    kept = [
        (ANN, PACKAGE, Record(8, clock.unix_s - REPUTATION_HALF_LIFE_S)),
        (BEN, PACKAGE, Record(3, clock.unix_s, caught_unix_s=clock.unix_s - 10)),
    ]
    reputation = Reputation(kept, clock)
    assert reputation.confirmed(ANN, PACKAGE) == 4
    assert reputation.confirmed(BEN, PACKAGE) == 3
    assert reputation.is_distrusted(BEN)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 1 << 40), st.integers(0, 1 << 33))))
def test_no_history_makes_a_count_out_of_bounds(events: list[tuple[bool, int, int]]) -> None:
    clock = Clock()
    reputation = Reputation(unix_time=clock)
    for is_lie, results, pause_s in events:
        clock.unix_s += pause_s
        if is_lie:
            reputation.reset(ANN, PACKAGE)
            assert reputation.confirmed(ANN, PACKAGE) == 0
        else:
            reputation.count_confirmed(ANN, PACKAGE, results)
        assert 0 <= reputation.confirmed(ANN, PACKAGE) <= CONFIRMED_MAX


def test_a_crowd_of_names_pushes_out_only_what_is_oldest() -> None:
    reputation = Reputation()
    reputation.count_confirmed(ANN, PACKAGE, 5)
    for number in range(REPUTATIONS_MAX):
        reputation.count_confirmed(NodeId(number.to_bytes(32, "big")), PACKAGE)
    assert reputation.confirmed(ANN, PACKAGE) == 0
    assert reputation.confirmed(NodeId(bytes(32)), PACKAGE) == 1


def test_a_liar_of_yesterday_is_asked_after_all_others() -> None:
    town = Town(ANN, BEN)
    town.reputation.reset(ANN, OTHER)
    assert list(town.choice.whom_to_ask(range(1), (), (), town.now)) == [BEN, ANN]
    assert list(town.choice.whom_to_ask(range(1), (), (), town.now, lot=1)) == [BEN, ANN]
    town.unix_s += DISTRUST_S
    assert list(town.choice.whom_to_ask(range(1), (), (), town.now)) == [ANN, BEN]
