"""Who makes room for a blob (SPEC.md section 6.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.node.blob_room import BlobMissing, BlobRoom, Kept, StoreFull

FIRST, SECOND, THIRD, FOURTH = (BlobId(bytes([number]) * 32) for number in range(4))


def blob(blob_id: BlobId) -> Kept:
    return Kept(blob_id, is_part=False)


def part(blob_id: BlobId) -> Kept:
    return Kept(blob_id, is_part=True)


def test_the_longest_unused_goes_first() -> None:
    room = BlobRoom(30)
    for blob_id in (FIRST, SECOND, THIRD):
        room.add(blob(blob_id), 10)
    room.use(FIRST)
    assert room.in_the_way(0, fetched=()) == []
    assert room.in_the_way(1, fetched=()) == [blob(SECOND)]
    assert room.in_the_way(11, fetched=()) == [blob(SECOND), blob(THIRD)]


def test_parts_that_nobody_fetches_go_before_blobs() -> None:
    room = BlobRoom(30)
    room.add(blob(FIRST), 10)
    room.add(part(SECOND), 10)
    room.add(part(THIRD), 10)
    assert room.in_the_way(20, fetched={SECOND}) == [part(THIRD), blob(FIRST)]


def test_what_is_pinned_stays_until_as_many_unpins() -> None:
    room = BlobRoom(10)
    room.add(blob(FIRST), 10)
    room.pin(FIRST)
    room.pin(FIRST)
    room.unpin(FIRST)
    with pytest.raises(StoreFull):
        room.in_the_way(1, fetched=())
    room.unpin(FIRST)
    assert room.in_the_way(1, fetched=()) == [blob(FIRST)]


def test_what_is_reserved_counts_until_it_is_released() -> None:
    room = BlobRoom(10)
    room.reserve(6)
    with pytest.raises(StoreFull):
        room.in_the_way(5, fetched=())
    room.release(6)
    assert room.in_the_way(5, fetched=()) == []


def test_a_part_that_is_complete_is_a_blob() -> None:
    room = BlobRoom(10)
    room.add(part(FIRST), 7)
    assert not room.has(FIRST)
    assert room.part_bytes(FIRST) == 7
    with pytest.raises(BlobMissing):
        room.size(FIRST)
    room.complete(FIRST)
    assert room.size(FIRST) == room.used_bytes == 7
    assert room.part_bytes(FIRST) == 0


def test_what_is_removed_is_missing_and_may_be_removed_again() -> None:
    room = BlobRoom(10)
    room.add(blob(FIRST), 7)
    for _ in range(2):
        room.remove(blob(FIRST))
        assert room.used_bytes == 0
        with pytest.raises(BlobMissing):
            room.use(FIRST)


@given(st.lists(st.integers(0, 20), max_size=4), st.sets(st.integers(0, 3)), st.integers(0, 60))
def test_no_more_goes_than_must(sizes: list[int], pinned: set[int], wanted: int) -> None:
    room = BlobRoom(50)
    ids = (FIRST, SECOND, THIRD, FOURTH)
    for blob_id, size in zip(ids, sizes, strict=False):
        while room.used_bytes + size > 50:
            size -= 1
        room.add(blob(blob_id), size)
    for number in pinned:
        room.pin(ids[number])
    try:
        going = room.in_the_way(wanted, fetched=())
    except StoreFull:
        held = sum(room.size(ids[n]) for n in pinned if room.has(ids[n]))
        assert held + wanted > 50
        return
    assert not {kept.blob_id for kept in going} & {ids[number] for number in pinned}
    for kept in going:
        assert room.used_bytes + wanted > 50
        room.remove(kept)
    assert room.used_bytes + wanted <= 50
