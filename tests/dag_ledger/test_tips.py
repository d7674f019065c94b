"""Which tips are named (SPEC.md section 8.6)."""

from itertools import count

from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.tips import draw_tips, oldest_tips

from .community import Community, ids


def ledger_with_tips(community: Community) -> Ledger:
    ledger = Ledger(community.genesis)
    for person in range(len(community.names)):
        ledger.insert(community.vertex(person))
    return ledger


def test_an_ordinary_vertex_names_the_oldest_tip_and_one_drawn() -> None:
    community = Community(seats=1, others=4)
    ledger = ledger_with_tips(community)
    first = [community.vertex(person).id for person in range(5)]
    draws = count()

    drawn = [draw_tips(ledger.dag, ledger.chain(community.names[0]), draws) for _ in range(3)]

    assert drawn == [sorted([first[1], first[other]]) for other in (2, 3, 4)]


def test_without_tips_none_are_named() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    assert draw_tips(ledger.dag, None, count()) == []
    ledger.insert(community.vertex(4))
    assert draw_tips(ledger.dag, ledger.chain(community.names[4]), count()) == []
    assert draw_tips(ledger.dag, None, count()) == [community.vertex(4).id]


def test_a_validator_names_the_oldest_of_others() -> None:
    community = Community(seats=1, others=4)
    ledger = ledger_with_tips(community)
    chain = ledger.chain(community.names[0])
    assert chain is not None
    first = ids(community.vertex(person) for person in range(5))
    assert oldest_tips(ledger.dag, chain, 3) == sorted(first[1:4])
