"""Whether a vertex can still become final (SPEC.md sections 8.4 and 8.5)."""

from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.vertex import Vertex

from .community import Community

COMMUNITY = Community(seats=4, others=3)
LEFT = COMMUNITY.vertex(4, pays={0: 1})
RIGHT = COMMUNITY.vertex(4, pays={1: 1})


def ledger_of(*vertices: Vertex) -> Ledger:
    ledger = Ledger(COMMUNITY.genesis)
    for vertex in vertices:
        ledger.insert(vertex)
    return ledger


def votes(left: int, right: int) -> list[Vertex]:
    """Return the votes of the first ``left`` seats for LEFT, of the next for RIGHT."""
    return [
        COMMUNITY.vertex(seat, parents=[LEFT if seat < left else RIGHT])
        for seat in range(left + right)
    ]


def test_without_a_rival_and_before_it_is_held_it_can() -> None:
    assert ledger_of(LEFT).can_be_final(LEFT.id)
    assert ledger_of().can_be_final(LEFT.id)


def test_with_a_rival_it_can_as_long_as_enough_seats_have_not_voted() -> None:
    ledger = ledger_of(LEFT, RIGHT, *votes(1, 1))
    assert ledger.can_be_final(LEFT.id)
    assert ledger.can_be_final(RIGHT.id)


def test_with_votes_that_are_split_neither_can_nor_what_stands_on_them() -> None:
    above = COMMUNITY.vertex(4, LEFT, pays={0: 1})
    ledger = ledger_of(LEFT, RIGHT, above, *votes(2, 2))
    for vertex in (LEFT, RIGHT, above):
        assert not ledger.can_be_final(vertex.id)


def test_when_one_has_won_the_other_cannot() -> None:
    ledger = ledger_of(LEFT, RIGHT, *votes(3, 0))
    assert ledger.can_be_final(LEFT.id)
    assert not ledger.can_be_final(RIGHT.id)


def test_what_stands_below_a_fork_can() -> None:
    one = COMMUNITY.vertex(4, LEFT, pays={0: 1})
    other = COMMUNITY.vertex(4, LEFT, pays={1: 1})
    split = [COMMUNITY.vertex(seat, parents=[(one, other)[seat % 2]]) for seat in range(4)]
    ledger = ledger_of(LEFT, one, other, *split)
    assert ledger.can_be_final(LEFT.id)
    assert not ledger.can_be_final(one.id)
