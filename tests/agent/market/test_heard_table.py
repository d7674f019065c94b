"""The table of what was heard: room, and who gives way (SPEC.md section 9.1)."""

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fogbank_agent.limits import HEARD_FRESH_S, HEARD_OFFERS_MAX, HEARD_RUMOURS_MAX, HEARD_WAYS_MAX
from fogbank_agent.market.heard_table import Heard, HeardTable, Rumour, Way
from fogbank_protocol.identity import NodeId

from .heard import ADDRESS, AN_OFFER, LIAR, TOLD, provider
from .objects import CAT


def put(table: HeardTable, number: int, way: Way, now: float = 0, ends_at: float = 60) -> bool:
    """Have ``way`` tell of provider ``number``, if there is room."""
    known = table.find(provider(number))
    is_told = known is not None and way.source in known.rumours
    if not is_told and not table.make_room(way, now, is_new=known is None):
        return False
    heard = known or Heard(AN_OFFER, TOLD.offer, now)
    table.put(heard, Rumour(provider(number), way, 5, ADDRESS, ends_at, now, now))
    return True


def counts(table: HeardTable) -> Sequence[int]:
    """Return how much has come on each way that has brought something."""
    return [len(lane.rumours) for lane in table.lanes.values() if lane.rumours]


@pytest.mark.slow
def test_a_way_that_has_less_finds_room_until_all_have_as_much() -> None:
    table = HeardTable()
    liar, cat = Way(LIAR, 1), Way(CAT.node_id, 1)
    for number in range(HEARD_OFFERS_MAX):
        assert put(table, number, liar, number / HEARD_OFFERS_MAX)
    assert not put(table, HEARD_OFFERS_MAX, liar)
    taken = sum(put(table, 5_000 + number, cat) for number in range(HEARD_OFFERS_MAX))
    assert taken == HEARD_OFFERS_MAX // 2
    assert len(list(table)) == HEARD_OFFERS_MAX
    # The latest of the liar's went first.
    assert table.find(provider(0)) is not None
    assert table.find(provider(HEARD_OFFERS_MAX - 1)) is None


def test_ways_that_have_as_much_but_one_do_not_push_each_other_out() -> None:
    table = HeardTable()
    ways = [Way(LIAR, hops) for hops in (1, 2, 3)]
    for number in range(HEARD_OFFERS_MAX):
        assert put(table, number, ways[number % 3])
    assert sorted(counts(table)) == [341, 341, 342]
    assert not any(put(table, 5_000 + number, ways[number % 3]) for number in range(9))


def test_what_one_neighbour_says_with_more_hops_takes_no_room_of_what_is_near() -> None:
    table = HeardTable()
    for number in range(HEARD_OFFERS_MAX):
        assert put(table, number, Way(CAT.node_id, 2))
    assert put(table, 5_000, Way(CAT.node_id, 1))


def test_of_what_gives_way_the_ended_are_first_then_those_dialled_in_vain() -> None:
    table, cat = HeardTable(), Way(CAT.node_id, 1)
    for number in range(HEARD_OFFERS_MAX):
        assert put(table, number, cat, ends_at=60 if number != 7 else 10)
    failed = table.lanes[cat].rumours
    failed[provider(8)].in_vain = 2
    failed[provider(9)].in_vain = 1
    for number, gone in enumerate((7, 8, 9), 5_000):
        assert put(table, number, cat, 20)
        assert table.find(provider(gone)) is None
    assert not put(table, 6_000, cat, 20)


def test_what_was_not_told_again_for_long_gives_way_to_what_the_same_neighbour_tells() -> None:
    table, cat = HeardTable(), Way(CAT.node_id, 1)
    for number in range(HEARD_OFFERS_MAX):
        assert put(table, number, cat, number / HEARD_OFFERS_MAX, ends_at=3_600)
    assert put(table, 0, cat, 5, ends_at=3_600)
    assert not put(table, 5_000, cat, HEARD_FRESH_S - 1, ends_at=3_600)
    assert put(table, 5_000, cat, HEARD_FRESH_S + 1, ends_at=3_600)
    assert table.find(provider(0)) is not None
    assert table.find(provider(HEARD_OFFERS_MAX - 1)) is None


@pytest.mark.slow
def test_rumours_are_bounded_as_providers_are() -> None:
    table = HeardTable()
    sources = [NodeId(bytes([number]) * 32) for number in range(1, 6)]
    for source in sources:
        for number in range(HEARD_OFFERS_MAX):
            put(table, number, Way(source, 1))
    assert sum(counts(table)) == HEARD_RUMOURS_MAX
    assert min(counts(table)) >= HEARD_RUMOURS_MAX // len(sources) - len(sources)
    assert len(list(table)) <= HEARD_OFFERS_MAX


def test_ways_are_bounded_and_empty_ones_are_forgotten_first() -> None:
    table = HeardTable()
    assert put(table, 0, Way(CAT.node_id, 1))
    # It tells of the same provider with more hops, which leaves one way empty.
    assert put(table, 0, Way(CAT.node_id, 2))
    for number in range(HEARD_WAYS_MAX - 1):
        assert put(table, 0, Way(NodeId(b"x" * 28 + number.to_bytes(4, "big")), 1))
    assert len(table.lanes) == HEARD_WAYS_MAX
    assert Way(CAT.node_id, 1) not in table.lanes
    assert not put(table, 0, Way(LIAR, 1))


def test_an_empty_way_keeps_its_turn() -> None:
    table, near, far = HeardTable(), Way(CAT.node_id, 1), Way(CAT.node_id, 2)
    put(table, 0, near)
    turn = table.lanes[near].dial_turn
    put(table, 0, far)
    put(table, 1, Way(LIAR, 1))
    put(table, 0, near)
    assert table.lanes[near].dial_turn == turn


def test_those_that_are_gone_have_one_share_together() -> None:
    table = HeardTable()
    for number in range(HEARD_OFFERS_MAX):
        source = NodeId(b"x" * 28 + number.to_bytes(4, "big"))
        assert put(table, number, Way(source, 1))
        table.forget_source(source)
    assert list(table.lanes) == [Way(None, 1)]
    assert put(table, 5_000, Way(CAT.node_id, 1))


def test_of_two_that_are_gone_the_later_word_is_kept() -> None:
    table = HeardTable()
    heard = Heard(AN_OFFER, TOLD.offer, 0)
    for sequence, source in ((6, CAT.node_id), (5, LIAR), (7, provider(9))):
        way = Way(source, 1)
        table.put(heard, Rumour(AN_OFFER.provider, way, sequence, ADDRESS, 60, 0, 0))
    for source in (CAT.node_id, LIAR):
        table.forget_source(source)
    assert heard.rumours[None].sequence == 6
    table.forget_source(provider(9))
    assert [one.sequence for one in heard.rumours.values()] == [7]
    assert counts(table) == [1]


class AgainstItself(RuleBasedStateMachine):
    """Whatever is told and whoever goes, the two ways to look at the table agree."""

    sources = st.sampled_from([NodeId(bytes([number]) * 32) for number in range(3)])

    def __init__(self) -> None:
        super().__init__()
        self.table = HeardTable()

    @rule(number=st.integers(0, 5), source=sources, hops=st.integers(0, 3))
    def tell(self, number: int, source: NodeId, hops: int) -> None:
        assert put(self.table, number, Way(source, hops))

    @rule(source=sources)
    def go(self, source: NodeId) -> None:
        self.table.forget_source(source)
        assert all(way.source != source for way in self.table.lanes)

    @precondition(lambda self: any(True for _ in self.table))
    @invariant()
    def each_rumour_is_on_its_way(self) -> None:
        said = [rumour for heard in self.table for rumour in heard.rumours.values()]
        assert all(heard.rumours for heard in self.table)
        assert len(said) == sum(counts(self.table))
        for rumour in said:
            assert self.table.lanes[rumour.way].rumours[rumour.provider] is rumour


AgainstItself.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestAgainstItself = AgainstItself.TestCase
