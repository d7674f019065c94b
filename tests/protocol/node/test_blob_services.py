"""How a store's blobs are read by peers that ask for too much (SPEC.md section 6.2)."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import trio

from fogbank_protocol.blobs.messages import (
    DESCRIBE,
    READ,
    ReadRequest,
    decode_description,
    encode_describe_request,
    encode_read_request,
)
from fogbank_protocol.blobs.naming import describe
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import CHUNK_BYTES, STORE_ANSWERS_PER_PEER_MAX
from fogbank_protocol.node.blob_moves import BlobMoves
from fogbank_protocol.node.blob_services import blob_services
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.services import StreamService

from .network import ANN, session_pair

DATA = bytes(30 * CHUNK_BYTES)
BODY = encode_read_request(ReadRequest(describe(DATA).blob_id, 0, 30))


def reader(store: BlobStore) -> StreamService:
    [service] = [one for one in blob_services(store, BlobMoves()) if isinstance(one, StreamService)]
    assert service.method == READ
    return service


def read(service: StreamService, peer: NodeId) -> AsyncGenerator[bytes]:
    return cast("AsyncGenerator[bytes]", service.handler(peer, BODY))


async def test_a_peer_that_reads_much_and_slowly_waits_and_can_still_describe(
    tmp_path: Path,
) -> None:
    store = BlobStore(tmp_path)
    await store.put(DATA)
    services = blob_services(store, BlobMoves())
    with trio.fail_after(10):
        async with session_pair(services_of_ben=services) as (ann, _), AsyncExitStack() as begun:
            left = await begun.enter_async_context(AsyncExitStack())
            await anext(await left.enter_async_context(ann.stream(READ, BODY, timeout_s=9)))
            for _ in range(STORE_ANSWERS_PER_PEER_MAX - 1):
                await anext(await begun.enter_async_context(ann.stream(READ, BODY, timeout_s=9)))
            further = await begun.enter_async_context(ann.stream(READ, BODY, timeout_s=9))
            asked = encode_describe_request(describe(DATA).blob_id)
            answer = await ann.request(DESCRIBE, asked, timeout_s=9)
            assert decode_description(answer, describe(DATA).blob_id) == describe(DATA)
            with trio.move_on_after(0.05) as waited:
                await anext(further)
            assert waited.cancelled_caught
            await left.aclose()
            assert await anext(further) == DATA[:CHUNK_BYTES]


async def test_a_read_that_is_left_in_the_middle_leaves_nothing_open(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, capacity_bytes=len(DATA))
    await store.put(DATA)
    stream = read(reader(store), ANN.node_id)
    await anext(stream)
    # Its file is no longer needed, so it makes room; a generator left to the garbage collector
    # would be warned of, and warnings are errors here.
    await stream.aclose()
    await store.put(DATA[1:])
    assert not store.has(describe(DATA).blob_id)
