"""The container and its tips (SPEC.md section 8.6)."""

import networkx as nx

from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.record import Record

from .community import Community, ids


def test_the_graph_has_one_node_a_vertex_and_one_edge_a_reference() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    payment = community.vertex(4, pays={5: 10})
    vote = community.vertex(0, parents=[payment])
    claim = community.vertex(5, parents=[vote], claims=[(payment, 10)])
    for vertex in (payment, vote, claim):
        ledger.insert(vertex)
    graph = ledger.dag.graph

    assert isinstance(graph, nx.DiGraph)
    assert {record.id for record in graph} == set(ids([payment, vote, claim]))
    assert {(one.id, other.id) for one, other in graph.edges} == {
        (vote.id, payment.id),
        (claim.id, vote.id),
        (claim.id, payment.id),
    }
    # Filled by hand, it is what the methods of networkx would have made of it.
    same: nx.DiGraph[Record] = nx.DiGraph()
    for record in graph:
        same.add_node(record)
        same.add_edges_from((record, edge) for edge in record.edges)
    assert nx.utils.graphs_equal(graph, same)
    assert dict(graph.pred) == dict(same.pred)
    assert graph.number_of_edges() == 3


def test_tips_are_what_nothing_stands_on_oldest_first() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    first = [community.vertex(person) for person in (4, 5, 6)]
    for vertex in first:
        ledger.insert(vertex)
    assert list(ledger.tips()) == ids(first)

    ledger.insert(top := community.vertex(0, parents=[first[1]]))
    assert list(ledger.tips()) == ids([first[0], first[2], top])


def test_a_forker_hides_no_tip() -> None:
    """Standing on an honest vertex and forking later leaves that vertex to be named again."""
    community = Community()
    ledger = Ledger(community.genesis)
    honest = community.vertex(5, pays={6: 1})
    cover = community.vertex(4, parents=[honest])
    ledger.insert(honest)
    ledger.insert(cover)
    assert list(ledger.tips()) == [cover.id]

    rival = community.vertex(4, parents=[honest], note=1)
    ledger.insert(rival)
    assert list(ledger.tips()) == [honest.id]
    ledger.insert(community.vertex(4, cover, [honest]))
    assert list(ledger.tips()) == [honest.id]
    top = community.vertex(0, parents=[honest])
    ledger.insert(top)
    assert list(ledger.tips()) == [top.id]


def test_what_stands_on_a_forker_is_a_tip_like_any_other() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    sides = [community.vertex(4, note=note) for note in (1, 2)]
    top = community.vertex(0, parents=sides)
    for vertex in (*sides, top):
        ledger.insert(vertex)
    assert list(ledger.tips()) == [top.id]
