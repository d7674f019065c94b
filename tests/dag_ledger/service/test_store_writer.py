"""Writing in batches, and waiting out a full disk (SPEC.md section 8.8)."""

from pathlib import Path

import pytest
import trio
from tests.full_disk import full_disk

from fogbank_dag_ledger.limits import STORE_WAITING_BYTES_MAX, VERTEX_BYTES_MAX
from fogbank_dag_ledger.service.store import VertexStore
from fogbank_dag_ledger.service.store_writer import StoreWriter

from .services import PATIENCE_S, wait_until
from .test_store import NETWORK, place, wire


async def test_what_waits_is_found_and_a_flush_writes_it(tmp_path: Path) -> None:
    store = VertexStore(tmp_path / "vertices.sqlite", NETWORK)
    writer = StoreWriter(store)
    ids = [place(1, seq) for seq in range(3)]
    async with trio.open_nursery() as nursery:
        writer.put((vertex_id, wire(vertex_id)) for vertex_id in ids)
        assert await writer.find([ids[2]]) == [wire(ids[2])]
        assert not store.find(ids)
        nursery.start_soon(writer.run)
        await writer.flush()
        assert len(store.find(ids)) == 3
        writer.put([(place(1, 3), wire(place(1, 3)))])
        ids.append(place(1, 3))
        # What is written and what waits: the order of the ids all the same.
        assert await writer.find(ids) == [wire(vertex_id) for vertex_id in ids]
        nursery.cancel_scope.cancel()
    assert len(store.find([place(1, 3)])) == 1
    store.close()


@pytest.mark.slow
async def test_a_full_disk_is_waited_out_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fogbank_dag_ledger.service.store_writer.DISK_RETRY_S", 0.05)
    path = tmp_path / "vertices.sqlite"
    store = VertexStore(path, NETWORK)
    writer = StoreWriter(store)
    ids = [place(1, seq) for seq in range(500)]
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            with full_disk(path.stat().st_size + 100):
                writer.put((vertex_id, bytes(1000)) for vertex_id in ids)
                await wait_until(lambda: writer.failure is not None)
                assert str(path) in str(writer.failure)
                assert len(await writer.find(ids[:5])) == 5
            await wait_until(lambda: writer.failure is None)
            await writer.flush()
            assert len(store.find(ids)) == 500
            nursery.cancel_scope.cancel()
    store.close()


@pytest.mark.slow
async def test_what_waits_is_bounded_in_bytes_and_all_that_was_accepted_is_written(
    tmp_path: Path,
) -> None:
    store = VertexStore(tmp_path / "vertices.sqlite", NETWORK)
    writer = StoreWriter(store)
    largest = bytes(VERTEX_BYTES_MAX)
    ids = [place(1, seq) for seq in range(-(-STORE_WAITING_BYTES_MAX // VERTEX_BYTES_MAX))]
    writer.put((vertex_id, largest) for vertex_id in ids[:-1])
    # Twice is once.
    writer.put([(ids[0], largest)])
    assert writer.has_room
    writer.put([(ids[-1], largest)])
    assert not writer.has_room
    # What an insertion released is accepted, room or not.
    writer.put([(place(2, 0), largest)])
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            await writer.wait_for_room()
            await writer.flush()
            nursery.cancel_scope.cancel()
    assert writer.has_room
    assert len(store.find([*ids, place(2, 0)])) == len(ids) + 1
    store.close()
