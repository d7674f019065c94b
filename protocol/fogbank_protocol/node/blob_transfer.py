"""Fetches blobs from peers into the store (SPEC.md section 6.2)."""

from collections.abc import Sequence
from logging import getLogger

import trio

from ..blobs.download import (
    AttemptEnded,
    Blame,
    ChunkReceived,
    Describe,
    DescriptionReceived,
    Download,
    DownloadCommand,
    DownloadEvent,
    FindPrefix,
    Finish,
    GiveUp,
    PrefixFound,
    Read,
    Started,
    StoreChunk,
)
from ..blobs.messages import (
    DESCRIBE,
    READ,
    ReadRequest,
    encode_describe_request,
    encode_read_request,
)
from ..blobs.naming import BlobId
from ..identity import NodeId, short_form
from ..limits import BLOB_BYTES_MAX, CALL_DEADLINE_MS_MAX, STREAM_CREDIT
from ..rpc.events import ErrorCode
from .blob_moves import BlobMoved
from .blob_store import BlobStore, StoreFull
from .driver import drive
from .failures import CallFailure, CallRefused
from .node import Node

_logger = getLogger(__name__)


class FetchFailed(Exception):
    """None of the peers gave the blob, whole and right."""

    def __init__(self, reason: str, at_fault: Sequence[NodeId]) -> None:
        """``reason`` is for people; ``at_fault`` are the peers that sent something wrong."""
        super().__init__(reason)
        self.at_fault = at_fault


async def fetch_blob(
    node: Node,
    store: BlobStore,
    blob_id: BlobId,
    from_peers: Sequence[NodeId],
    *,
    timeout_s: float,
    bytes_max: int = BLOB_BYTES_MAX,
) -> Sequence[NodeId]:
    """Bring the blob into ``store`` from any of ``from_peers``; nothing to do when it is there.

    Chunks are checked as they arrive and go straight to disk.  When a peer fails or sends a wrong
    chunk, the next one goes on from there; what was fetched by a call that failed is kept for a
    later one.  Returns the peers that sent something wrong on the way.

    Raises:
        FetchFailed: every peer failed, the blob is larger than ``bytes_max``, or ``timeout_s``
            passed.
        StoreFull: there is no room for it.
    """
    fetch = _Fetch(node, store, blob_id, timeout_s)
    with trio.move_on_after(timeout_s) as scope:
        async with store.exclusively(blob_id):
            if not store.has(blob_id):
                await fetch.run(Download(blob_id, from_peers, bytes_max=bytes_max))
    if scope.cancelled_caught:
        raise FetchFailed(f"the blob did not arrive in {timeout_s} s", fetch.at_fault)
    if fetch.full is not None:
        raise fetch.full
    if fetch.failure is not None:
        raise FetchFailed(f"nobody gave the blob: {fetch.failure}", fetch.at_fault)
    return fetch.at_fault


class _Fetch:
    """Does what the machine ``Download`` says."""

    def __init__(self, node: Node, store: BlobStore, blob_id: BlobId, timeout_s: float) -> None:
        self.at_fault: list[NodeId] = []
        self.failure: str | None = None
        self.full: StoreFull | None = None
        self._node = node
        self._store = store
        self._blob_id = blob_id
        self._timeout_s = min(timeout_s, CALL_DEADLINE_MS_MAX / 1000)
        self._attempt_scope = trio.CancelScope()

    async def run(self, download: Download) -> None:
        """Run ``download`` to its end."""
        # As many events as items may be under way: disk and network do not wait for each other.
        self._events, received = trio.open_memory_channel[DownloadEvent](STREAM_CREDIT)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._events.send_nowait(Started())
            await drive(download, received, self._perform_unless_full)

    async def _perform_unless_full(self, command: DownloadCommand) -> None:
        try:
            await self._perform(command)
        except StoreFull as full:
            self.full = full
            self._nursery.cancel_scope.cancel()

    async def _perform(self, command: DownloadCommand) -> None:
        match command:
            case Describe(attempt, peer):
                self._begin_attempt()
                self._nursery.start_soon(self._describe, attempt, peer, self._attempt_scope)
            case FindPrefix(description):
                chunks = await self._store.begin_part(description)
                self._nursery.start_soon(self._events.send, PrefixFound(chunks))
            case Read():
                self._begin_attempt()
                self._nursery.start_soon(self._read, command, self._attempt_scope)
            case StoreChunk(data):
                await self._store.append_to_part(self._blob_id, data)
            case Blame(peer, reason):
                _logger.warning("%s: blob %s: %s", short_form(peer), self._blob_id.hex(), reason)
                self.at_fault.append(peer)
            case Finish():
                await self._store.finish_part(self._blob_id)
                self._nursery.cancel_scope.cancel()
            case GiveUp(reason):
                self.failure = reason
                self._nursery.cancel_scope.cancel()

    def _begin_attempt(self) -> None:
        self._attempt_scope.cancel()
        self._attempt_scope = trio.CancelScope()

    async def _describe(self, attempt: int, peer: NodeId, scope: trio.CancelScope) -> None:
        request = encode_describe_request(self._blob_id)
        event: DownloadEvent
        with scope:
            try:
                body = await self._node.request(peer, DESCRIBE, request, timeout_s=self._timeout_s)
                event = DescriptionReceived(attempt, body)
            except CallFailure as failure:
                event = _ended(attempt, failure)
            await self._events.send(event)

    async def _read(self, command: Read, scope: trio.CancelScope) -> None:
        request = ReadRequest(self._blob_id, command.first, command.count)
        ended = AttemptEnded(command.attempt)
        began, size = trio.current_time(), 0
        with scope:
            try:
                async with self._node.stream(
                    command.peer, READ, encode_read_request(request), timeout_s=self._timeout_s
                ) as chunks:
                    async for chunk in chunks:
                        size += len(chunk)
                        await self._events.send(ChunkReceived(command.attempt, chunk))
            except CallFailure as failure:
                ended = _ended(command.attempt, failure)
            finally:
                # Here too when the last chunk ends it all before the stream's own end is read.
                self._note(command.peer, size, trio.current_time() - began)
            await self._events.send(ended)

    def _note(self, peer: NodeId, size: int, seconds: float) -> None:
        if size:
            moved = BlobMoved(peer, self._blob_id, False, size, seconds, has_whole=True)
            self._node.blob_moves.note(moved)


def _ended(attempt: int, failure: CallFailure) -> AttemptEnded:
    has_it_not = isinstance(failure, CallRefused) and failure.code == ErrorCode.NOT_FOUND
    return AttemptEnded(attempt, str(failure), is_final=has_it_not)
