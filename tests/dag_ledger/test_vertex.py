"""Names of vertices (SPEC.md section 8.2)."""

from hashlib import blake2b

from fogbank_dag_ledger.vertex import VertexId, position, seq_in, tag_in, tag_of, vertex_id
from fogbank_protocol.identity import NodeId

from .community import Community

ANN = NodeId(b"a" * 32)


def test_an_id_says_who_where_and_which() -> None:
    named = vertex_id(ANN, 258, b"the body")
    assert named[:8] == blake2b(ANN, digest_size=8).digest() == tag_of(ANN) == tag_in(named)
    assert named[8:12] == b"\0\0\1\2"
    assert seq_in(named) == 258
    assert named[12:] == blake2b(b"the body", digest_size=20).digest()
    assert named.startswith(position(tag_of(ANN), 258))


def test_ids_of_one_issuer_sort_by_position() -> None:
    named = [vertex_id(ANN, seq, b"%d" % seq) for seq in (0, 1, 255, 256, 65_536)]
    assert sorted(named) == named


def test_each_edge_is_told_once() -> None:
    community = Community()
    source = community.vertex(4, pays={5: 10})
    first = community.vertex(5)
    both = community.vertex(5, first, [source], claims=[(source, 10)])
    assert sorted(both.edges) == sorted([first.id, source.id])
    assert both.carries
    assert not first.carries
    assert community.vertex(5, first, claims=[(source, 10)]).edges == [first.id, source.id]
    assert VertexId(b"") not in first.edges
