"""Blobs between real nodes, some of which lie, vanish or stall (SPEC.md section 6.2)."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from fogbank_protocol.blobs.messages import (
    DESCRIBE,
    READ,
    ReadRequest,
    decode_read_request,
    encode_description,
    encode_read_request,
)
from fogbank_protocol.blobs.naming import BlobId, blob_id, chunks, describe
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import CHUNK_BYTES, STREAM_CREDIT
from fogbank_protocol.node.blob_moves import BlobMoved
from fogbank_protocol.node.blob_store import BlobStore, StoreFull
from fogbank_protocol.node.blob_transfer import FetchFailed, fetch_blob
from fogbank_protocol.node.failures import CallRefused
from fogbank_protocol.node.node import Node, RequestService, Service, StreamService

from .network import ANN, BEN, CAT, address_of, make_node, running, start, wait_connected

pytestmark = pytest.mark.slow

DATA = b"".join(bytes([number]) * CHUNK_BYTES for number in range(40)) + b"the end"


def liar(*, wrong_from: int, description: bytes | None = None) -> list[Service]:
    """Return services that give ``DATA``, but other bytes from chunk ``wrong_from`` on."""
    pieces = list(chunks(DATA))

    async def describe_it(peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        return description or encode_description(describe(DATA))

    async def read(peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        request = decode_read_request(body)
        for index in range(request.first, request.first + request.count):
            yield pieces[index] if index < wrong_from else bytes(CHUNK_BYTES)

    return [RequestService(DESCRIBE, describe_it), StreamService(READ, read)]


@asynccontextmanager
async def three(
    tmp_path: Path,
    *,
    ann_has: bytes | None = DATA,
    services_of_ben: list[Service] | None = None,
    capacity_bytes: int = 1 << 30,
) -> AsyncGenerator[tuple[Node, BlobStore]]:
    """Run Ann, who may have a blob, Ben, who has or lies, and Cat, whose node is returned."""
    stores = [BlobStore(tmp_path / name) for name in ("ann", "ben")]
    if ann_has is not None:
        await stores[0].put(ann_has)
    ann = make_node(ANN, blobs=stores[0])
    ben = (
        make_node(BEN, blobs=stores[1])
        if services_of_ben is None
        else make_node(BEN, services=services_of_ben)
    )
    async with running(ann, ben) as nursery:
        cat_store = BlobStore(tmp_path / "cat", capacity_bytes=capacity_bytes)
        cat = make_node(CAT, static_peers=[address_of(ann), address_of(ben)], blobs=cat_store)
        await start(nursery, cat)
        await wait_connected(cat, 2)
        yield cat, cat_store


async def fetch(
    cat: Node, store: BlobStore, name: BlobId, *peers: NodeId, bytes_max: int = 1 << 26
) -> list[NodeId]:
    at_fault = await fetch_blob(cat, store, name, peers, timeout_s=8, bytes_max=bytes_max)
    return list(at_fault)


async def test_a_blob_comes_whole_from_who_has_it(tmp_path: Path) -> None:
    async with three(tmp_path) as (cat, store):
        # Ben has it not, which is no fault.
        assert await fetch(cat, store, blob_id(DATA), BEN.node_id, ANN.node_id) == []
        assert await store.read(blob_id(DATA)) == DATA
        # A second time nobody is asked.
        assert await fetch(cat, store, blob_id(DATA)) == []


@pytest.mark.parametrize("data", [b"", b"x", DATA[:CHUNK_BYTES]], ids=["empty", "byte", "chunk"])
async def test_small_blobs_come_too(tmp_path: Path, data: bytes) -> None:
    async with three(tmp_path, ann_has=data) as (cat, store):
        await fetch(cat, store, blob_id(data), ANN.node_id)
        assert await store.read(blob_id(data)) == data


async def test_two_fetches_of_one_blob_share_the_work(tmp_path: Path) -> None:
    async with three(tmp_path) as (cat, store):
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(fetch, cat, store, blob_id(DATA), ANN.node_id)
        assert await store.read(blob_id(DATA)) == DATA
        assert store.used_bytes == len(DATA)


async def test_a_liar_is_named_and_the_next_peer_goes_on(tmp_path: Path) -> None:
    async with three(tmp_path, services_of_ben=liar(wrong_from=25)) as (cat, store):
        at_fault = await fetch(cat, store, blob_id(DATA), BEN.node_id, ANN.node_id)
        assert at_fault == [BEN.node_id]
        assert await store.read(blob_id(DATA)) == DATA


async def test_a_false_description_is_noticed_before_anything_is_read(tmp_path: Path) -> None:
    services = liar(wrong_from=99, description=encode_description(describe(b"other")))
    async with three(tmp_path, services_of_ben=services) as (cat, store):
        assert await fetch(cat, store, blob_id(DATA), BEN.node_id, ANN.node_id) == [BEN.node_id]


async def test_when_only_liars_are_left_the_right_chunks_stay_for_another_time(
    tmp_path: Path,
) -> None:
    async with three(tmp_path, services_of_ben=liar(wrong_from=25)) as (cat, store):
        with pytest.raises(FetchFailed, match="wrong chunk") as raised:
            await fetch(cat, store, blob_id(DATA), BEN.node_id)
        assert raised.value.at_fault == [BEN.node_id]
        assert not store.has(blob_id(DATA))
        async with store.exclusively(blob_id(DATA)):
            assert await store.begin_part(describe(DATA)) == 25
        await fetch(cat, store, blob_id(DATA), ANN.node_id)
        assert await store.read(blob_id(DATA)) == DATA


async def test_what_nobody_has_is_told(tmp_path: Path) -> None:
    async with three(tmp_path, ann_has=None) as (cat, store):
        with pytest.raises(FetchFailed, match="not_found"):
            await fetch(cat, store, blob_id(DATA), ANN.node_id, BEN.node_id)
        with pytest.raises(FetchFailed, match="nobody to ask"):
            await fetch(cat, store, blob_id(DATA))


async def test_a_blob_that_is_too_large_or_does_not_fit_is_not_fetched(tmp_path: Path) -> None:
    async with three(tmp_path, capacity_bytes=1000) as (cat, store):
        with pytest.raises(StoreFull):
            await fetch(cat, store, blob_id(DATA), ANN.node_id)
        with pytest.raises(FetchFailed, match="at most 1000 are wanted"):
            await fetch(cat, store, blob_id(DATA), ANN.node_id, bytes_max=1000)


async def test_a_peer_that_stalls_costs_no_more_than_the_time_given(tmp_path: Path) -> None:
    async def stall(peer: NodeId, body: bytes) -> bytes:
        await trio.sleep_forever()
        return b""

    services: list[Service] = [RequestService(DESCRIBE, stall)]
    async with three(tmp_path, services_of_ben=services) as (cat, store):
        with pytest.raises(FetchFailed, match=r"did not arrive in 0\.1 s"):
            await fetch_blob(cat, store, blob_id(DATA), [BEN.node_id], timeout_s=0.1)


async def test_asking_for_chunks_that_are_not_there_is_a_bad_request(tmp_path: Path) -> None:
    async with three(tmp_path) as (cat, _):
        body = encode_read_request(ReadRequest(blob_id(DATA), 41, 1))
        async with cat.stream(ANN.node_id, READ, body, timeout_s=5) as items:
            with pytest.raises(CallRefused, match="bad_request"):
                await anext(items)


async def test_both_sides_are_told_what_moved_and_how_long_it_took(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "ann")
    await store.put(DATA)
    ann = make_node(ANN, blobs=store)
    sent: list[BlobMoved] = []
    came: list[BlobMoved] = []
    ann.blob_moves.watch(sent.append)
    async with running(ann) as nursery:
        own = BlobStore(tmp_path / "cat")
        cat = make_node(CAT, static_peers=[address_of(ann)], blobs=own)
        cat.blob_moves.watch(came.append)
        await start(nursery, cat)
        await wait_connected(cat, 1)
        await fetch(cat, own, blob_id(DATA), ANN.node_id)
        with trio.fail_after(5):
            while not sent:  # noqa: ASYNC110 - nobody announces it
                await trio.sleep(0.01)
    [one], [other] = came, sent
    assert (one.peer, one.blob_id, one.is_sent) == (ANN.node_id, blob_id(DATA), False)
    assert (one.size, one.has_whole) == (len(DATA), True)
    assert (other.peer, other.blob_id, other.is_sent) == (CAT.node_id, blob_id(DATA), True)
    # Of the last ones the reader had not said that they came.
    assert other.size == (len(list(chunks(DATA))) - STREAM_CREDIT) * CHUNK_BYTES
    assert other.has_whole
    assert one.seconds > 0
    assert other.seconds > 0
