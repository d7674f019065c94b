"""Turns and floods: deficit round robin by example and by its bounds (SPEC.md section 8.23)."""

from collections import Counter
from collections.abc import Hashable

from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.fair_queue import FairQueue
from fogbank_dag_ledger.limits import FAIR_QUANTUM

COST = FAIR_QUANTUM // 4
ROOM = 1_000 * COST

costs = st.integers(1, FAIR_QUANTUM)


def filled(*counts: tuple[str, int], cost_max: int = ROOM) -> FairQueue[tuple[str, int]]:
    queue: FairQueue[tuple[str, int]] = FairQueue(cost_max)
    for name, count in counts:
        for number in range(count):
            queue.put((name,), (name, number), COST)
    return queue


def test_with_room_for_all_they_come_in_the_order_in_which_they_came() -> None:
    queue: FairQueue[int] = FairQueue(ROOM)
    for number, name in enumerate("abacab"):
        assert queue.put((name,), number, COST) == []
    assert queue.take(100) == [0, 1, 2, 3, 4, 5]
    assert not queue


def test_a_flood_takes_turns_with_everyone_else() -> None:
    queue = filled(("flood", 500), ("ann", 4), ("ben", 4))
    taken = Counter(name for name, _ in queue.take(16))
    assert taken == {"flood": 8, "ann": 4, "ben": 4}


def test_order_is_kept_within_a_key() -> None:
    queue = filled(("ann", 50), ("ben", 50))
    for name in ("ann", "ben"):
        numbers = [
            number for one, number in filled(("ann", 50), ("ben", 50)).take(60) if one == name
        ]
        assert numbers == sorted(numbers)
    assert len(queue.take(99)) == 99


def test_a_share_of_four_gets_four_times_as_much() -> None:
    def share(_level: int, key: Hashable) -> int:
        return 4 if key == "seat" else 1

    queue: FairQueue[str] = FairQueue(ROOM, share=share)
    for name in ("seat", "ann", "ben"):
        for _ in range(300):
            queue.put((name,), name, COST)
    taken = Counter(queue.take(240))
    assert taken == {"seat": 160, "ann": 40, "ben": 40}


def test_what_costs_more_comes_less_often() -> None:
    queue: FairQueue[str] = FairQueue(ROOM)
    for _ in range(200):
        queue.put(("small",), "small", COST)
        queue.put(("large",), "large", 3 * COST)
    taken = Counter(queue.take(160))
    assert abs(taken["small"] - 3 * taken["large"]) <= 8


def test_without_room_the_newest_of_the_longest_goes() -> None:
    queue = filled(("flood", 90), ("ann", 10), cost_max=100 * COST)
    assert queue.put(("ben",), ("ben", 0), COST) == [("flood", 89)]
    assert queue.put(("flood",), ("flood", 90), COST) == [("flood", 90)]
    assert len(queue) == 100


def test_a_share_counts_when_room_is_short() -> None:
    queue: FairQueue[str] = FairQueue(10 * COST, share=lambda _, key: 4 if key == "seat" else 1)
    for _ in range(7):
        queue.put(("seat",), "seat", COST)
    for _ in range(3):
        queue.put(("ann",), "ann", COST)
    assert queue.put(("ben",), "ben", COST) == ["ann"]


def test_turns_begin_when_more_waits_than_is_served_in_order() -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(ROOM, in_order=10 * COST)
    for number in range(9):
        queue.put(("flood",), ("flood", number), COST)
    queue.put(("ann",), ("ann", 0), COST)
    assert queue.take(8) == [("flood", number) for number in range(8)]
    for number in range(9, 20):
        queue.put(("flood",), ("flood", number), COST)
    assert ("ann", 0) in queue.take(5)
    # And they end when nothing waits.
    assert len(queue.take(99)) == 8
    for name in ("flood", "flood", "flood", "flood", "flood", "ann"):
        queue.put((name,), (name, 0), COST)
    assert ("ann", 0) not in queue.take(5)


def test_what_is_served_in_order_counts_for_the_room() -> None:
    queue: FairQueue[int] = FairQueue(10 * COST, in_order=4 * COST)
    dropped = [one for number in range(12) for one in queue.put(("ann",), number, COST)]
    assert dropped == [10, 11]
    assert queue.take(99) == list(range(10))


def test_the_lowest_rank_goes_first_in_each_round() -> None:
    ranks = {"ann": 3, "ben": 1, "cat": 2}
    queue: FairQueue[str] = FairQueue(ROOM, rank=lambda _, key: ranks[str(key)])
    for name in ranks:
        for _ in range(20):
            queue.put((name,), name, FAIR_QUANTUM)
    assert queue.take(6) == ["ben", "cat", "ann", "ben", "cat", "ann"]


def test_a_peer_that_carries_a_flood_takes_no_turns_of_another() -> None:
    queue: FairQueue[tuple[str, str]] = FairQueue(ROOM)
    for number in range(200):
        for issuer in ("flood", f"made-up-{number}"):
            queue.put(("bad", issuer), ("bad", issuer), COST)
    for issuer in ("ann", "ben"):
        for _ in range(20):
            queue.put(("good", issuer), ("good", issuer), COST)
    taken = Counter(queue.take(80))
    assert taken["good", "ann"] == taken["good", "ben"] == 20


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), costs), max_size=60),
    st.integers(FAIR_QUANTUM, 8 * FAIR_QUANTUM),
    st.integers(0, 20),
    st.integers(0, FAIR_QUANTUM),
)
def test_nothing_is_lost_or_doubled_and_no_bound_is_passed(
    puts: list[tuple[str, int]], cost_max: int, count: int, in_order: int
) -> None:
    queue: FairQueue[int] = FairQueue(cost_max, in_order=in_order)
    dropped: list[int] = []
    for number, (name, cost) in enumerate(puts):
        dropped += queue.put((name, name.upper()), number, cost)
    taken = list(queue.take(count))
    rest = list(queue.take(len(puts)))
    assert sorted(dropped + taken + rest) == list(range(len(puts)))
    assert sum(puts[number][1] for number in taken + rest) <= cost_max
    for name in "abcd":
        own = [number for number in taken + rest if puts[number][0] == name]
        assert own == sorted(own)


@given(st.lists(costs, min_size=30, max_size=30), st.lists(costs, min_size=30, max_size=30))
def test_two_that_both_wait_are_never_further_apart_than_two_quanta(
    ann: list[int], ben: list[int]
) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(ROOM)
    for one, other in zip(ann, ben, strict=True):
        queue.put(("ann",), ("ann", one), one)
        queue.put(("ben",), ("ben", other), other)
    served = Counter({"ann": 0, "ben": 0})
    left = Counter({"ann": 30, "ben": 30})
    while True:
        ((name, cost),) = queue.take(1)
        served[name] += cost
        left[name] -= 1
        assert abs(served["ann"] - served["ben"]) <= 2 * FAIR_QUANTUM
        if not left[name]:
            break
