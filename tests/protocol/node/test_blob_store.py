"""The folder of blobs: bounds, damage, interruptions, full disks (SPEC.md section 6.1)."""

import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
from tests.full_disk import full_disk

from fogbank_protocol.blobs.naming import BlobId, blob_id, chunks, describe
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.limits import BLOB_BYTES_MAX, CHUNK_BYTES
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull

DATA = bytes(range(256)) * 1024
MISSING = BlobId(bytes(32))


async def append_all(store: BlobStore, data: bytes) -> None:
    for piece in chunks(data):
        await store.append_to_part(blob_id(data), piece)


async def read_all_chunks(store: BlobStore, blob_id: BlobId) -> None:
    async for _ in store.read_chunks(blob_id, 0, 4):
        pass


ASKS: dict[str, Callable[[BlobStore, BlobId], Awaitable[object]]] = {
    "read": BlobStore.read,
    "describe": BlobStore.describe,
    "chunk": read_all_chunks,
}


async def test_what_is_put_can_be_read_described_and_read_in_chunks(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    for data in (b"", b"x", DATA, DATA + b"x"):
        kept = await store.put(data)
        assert kept == blob_id(data)
        assert store.has(kept)
        assert store.size(kept) == len(data)
        assert await store.read(kept) == data
        description = await store.describe(kept)
        assert description == describe(data)
        read = [c async for c in store.read_chunks(kept, 0, len(description.hashes))]
        assert read == list(chunks(data))


async def test_a_store_finds_its_blobs_again(tmp_path: Path) -> None:
    kept = await BlobStore(tmp_path).put(DATA)
    (tmp_path / "notes.txt").write_text("not ours")
    store = BlobStore(tmp_path)
    assert await store.read(kept) == DATA
    assert store.used_bytes == len(DATA)


async def test_putting_the_same_twice_keeps_it_once(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    await store.put(DATA)
    await store.put(DATA)
    assert store.used_bytes == len(DATA)


async def test_many_small_ones_are_put_and_read_together(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    await store.put(b"here already")
    blobs = [b"here already", b"", b"one", b"two", b"one", bytes(CHUNK_BYTES)]
    await store.put_small(blobs)
    assert store.used_bytes == sum(map(len, set(blobs)))
    named = [blob_id(data) for data in blobs]
    assert await store.read_small([*named, MISSING]) == [*blobs, None]
    assert [await BlobStore(tmp_path).read(each) for each in named] == blobs

    for each in named[:-1]:
        description = await store.describe(each)
        assert description == describe(blobs[named.index(each)])
        read = [c async for c in store.read_chunks(each, 0, len(description.hashes))]
        assert b"".join(read) == blobs[named.index(each)]
    store.close()


async def test_small_ones_that_went_bad_are_missing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    blobs = [b"", b"one", b"two", b"one", bytes(CHUNK_BYTES)]
    await store.put_small(blobs)
    named = [blob_id(data) for data in blobs]
    store.close()
    spoilt = (tmp_path / "small.sqlite").read_bytes().replace(b"one", b"eno")
    (tmp_path / "small.sqlite").write_bytes(spoilt)
    (tmp_path / blob_id(bytes(CHUNK_BYTES)).hex()).write_bytes(b"short")
    assert await store.read_small(named) == [b"", None, b"two", None, None]
    assert not store.has(blob_id(b"one"))
    with pytest.raises(BlobMissing):
        await store.describe(blob_id(b"one"))
    assert store.used_bytes == len(b"two")
    store.close()


async def test_small_ones_make_room_and_come_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, capacity_bytes=10)
    await store.put_small([b"1234", b"5678"])
    await store.put_small([b"abcd"])
    assert not store.has(blob_id(b"1234"))
    assert store.has(blob_id(b"5678"))
    await store.put_small([b"1234"])
    assert not store.has(blob_id(b"5678"))
    assert await store.read_small([blob_id(b"1234"), blob_id(b"abcd")]) == [b"1234", b"abcd"]
    store.close()
    again = BlobStore(tmp_path, capacity_bytes=10)
    assert await again.read_small([blob_id(b"1234"), blob_id(b"abcd")]) == [b"1234", b"abcd"]
    again.close()


async def test_small_ones_for_which_there_is_no_room_are_not_kept(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, capacity_bytes=10)
    with store.pinned(await store.put(b"pinned")):
        with pytest.raises(StoreFull):
            await store.put_small([b"two", b"three"])
        assert store.used_bytes == len(b"pinned")
        assert [path.name for path in tmp_path.iterdir()] == [blob_id(b"pinned").hex()]
        await store.put_small([b"four"])
        assert store.used_bytes == 10
    store.close()


async def test_a_file_can_be_put(tmp_path: Path) -> None:
    source = tmp_path / "input.bin"
    source.write_bytes(DATA)
    store = BlobStore(tmp_path / "blobs")
    assert await store.read(await store.put_file(source)) == DATA


async def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    for ask in (store.read, store.describe):
        with pytest.raises(BlobMissing):
            await ask(MISSING)
    with pytest.raises(BlobMissing):
        store.size(MISSING)


async def test_a_file_that_went_bad_is_removed_whoever_notices(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, damage in enumerate((DATA[:-1], DATA + b"x", b"", b"X" + DATA[1:])):
        for ask in ("read", "describe", "chunk"):
            store = BlobStore(tmp_path / f"{number}-{ask}")
            kept = await store.put(DATA)
            if ask == "chunk":
                await store.describe(kept)
            path = tmp_path / f"{number}-{ask}" / kept.hex()
            path.write_bytes(damage)
            if ask == "chunk" and damage == DATA + b"x":
                continue  # No chunk of the blob is touched by a byte behind its end.
            with pytest.raises(BlobMissing):
                await ASKS[ask](store, kept)
            assert not store.has(kept)
            assert not path.exists()
    assert "went bad" in caplog.text


async def test_a_blob_whose_file_was_deleted_by_hand_is_missing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    kept = await store.put(DATA)
    (tmp_path / kept.hex()).unlink()
    with pytest.raises(BlobMissing):
        await store.read(kept)
    assert not store.has(kept)


async def test_a_blob_that_cannot_be_read_is_missing_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = BlobStore(tmp_path)
    kept = await store.put(DATA)
    # A folder in the file's place fails as a bad sector does: with an OSError of its own.
    (tmp_path / kept.hex()).unlink()
    (tmp_path / kept.hex()).mkdir()
    for ask in ASKS.values():
        with pytest.raises(BlobMissing):
            await ask(store, kept)
    assert "cannot be read" in caplog.text


@pytest.mark.slow
async def test_a_file_that_grew_beyond_any_blob_went_bad(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    kept = await store.put(DATA)
    os.truncate(tmp_path / kept.hex(), BLOB_BYTES_MAX + 1)
    with pytest.raises(BlobMissing):
        await store.describe(kept)
    assert not store.has(kept)


async def test_the_longest_unused_blob_makes_room(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, capacity_bytes=250)
    one, two = await store.put(b"1" * 100), await store.put(b"2" * 100)
    await store.read(one)
    three = await store.put(b"3" * 100)
    assert [store.has(kept) for kept in (one, two, three)] == [True, False, True]
    assert {path.name for path in tmp_path.iterdir()} == {one.hex(), three.hex()}


async def test_a_pinned_blob_stays_until_as_many_unpins(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, capacity_bytes=250)
    one, two = await store.put(b"1" * 100), await store.put(b"2" * 100)
    store.pin(one)
    with store.pinned(one), store.pinned(two), pytest.raises(StoreFull, match="in use"):
        await store.put(b"3" * 100)
    await store.put(b"3" * 100)
    assert store.has(one)
    assert not store.has(two)
    store.unpin(one)
    await store.put(b"4" * 100)
    assert not store.has(one)


async def test_a_blob_that_never_fits_removes_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, capacity_bytes=250)
    one = await store.put(b"1" * 100)
    with pytest.raises(StoreFull):
        await store.put(b"2" * 251)
    assert store.has(one)


async def test_puts_at_the_same_time_keep_the_bound(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, capacity_bytes=1000)
    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(store.put, bytes([number]) * 100)
    assert store.used_bytes == 1000
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 1000


async def test_too_large_a_blob_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RemoteProtocolError):
        await BlobStore(tmp_path).put(bytes(BLOB_BYTES_MAX + 1))


async def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "7.writing").write_bytes(b"half")
    assert BlobStore(tmp_path).used_bytes == 0
    assert list(tmp_path.iterdir()) == []


async def test_a_part_survives_a_restart_and_only_its_right_chunks_count(tmp_path: Path) -> None:
    description, pieces = describe(DATA), list(chunks(DATA))
    store = BlobStore(tmp_path)
    async with store.exclusively(description.blob_id):
        assert await store.begin_part(description) == 0
        await store.append_to_part(description.blob_id, pieces[0])
        await store.append_to_part(description.blob_id, pieces[1][:-1] + b"!")
    store = BlobStore(tmp_path)
    assert not store.has(description.blob_id)
    assert store.used_bytes == 2 * CHUNK_BYTES
    async with store.exclusively(description.blob_id):
        assert await store.begin_part(description) == 1
        for piece in pieces[1:]:
            await store.append_to_part(description.blob_id, piece)
        await store.finish_part(description.blob_id)
    assert await store.read(description.blob_id) == DATA
    assert store.used_bytes == len(DATA)
    assert [path.name for path in tmp_path.iterdir()] == [description.blob_id.hex()]


async def test_a_part_that_finds_no_room_to_grow_still_counts(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    await store.begin_part(describe(DATA))
    await store.append_to_part(blob_id(DATA), DATA[:CHUNK_BYTES])
    store = BlobStore(tmp_path, capacity_bytes=len(DATA) - 1)
    held = store.used_bytes
    async with store.exclusively(blob_id(DATA)):
        with pytest.raises(StoreFull):
            await store.begin_part(describe(DATA))
    assert store.used_bytes == held > 0


async def test_a_part_that_nobody_fetches_makes_room_first(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, capacity_bytes=len(DATA) + 100)
    one = await store.put(b"1" * 100)
    await store.begin_part(describe(DATA))
    await store.put(b"2" * 100)
    assert store.has(one)
    assert store.used_bytes == 200
    assert not list(tmp_path.glob("*.part"))


async def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    one = await store.put(b"1")
    with full_disk(CHUNK_BYTES), pytest.raises(OSError, match="File too large"):
        await store.put(DATA)
    with full_disk(2), pytest.raises(OSError, match="File too large"):
        await store.put_small([bytes(CHUNK_BYTES), bytes(CHUNK_BYTES - 1)])
    assert [path.name for path in tmp_path.iterdir()] == [one.hex()]
    with full_disk(CHUNK_BYTES), pytest.raises(StoreFull, match="check the disk"):
        await store.put_small([bytes(CHUNK_BYTES), *(b"%4000d" % n for n in range(100))])
    assert {path.stem for path in tmp_path.iterdir()} == {one.hex(), "small"}
    assert store.used_bytes == 1
    store.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
async def test_a_full_disk_is_told_by_name_and_nothing_older_is_lost(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = await trio.run_process(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], check=False, capture_stderr=True
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let tests mount")
    try:
        store = BlobStore(disk)
        kept = await store.put(DATA)
        with pytest.raises(StoreFull, match="make room on it"):
            await store.put(DATA + DATA)
        description = describe(DATA + DATA)
        await store.begin_part(description)
        with pytest.raises(StoreFull):
            await append_all(store, DATA + DATA)
        assert await store.read(kept) == DATA
    finally:
        await trio.run_process(["umount", disk])


async def test_a_blob_has_its_name_on_disk_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, sync = tmp_path / "new" / "blobs", os.fsync
    on_disk: set[str] = set()

    def note_names(descriptor: int) -> None:
        sync(descriptor)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            on_disk.update(os.listdir(descriptor))

    monkeypatch.setattr(os, "fsync", note_names)
    store = BlobStore(folder)
    assert "blobs" in on_disk
    one = await store.put(b"one")
    assert one.hex() in on_disk
    several = await store.put_small([bytes([number]) * 5_000 for number in range(3)])
    assert {named.hex() for named in several} <= on_disk
    (tmp_path / "file").write_bytes(b"a file")
    assert (await store.put_file(tmp_path / "file")).hex() in on_disk
    await store.begin_part(describe(b"fetched"))
    await append_all(store, b"fetched")
    await store.finish_part(blob_id(b"fetched"))
    assert blob_id(b"fetched").hex() in on_disk
