"""Reading back what the disk holds (SPEC.md section 8.8)."""

from pathlib import Path

from fogbank_dag_ledger.frontier import Range, Tag
from fogbank_dag_ledger.service.recovery import replay_store
from fogbank_dag_ledger.service.store import VertexStore
from fogbank_dag_ledger.vertex import Vertex, tag_in
from fogbank_dag_ledger.vertex_codec import encode_vertex

from ..community import Community

COMMUNITY = Community(seats=4, others=2)


async def test_a_vertex_whose_bytes_changed_is_left_out_and_counted(tmp_path: Path) -> None:
    chain = [COMMUNITY.vertex(4)]
    for _ in range(3):
        chain.append(COMMUNITY.vertex(4, chain[-1]))
    store = VertexStore(tmp_path / "vertices.sqlite", COMMUNITY.network)
    wires = [encode_vertex(vertex) for vertex in chain]
    changed = encode_vertex(COMMUNITY.vertex(4, chain[1], note=7))
    rows = [*zip([vertex.id for vertex in chain[:2]], wires[:2], strict=True)]
    store.append([*rows, (chain[2].id, changed), (chain[3].id, b"garbage")])
    taken: list[Vertex] = []
    assert await replay_store(store, COMMUNITY.network, taken.extend) == 2
    assert taken == chain[:2]
    store.close()


async def test_a_byte_that_changed_on_the_disk_is_found_wherever_it_is(tmp_path: Path) -> None:
    vertex = COMMUNITY.vertex(4)
    wire = encode_vertex(vertex)
    path = tmp_path / "vertices.sqlite"
    everything = Range(Tag(tag_in(vertex.id)), 0, 9)
    # One in the body, and one in the signature, which no hash covers.
    for place in (len(wire) // 2, len(wire) - 5):
        store = VertexStore(path, COMMUNITY.network)
        store.append([(vertex.id, wire)])
        assert store.find([vertex.id]) == {vertex.id: wire}
        store.close()
        content = bytearray(path.read_bytes())
        content[content.index(wire) + place] ^= 1
        path.write_bytes(content)
        store = VertexStore(path, COMMUNITY.network)
        taken: list[Vertex] = []
        assert await replay_store(store, COMMUNITY.network, taken.extend) == 1
        assert not taken
        # Nor is it told to others.
        assert store.find([vertex.id]) == {}
        assert [one for page in store.pages([everything]) for one in page] == []
        store.close()
