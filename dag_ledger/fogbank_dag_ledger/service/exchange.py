"""Performs what gossip and the amnesia guard decide, by calls to peers (SPEC.md section 8.7)."""

import logging
from collections.abc import Callable
from typing import TypeVar

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId, short_form
from fogbank_protocol.node.failures import CallFailure

from ..frontier import Range, Tag
from ..gossip_events import (
    AskFrontier,
    AskParents,
    AskRanges,
    CutOff,
    FrontierAnswered,
    ParentsAnswered,
    PassProof,
    PushVertices,
    RangesEnded,
)
from ..limits import RANGE_STREAM_S, REQUEST_TIMEOUT_S
from ..messages import (
    FETCH,
    FRONTIER,
    HEAD,
    PROOF,
    RANGE,
    VERTICES,
    FrontierMessage,
    decode_frontier,
    decode_heads,
    decode_vertices,
    encode_frontier,
    encode_head_request,
    encode_ids,
    encode_proof_message,
    encode_vertices,
    encode_wanted,
    pages,
)
from ..vertex import VertexId, seq_in, tag_in
from .network import Network
from .pipeline import Pipeline

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Exchange:
    """The calls of one ledger to its peers."""

    def __init__(self, network: Network, pipeline: Pipeline) -> None:
        """Call peers over ``network``; what they send goes into ``pipeline``."""
        self._network = network
        self._pipeline = pipeline

    def push(self, command: PushVertices) -> None:
        """Send vertices; a peer whose buffer is full finds them by comparing frontiers."""
        for page in pages(command.vertices):
            body = encode_vertices(page)
            for peer in command.peers:
                self._network.send_nowait(peer, VERTICES, body)

    def pass_proof(self, command: PassProof) -> None:
        """Send a proof of a fork."""
        for peer in command.peers:
            self._network.send_nowait(peer, PROOF, encode_proof_message(command.proof))

    def cut_off(self, command: CutOff) -> None:
        """Close the channel to a peer that misbehaves."""
        _log.warning("cut off %s: %s", short_form(command.peer), command.reason)
        self._network.cut_off(command.peer, command.reason)

    async def ask_frontier(self, command: AskFrontier) -> FrontierAnswered:
        """Return the peer's answer, or that there was none."""
        body = encode_frontier(command.message)
        message: FrontierMessage | None = await self._ask(
            command.peer, FRONTIER, body, decode_frontier
        )
        return FrontierAnswered(command.peer, message)

    async def ask_parents(self, command: AskParents) -> ParentsAnswered:
        """Get vertices by id; return when they are worked in, or when there are none."""
        wires = await self._ask(command.peer, FETCH, encode_ids(command.ids), decode_vertices)
        if wires:
            await self._pipeline.work_in(wires, command.peer, frozenset(command.ids).__contains__)
        return ParentsAnswered(command.peer, command.ids)

    async def ask_ranges(self, command: AskRanges) -> RangesEnded:
        """Read ranges, one page after the other; return at the end, complete or not."""
        peer = command.peer
        try:
            await self._read_ranges(peer, command.ranges)
        except CallFailure as failure:
            _log.debug("ranges of %s ended: %s", short_form(peer), failure)
        except RemoteProtocolError as error:
            self._network.cut_off(peer, str(error))
        return RangesEnded(peer)

    async def ask_head(self, peer: NodeId, issuer: NodeId) -> tuple[VertexId, ...] | None:
        """Return the heads that the peer holds of ``issuer``, None without an answer."""
        body = encode_head_request(issuer)
        heads = await self._ask(peer, HEAD, body, decode_heads)
        return None if heads is None else tuple(heads)

    async def _read_ranges(self, peer: NodeId, ranges: tuple[Range, ...]) -> None:
        body = encode_wanted(ranges)
        by_tag = {wanted.tag: wanted for wanted in ranges}

        def is_wanted(vertex_id: VertexId) -> bool:
            wanted = by_tag.get(Tag(tag_in(vertex_id)))
            return wanted is not None and wanted.first <= seq_in(vertex_id) <= wanted.last

        async with self._network.stream(peer, RANGE, body, timeout_s=RANGE_STREAM_S) as items:
            # While one page is worked in the next is read, so that nothing stands still.
            before: trio.Event | None = None
            async for item in items:
                begun = self._pipeline.begin(decode_vertices(item), peer, is_wanted)
                if before is not None:
                    await before.wait()
                before = begun
        if before is not None:
            await before.wait()

    async def _ask(
        self, peer: NodeId, method: str, body: bytes, decode: Callable[[bytes], Answer]
    ) -> Answer | None:
        try:
            answer = await self._network.request(peer, method, body, timeout_s=REQUEST_TIMEOUT_S)
            return decode(answer)
        except CallFailure as failure:
            _log.debug("%s of %s failed: %s", method, short_form(peer), failure)
        except RemoteProtocolError as error:
            self._network.cut_off(peer, str(error))
        return None
