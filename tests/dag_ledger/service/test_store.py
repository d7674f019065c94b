"""The store of vertices, on real SQLite files (SPEC.md section 8.8)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fogbank_dag_ledger.frontier import Range, Tag
from fogbank_dag_ledger.limits import PAGE_VERTICES_MAX
from fogbank_dag_ledger.service.failures import StoreUnusable
from fogbank_dag_ledger.service.store import KeptCheckpoint, VertexStore
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NetworkId

NETWORK = NetworkId(b"networks")


def place(tag: int, seq: int, branch: int = 0) -> VertexId:
    digest = bytes([branch]) * 20
    return VertexId(bytes([tag]) * 8 + seq.to_bytes(4, "big") + digest)


def wire(vertex_id: VertexId) -> bytes:
    return b"wire of " + vertex_id


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VertexStore]:
    opened = VertexStore(tmp_path / "vertices.sqlite", NETWORK)
    yield opened
    opened.close()


def test_vertices_come_back_in_the_order_in_which_they_were_kept(tmp_path: Path) -> None:
    ids = [place(number % 7, 600 - number // 7) for number in range(PAGE_VERTICES_MAX * 2 + 3)]
    path = tmp_path / "vertices.sqlite"
    store = VertexStore(path, NETWORK)
    store.append((vertex_id, wire(vertex_id)) for vertex_id in ids)
    store.append([(ids[5], wire(ids[5]))])
    store.close()
    again = VertexStore(path, NETWORK)
    pages = list(again.replay())
    assert [vertex_id for page in pages for vertex_id, _ in page] == ids
    assert all(kept == wire(vertex_id) for page in pages for vertex_id, kept in page)
    assert max(map(len, pages)) == PAGE_VERTICES_MAX
    again.close()


def test_vertices_are_found_by_id(store: VertexStore) -> None:
    ids = [place(1, 1, branch) for branch in range(3)]
    store.append((vertex_id, wire(vertex_id)) for vertex_id in ids[:2])
    assert store.find(ids) == {ids[0]: wire(ids[0]), ids[1]: wire(ids[1])}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_ranges_hold_exactly_what_was_asked_for_oldest_first(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lengths = data.draw(st.lists(st.integers(1, 150), min_size=1, max_size=4))
    order = data.draw(
        st.permutations([tag for tag, length in enumerate(lengths) for _ in range(length)])
    )
    counts = dict.fromkeys(range(len(lengths)), 0)
    ids: list[VertexId] = []
    for tag in order:
        ids.append(place(tag, counts[tag]))
        counts[tag] += 1
    store = VertexStore(tmp_path_factory.mktemp("store") / "vertices.sqlite", NETWORK)
    store.append((vertex_id, wire(vertex_id)) for vertex_id in ids)
    ranges = [
        Range(Tag(bytes([tag]) * 8), *sorted(data.draw(st.tuples(*[st.integers(0, 160)] * 2))))
        for tag in range(len(lengths))
    ]
    found = [kept for page in store.pages(ranges) for kept in page]
    wanted = {one.tag: range(one.first, one.last + 1) for one in ranges}
    assert found == [
        wire(vertex_id)
        for vertex_id in ids
        if int.from_bytes(vertex_id[8:12], "big") in wanted[Tag(vertex_id[:8])]
    ]
    store.close()


def test_both_branches_of_a_fork_are_in_a_range(store: VertexStore) -> None:
    ids = [place(1, 0), place(1, 1), place(1, 2), place(1, 1, branch=9), place(1, 2, branch=9)]
    store.append((vertex_id, wire(vertex_id)) for vertex_id in ids)
    (page,) = store.pages([Range(Tag(bytes([1]) * 8), 1, 2)])
    assert set(page) == {wire(vertex_id) for vertex_id in ids[1:]}


@pytest.mark.parametrize("late", [1, 5])
def test_contenders_that_came_late_hold_nothing_up(store: VertexStore, late: int) -> None:
    # Two chains that grew together, and forks of the first that came when both were long.
    ids = [place(tag, seq) for seq in range(150) for tag in (1, 2)]
    ids += [place(1, seq, branch) for seq in (0, 62, 63, 64, 100) for branch in range(1, late + 1)]
    ids += [place(tag, seq) for seq in range(150, 160) for tag in (1, 2)]
    store.append((vertex_id, wire(vertex_id)) for vertex_id in ids)
    pages = store.pages([Range(Tag(bytes([tag]) * 8), 0, 200) for tag in (1, 2)])
    assert [kept for page in pages for kept in page] == [wire(vertex_id) for vertex_id in ids]


def test_a_damaged_vertex_is_mended_in_its_place(store: VertexStore) -> None:
    ids = [place(1, seq) for seq in range(3)]
    store.append((vertex_id, b"damaged") for vertex_id in ids)
    store.append([(ids[1], wire(ids[1]))])
    ((_, mended, _),) = store.replay()
    assert mended == (ids[1], wire(ids[1]))


def test_pages_are_bounded(store: VertexStore) -> None:
    ids = [place(1, seq) for seq in range(PAGE_VERTICES_MAX + 10)]
    store.append((vertex_id, wire(vertex_id)) for vertex_id in ids)
    lengths = [len(page) for page in store.pages([Range(Tag(bytes([1]) * 8), 0, 2**32 - 1)])]
    assert lengths == [PAGE_VERTICES_MAX, 10]


def test_another_networks_file_is_refused(tmp_path: Path) -> None:
    VertexStore(tmp_path / "vertices.sqlite", NETWORK).close()
    with pytest.raises(StoreUnusable, match="another network"):
        VertexStore(tmp_path / "vertices.sqlite", NetworkId(bytes(8)))


def at(height: int) -> KeptCheckpoint:
    return KeptCheckpoint(height, b"body", b"signatures", b"names")


def test_of_an_object_at_its_end_no_record_is_left(store: VertexStore) -> None:
    store.keep_checkpoint(at(0), (0, {b"account": b"1", b"object": b"2"}))
    store.keep_checkpoint(at(1), (1, {b"account": b"3", b"object": None}))
    assert store.floor() == (1, {b"account": b"3"})


def test_beside_a_snapshot_no_names_of_before_are_kept(store: VertexStore) -> None:
    store.keep_checkpoint(at(0), (0, {}))
    store.keep_checkpoint(at(7), (7, {}), is_snapshot=True)
    assert store.checkpoints() == [at(7)]
