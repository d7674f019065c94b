"""Two neighbours that compare frontiers end up knowing each other's (SPEC.md section 8.7)."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.frontier import Head, Range, Tag
from fogbank_dag_ledger.limits import CHECKED_BEFORE_CUT
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
        asker.learn(asked.answer(asker.ask(mine), its))

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
