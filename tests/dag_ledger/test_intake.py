"""The intake: whatever the order of arrival, the same ledger (SPEC.md sections 8.3 and 8.7)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_dag_ledger.intake import Intake
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.vertex import Vertex
from fogbank_protocol.identity import NodeId

from .community import Community

COMMUNITY = Community(seats=4, others=2)
PEER = NodeId(b"p" * 32)


def small_dag() -> list[Vertex]:
    """Return a few vertices that stand on each other, in an order in which they are solid."""
    first = COMMUNITY.vertex(4, pays={0: 5})
    second = COMMUNITY.vertex(4, first, pays={1: 5})
    votes = [COMMUNITY.vertex(number, parents=[second]) for number in range(4)]
    third = COMMUNITY.vertex(4, second, votes[:2], pays={2: 5})
    more = [COMMUNITY.vertex(number, votes[number], [third]) for number in range(4)]
    return [first, second, *votes, third, *more]


DAG = small_dag()


@settings(max_examples=50)
@given(st.permutations(DAG))
def test_any_order_of_arrival_gives_the_same_ledger(order: list[Vertex]) -> None:
    intake = Intake(ledger := Ledger(COMMUNITY.genesis))
    accepted: list[Vertex] = []
    for vertex in order:
        outcome = intake.take([(vertex, PEER)])
        accepted += [taken for taken, _ in outcome.accepted]
        assert all(edge not in ledger for edge in outcome.missing)
        assert not outcome.invalid
    assert {vertex.id for vertex in accepted} == {vertex.id for vertex in DAG}
    assert intake.parked == 0
    held: set[bytes] = set()
    for vertex in accepted:
        assert held.issuperset(vertex.edges)
        held.add(vertex.id)


def test_missing_edges_are_asked_from_who_sent_the_vertex() -> None:
    intake = Intake(Ledger(COMMUNITY.genesis))
    outcome = intake.take([(DAG[1], PEER)])
    assert outcome.accepted == []
    assert outcome.missing == {DAG[0].id: PEER}
    assert intake.holds(DAG[1].id)
    outcome = intake.take([(DAG[0], None)])
    assert outcome.accepted == [(DAG[0], None), (DAG[1], PEER)]


def test_edges_that_came_with_the_same_message_are_not_missing() -> None:
    intake = Intake(Ledger(COMMUNITY.genesis))
    outcome = intake.take([(DAG[1], PEER), (DAG[0], PEER)])
    assert outcome.missing == {}
    assert len(outcome.accepted) == 2


def test_an_invalid_vertex_is_blamed_on_its_sender_and_takes_its_children_along() -> None:
    intake = Intake(Ledger(COMMUNITY.genesis))
    greedy = COMMUNITY.vertex(4, pays={0: 5_000})
    child = COMMUNITY.vertex(4, greedy)
    assert intake.take([(child, NodeId(b"q" * 32))]).missing
    outcome = intake.take([(greedy, PEER)])
    assert outcome.accepted == []
    assert outcome.invalid == {PEER: 1}
    assert outcome.broken_rule == "8.3.17"
    assert intake.parked == 0


def test_of_contenders_that_nobody_asked_for_two_are_taken_even_of_one_message() -> None:
    community = Community(seats=4, others=2)
    contenders = [community.vertex(4, note=note) for note in range(5)]
    pushed = {vertex.id for vertex in contenders}
    ledger = Ledger(community.genesis)
    intake = Intake(ledger)
    intake.take([(vertex, None) for vertex in contenders], pushed)
    assert len(ledger) == 2
    intake.take([(vertex, None) for vertex in contenders])
    assert len(ledger) == 5


def test_of_contenders_that_waited_for_one_edge_two_are_taken() -> None:
    community = Community(seats=4, others=2)
    edge = community.vertex(0)
    contenders = [community.vertex(4, parents=[edge], note=note) for note in range(5)]
    ledger = Ledger(community.genesis)
    intake = Intake(ledger)
    intake.take([(vertex, None) for vertex in contenders], {vertex.id for vertex in contenders})
    assert intake.parked == 5
    intake.take([(edge, None)])
    assert len(ledger) == 3
    assert intake.parked == 0
