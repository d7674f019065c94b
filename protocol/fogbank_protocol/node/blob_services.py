"""Answers ``blob.describe`` and ``blob.read`` from a store (SPEC.md section 6.2)."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager

import trio

from ..blobs.messages import (
    DESCRIBE,
    READ,
    REQUEST_BYTES_MAX,
    decode_describe_request,
    decode_read_request,
    encode_description,
)
from ..blobs.naming import BlobId
from ..errors import RemoteProtocolError
from ..identity import NodeId
from ..limits import STORE_ANSWERS_PER_PEER_MAX
from ..rpc.events import ErrorCode
from .blob_store import BlobMissing, BlobStore
from .failures import CallRefused
from .services import RequestService, Service, StreamService


def blob_services(store: BlobStore) -> Sequence[Service]:
    """Return the services that let peers read what is in ``store``."""
    turns = _Turns()

    async def describe(peer: NodeId, body: bytes) -> bytes:
        blob_id = decode_describe_request(body)
        try:
            async with turns.turn(peer):
                return encode_description(await store.describe(blob_id))
        except BlobMissing:
            raise _not_found(blob_id) from None

    async def read(peer: NodeId, body: bytes) -> AsyncGenerator[bytes]:
        request = decode_read_request(body)
        try:
            async with turns.turn(peer):
                description = await store.describe(request.blob_id)
                if request.first + request.count > len(description.hashes):
                    raise RemoteProtocolError("the blob has fewer chunks", rule="6.2")
                wanted = store.read_chunks(request.blob_id, request.first, request.count)
                # Pinned: a blob that is being read does not make room for another.
                with store.pinned(request.blob_id):
                    async with aclosing(wanted) as chunks:
                        async for chunk in chunks:
                            yield chunk
        except BlobMissing:
            raise _not_found(request.blob_id) from None

    return [
        RequestService(DESCRIBE, describe, REQUEST_BYTES_MAX),
        StreamService(READ, read, REQUEST_BYTES_MAX),
    ]


class _Turns:
    """Lets each peer have a few calls in work at a time.

    A read holds some chunks in memory until the peer takes them, and a description may mean to hash
    64 MiB: a peer with many calls would else take all the memory, or all the worker threads.
    """

    def __init__(self) -> None:
        self._free: dict[NodeId, trio.Semaphore] = {}

    @asynccontextmanager
    async def turn(self, peer: NodeId) -> AsyncGenerator[None]:
        """Wait until it is the turn of a call of ``peer``, which lasts while inside."""
        free = self._free.get(peer)
        if free is None:
            free = self._free[peer] = trio.Semaphore(STORE_ANSWERS_PER_PEER_MAX)
        try:
            async with free:
                yield
        finally:
            if free.value == STORE_ANSWERS_PER_PEER_MAX:
                self._free.pop(peer, None)


def _not_found(blob_id: BlobId) -> CallRefused:
    return CallRefused(ErrorCode.NOT_FOUND, f"there is no blob {blob_id.hex()}")
