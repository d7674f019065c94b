"""Reading back what the disk holds (SPEC.md section 8.8)."""

from pathlib import Path

from fogbank_dag_ledger.service.recovery import replay_store
from fogbank_dag_ledger.service.store import VertexStore
from fogbank_dag_ledger.vertex import Vertex
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
