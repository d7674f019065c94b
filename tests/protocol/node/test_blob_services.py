"""How a store's blobs are read by peers that ask for too much (SPEC.md section 6.2)."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import trio
from trio.testing import wait_all_tasks_blocked

from fogbank_protocol.blobs.messages import READ, ReadRequest, encode_read_request
from fogbank_protocol.blobs.naming import describe
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import CHUNK_BYTES, STORE_ANSWERS_PER_PEER_MAX
from fogbank_protocol.node.blob_services import blob_services
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.services import StreamService

from .network import ANN, BEN

DATA = bytes(3 * CHUNK_BYTES)
BODY = encode_read_request(ReadRequest(describe(DATA).blob_id, 0, 3))


def reader(store: BlobStore) -> StreamService:
    [service] = [one for one in blob_services(store) if isinstance(one, StreamService)]
    assert service.method == READ
    return service


def read(service: StreamService, peer: NodeId) -> AsyncGenerator[bytes]:
    return cast("AsyncGenerator[bytes]", service.handler(peer, BODY))


async def test_a_peer_that_reads_much_and_slowly_waits_and_others_do_not(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    await store.put(DATA)
    service = reader(store)
    begun = [read(service, ANN.node_id) for _ in range(STORE_ANSWERS_PER_PEER_MAX)]
    for stream in begun:
        await anext(stream)
    further, came = read(service, ANN.node_id), trio.Event()

    async def begin_further() -> None:
        await anext(further)
        came.set()

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(begin_further)
            other = read(service, BEN.node_id)
            await anext(other)
            await wait_all_tasks_blocked(0.05)
            assert not came.is_set()
            await begun[0].aclose()
            await came.wait()
    for stream in (*begun, further, other):
        await stream.aclose()


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
