"""What peers ask of a ledger, and the answers (SPEC.md section 8.7)."""

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, islice

import trio

from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.failures import CallRefused
from fogbank_protocol.node.services import OneWayService, RequestService, Service, StreamService

from ..checkpoint import (
    CHECKPOINT,
    COMMITTEE,
    NAMES,
    NEWEST,
    STATE,
    CheckpointHash,
    decode_names_request,
    decode_nothing,
    decode_signed,
    decode_state_request,
    encode_names,
    encode_newest,
    encode_records,
)
from ..checkpointing import Certified, CheckpointArrived, Checkpointing
from ..committee_proof import decode_committee_request
from ..gossip_events import VerticesLacked
from ..limits import (
    ANSWERS_AT_ONCE_MAX,
    RANGE_STREAMS_SERVED_MAX,
    STATE_PAGE_BYTES_MAX,
    STATE_PAGE_RECORDS_MAX,
)
from ..messages import (
    FETCH,
    FRONTIER,
    HEAD,
    PROOF,
    RANGE,
    VERTICES,
    FrontierMessage,
    decode_fetch,
    decode_frontier,
    decode_head_request,
    decode_proof_message,
    decode_vertices,
    decode_wanted,
    encode_frontier,
    encode_ids,
    encode_vertices,
    page_end,
)
from ..vertex import VertexId, tag_in
from .disk import Disk
from .pipeline import Pipeline


class Answers:
    """The handlers of the ledger's methods; they refuse while the ledger is starting."""

    def __init__(
        self,
        pipeline: Callable[[], Pipeline],
        *,
        compare: Callable[[NodeId, FrontierMessage], FrontierMessage],
        learn_proof: Callable[[NodeId, bytes], None],
        heads: Callable[[NodeId], Sequence[VertexId]],
        note_lacking: Callable[[VerticesLacked], None],
        checkpoints: Callable[[], Checkpointing],
        learn_checkpoint: Callable[[CheckpointArrived], None],
    ) -> None:
        """``compare`` answers a peer's frontier, ``learn_proof`` takes a proof that it sent.

        ``note_lacking`` is told whose vertices a peer asked for.
        """
        self._pipeline = pipeline
        self._compare = compare
        self._learn_proof = learn_proof
        self._heads = heads
        self._note_lacking = note_lacking
        self._checkpoints = checkpoints
        self._learn_checkpoint = learn_checkpoint
        self._disk: Disk | None = None
        self._served: set[NodeId] = set()
        self._reading = 0
        self._read = trio.Event()

    def open(self, disk: Disk) -> None:
        """Answer from now on, from ``disk``."""
        self._disk = disk

    def close(self) -> None:
        """Refuse from now on; what is being read goes on until ``wait_read``."""
        self._disk = None

    async def wait_read(self) -> None:
        """Return when nothing reads from the disk, which may be closed then; after ``close``.

        Answers are the node's tasks, and it may go on for longer than the ledger: at most the page
        of each that is being read is waited for.
        """
        while self._reading:
            self._read = trio.Event()
            await self._read.wait()

    def services(self) -> Sequence[Service]:
        """Return every method for a node to serve."""
        return (
            OneWayService(VERTICES, self._take_vertices, is_contained=False),
            OneWayService(PROOF, self._take_proof, is_contained=False),
            RequestService(FRONTIER, self._answer_frontier, at_once_max=ANSWERS_AT_ONCE_MAX),
            RequestService(FETCH, self._answer_fetch, at_once_max=ANSWERS_AT_ONCE_MAX),
            RequestService(HEAD, self._answer_head),
            StreamService(RANGE, self._answer_range),
            OneWayService(CHECKPOINT, self._take_checkpoint, is_contained=False),
            RequestService(NEWEST, self._answer_newest, at_once_max=ANSWERS_AT_ONCE_MAX),
            RequestService(STATE, self._answer_state, at_once_max=ANSWERS_AT_ONCE_MAX),
            RequestService(NAMES, self._answer_names, at_once_max=ANSWERS_AT_ONCE_MAX),
            RequestService(COMMITTEE, self._answer_committee, at_once_max=ANSWERS_AT_ONCE_MAX),
        )

    async def _take_checkpoint(self, peer: NodeId, body: bytes) -> None:
        checkpoint, signatures = decode_signed(body)
        if self._disk is not None:
            self._learn_checkpoint(CheckpointArrived(peer, checkpoint, signatures))
        await trio.lowlevel.checkpoint()

    async def _answer_newest(self, _peer: NodeId, body: bytes) -> bytes:
        decode_nothing(body)
        self._open_disk()
        await trio.lowlevel.checkpoint()
        known = self._checkpoints()
        both = [known.floor, known.newest] if known.floor is not None else [known.newest]
        return encode_newest(
            [(one.checkpoint.body, one.signatures) for one in both if one is not None]
        )

    async def _answer_state(self, _peer: NodeId, body: bytes) -> bytes:
        name, first = decode_state_request(body)
        await trio.lowlevel.checkpoint()
        records = list(islice(self._floor(name).state.values(), first, None))
        sizes = accumulate(map(len, records[:STATE_PAGE_RECORDS_MAX]))
        count = sum(size <= STATE_PAGE_BYTES_MAX for size in sizes)
        if not count:
            raise CallRefused("not_found", "there is no such record")
        return encode_records(records[:count])

    async def _answer_names(self, _peer: NodeId, body: bytes) -> bytes:
        name = decode_names_request(body)
        await trio.lowlevel.checkpoint()
        return encode_names(self._floor(name).names)

    async def _answer_committee(self, _peer: NodeId, body: bytes) -> bytes:
        epoch = decode_committee_request(body)
        with self._disk_in_use() as disk:
            proof = await trio.to_thread.run_sync(disk.store.committee, epoch)
        if proof is None:
            raise CallRefused("not_found", "nothing is kept of this epoch")
        return proof

    def _floor(self, name: CheckpointHash) -> Certified:
        self._open_disk()
        floor = self._checkpoints().floor
        if floor is None or floor.checkpoint.hash != name:
            raise CallRefused("not_found", "this is not the floor here")
        return floor

    async def _take_vertices(self, peer: NodeId, body: bytes) -> None:
        wires = decode_vertices(body)
        if self._disk is not None and wires:
            await self._pipeline().push(wires, peer)

    async def _take_proof(self, peer: NodeId, body: bytes) -> None:
        proof = decode_proof_message(body)
        if self._disk is not None:
            self._learn_proof(peer, proof)
        await trio.lowlevel.checkpoint()

    async def _answer_frontier(self, peer: NodeId, body: bytes) -> bytes:
        message = decode_frontier(body)
        self._open_disk()
        await trio.lowlevel.checkpoint()
        return encode_frontier(self._compare(peer, message))

    async def _answer_fetch(self, peer: NodeId, body: bytes) -> bytes:
        ids = decode_fetch(body)
        self._note_lacking(VerticesLacked(peer, frozenset(map(tag_in, ids))))
        with self._disk_in_use() as disk:
            found = await disk.writer.find(ids)
        return encode_vertices(found[: page_end(map(len, found))])

    async def _answer_head(self, _peer: NodeId, body: bytes) -> bytes:
        issuer = decode_head_request(body)
        self._open_disk()
        await trio.lowlevel.checkpoint()
        return encode_ids(self._heads(issuer))

    async def _answer_range(self, peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        ranges = decode_wanted(body)
        disk = self._open_disk()
        if peer in self._served or len(self._served) >= RANGE_STREAMS_SERVED_MAX:
            raise CallRefused("busy", "a range is being read already")
        self._note_lacking(VerticesLacked(peer, frozenset(wanted.tag for wanted in ranges)))
        self._served.add(peer)
        try:
            await disk.writer.flush()
            pages: Iterator[Sequence[bytes]] = disk.store.pages(ranges)
            while (page := await self._next_page(pages)) is not None:
                yield encode_vertices(page)
        finally:
            self._served.discard(peer)

    async def _next_page(self, pages: Iterator[Sequence[bytes]]) -> Sequence[bytes] | None:
        with self._disk_in_use():
            return await trio.to_thread.run_sync(next, pages, None)

    @contextmanager
    def _disk_in_use(self) -> Generator[Disk]:
        disk = self._open_disk()
        self._reading += 1
        try:
            yield disk
        finally:
            self._reading -= 1
            self._read.set()

    def _open_disk(self) -> Disk:
        if self._disk is None:
            raise CallRefused("busy", "the ledger is starting")
        return self._disk
