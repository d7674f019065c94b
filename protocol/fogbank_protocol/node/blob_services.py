"""Answers ``blob.describe`` and ``blob.read`` from a store (SPEC.md section 6.2)."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

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
from ..limits import CHUNK_BYTES, STORE_ANSWERS_PER_PEER_MAX, STREAM_CREDIT
from ..rpc.events import ErrorCode
from .blob_moves import BlobMoved, BlobMoves
from .blob_store import BlobMissing, BlobStore
from .failures import CallRefused
from .services import RequestService, Service, StreamService


def blob_services(store: BlobStore, moves: BlobMoves) -> Sequence[Service]:
    """Return the services that let peers read what is in ``store``, and tell ``moves`` of it."""

    async def describe(peer: NodeId, body: bytes) -> bytes:
        del peer
        blob_id = decode_describe_request(body)
        try:
            return encode_description(await store.describe(blob_id))
        except BlobMissing:
            raise _not_found(blob_id) from None

    async def read(peer: NodeId, body: bytes) -> AsyncGenerator[bytes]:
        request, began = decode_read_request(body), trio.current_time()
        try:
            description = await store.describe(request.blob_id)
            if request.first + request.count > len(description.hashes):
                raise RemoteProtocolError("the blob has fewer chunks", rule="6.2")
            wanted = store.read_chunks(request.blob_id, request.first, request.count)
            # Pinned: a blob that is being read does not make room for another.
            with store.pinned(request.blob_id):
                async with aclosing(wanted) as chunks:
                    async for chunk in chunks:
                        yield chunk
            end = request.first + request.count
            # The last ones, which need no credit of the peer, may still be on their way.
            arrived = max(0, request.count - STREAM_CREDIT) * CHUNK_BYTES
            seconds, is_whole = trio.current_time() - began, end == len(description.hashes)
            moves.note(BlobMoved(peer, request.blob_id, True, arrived, seconds, is_whole))
        except BlobMissing:
            raise _not_found(request.blob_id) from None

    # A read holds chunks in memory until the peer takes them, and a description may mean to hash
    # 64 MiB in one of few threads.
    return [
        RequestService(DESCRIBE, describe, REQUEST_BYTES_MAX, STORE_ANSWERS_PER_PEER_MAX),
        StreamService(READ, read, REQUEST_BYTES_MAX, STORE_ANSWERS_PER_PEER_MAX),
    ]


def _not_found(blob_id: BlobId) -> CallRefused:
    return CallRefused(ErrorCode.NOT_FOUND, f"there is no blob {blob_id.hex()}")
