"""Two neighbours that compare frontiers end up knowing each other's (SPEC.md section 8.7)."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.frontier import Head, Range, Tag
from fogbank_dag_ledger.limits import CHECKED_BEFORE_CUT, FRONTIER_ENTRIES_MAX
from fogbank_dag_ledger.messages import FrontierMessage
from fogbank_dag_ledger.neighbour import Neighbour

TAGS = [Tag(bytes([number]) * 8) for number in range(4)]

steps = st.lists(
    st.tuples(
        st.sampled_from(["grow here", "grow there", "ask here", "ask there", "lost"]),
        st.sampled_from(TAGS),
    ),
    max_size=30,
)


@given(steps)
def test_after_any_exchanges_one_more_tells_everything(script: list[tuple[str, Tag]]) -> None:
    here, there = dict[Tag, Head](), dict[Tag, Head]()
    ours, theirs = Neighbour(ask_at=0), Neighbour(ask_at=0)

    def exchange(
        asker: Neighbour, asked: Neighbour, mine: dict[Tag, Head], its: dict[Tag, Head]
    ) -> None:
        asker.learn(asked.answer(asker.ask(mine), its), mine)

    for step, tag in script:
        match step:
            case "grow here":
                here[tag] = Head(here[tag].seq + 1 if tag in here else 0, b"mark")
            case "grow there":
                there[tag] = Head(there[tag].seq + 1 if tag in there else 0, b"mark")
            case "ask here":
                exchange(ours, theirs, here, there)
            case "ask there":
                exchange(theirs, ours, there, here)
            case _:
                # The question arrived, the answer did not.
                theirs.answer(ours.ask(here), there)
                ours.reset_due = True
    exchange(ours, theirs, here, there)
    missing = {wanted.tag: wanted for wanted in ours.missing_here(here, is_retry=True)}
    for tag in TAGS:
        mine, its = here.get(tag), there.get(tag)
        if its is not None and (mine is None or its.seq > mine.seq):
            first = 0 if mine is None else mine.seq + 1
            assert missing[tag] == Range(tag, first, its.seq)
        else:
            assert tag not in missing


def test_the_share_of_invalid_vertices_is_judged_in_a_window() -> None:
    side = Neighbour(ask_at=0)
    assert side.count_checked(CHECKED_BEFORE_CUT, 10)
    assert side.count_checked(CHECKED_BEFORE_CUT, 10)
    assert not side.count_checked(20, 11)


def invented(batch: int) -> dict[Tag, Head]:
    """Return as many issuers as one message can name, other ones for every ``batch``."""
    numbers = range(batch * FRONTIER_ENTRIES_MAX, (batch + 1) * FRONTIER_ENTRIES_MAX)
    return {Tag(number.to_bytes(8, "big")): Head(0, b"mark") for number in numbers}


def test_who_invents_issuers_fills_no_memory() -> None:
    side = Neighbour(ask_at=0)
    tracemalloc.start()
    try:
        sizes: list[int] = []
        for batch in range(4):
            side.answer(FrontierMessage(True, invented(batch)), {})
            for wanted in side.missing_here({}, is_retry=False):
                side.count_asked(wanted.tag, None)
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[-1] < 1.5 * sizes[0]


def test_what_found_no_room_is_told_again_once_the_rest_is_here() -> None:
    side, there = Neighbour(ask_at=0), invented(0)
    side.room = 1_000
    here = dict[Tag, Head]()
    reset = True
    for _ in range(4):
        question = side.ask(here)
        assert question.reset == reset
        side.learn(FrontierMessage(question.reset, there), here)
        wanted = side.missing_here(here, is_retry=True)
        assert len(wanted) == 1_000
        # While it holds what was not brought yet it is not asked to repeat itself.
        assert not side.ask(here).reset
        here |= {one.tag: there[one.tag] for one in wanted}
        assert not side.missing_here(here, is_retry=True)
    assert len(here) == 4_000


def test_issuers_known_on_both_sides_leave_room_for_those_that_are_not() -> None:
    side, known = Neighbour(ask_at=0), invented(0)
    side.answer(FrontierMessage(True, known), known)
    side.learn(FrontierMessage(False, {TAGS[3]: Head(2, b"mark")}), known)
    assert side.missing_here(known, is_retry=True) == [Range(TAGS[3], 0, 2)]


def test_a_fork_that_was_asked_for_in_vain_is_asked_for_anew_after_a_reset() -> None:
    side, here = Neighbour(ask_at=0), {TAGS[0]: Head(3, b"mine")}
    question = FrontierMessage(True, {TAGS[0]: Head(3, b"its.")})
    for _ in range(2):
        side.answer(question, here)
        assert side.missing_here(here, is_retry=True) == [Range(TAGS[0], 0, 3)]
        side.count_asked(TAGS[0], here[TAGS[0]])
        assert side.missing_here(here, is_retry=True) == []
