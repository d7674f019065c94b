"""From bytes to the ledger: decode, have signatures checked, insert (SPEC.md section 8.7).

Several batches are under way at a time, so that the signatures of one are checked while the batch
before it is inserted.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import SIGNATURE_BYTES, NetworkId, NodeId

from ..gossip_events import VerticesSeen
from ..intake import Intake
from ..ledger import Ledger
from ..limits import INTAKE_WAITING_MAX, RECENT_MAX, VERIFY_BATCH, VERIFY_BATCHES_WAITING_MAX
from ..participation.happenings import VerticesArrived
from ..vertex import Vertex, VertexId, tag_in
from ..vertex_codec import decode_vertex
from .signature_checks import SignatureChecks

_SIGNATURE_RULE = "8.3.12"


@dataclass(frozen=True, slots=True)
class _Delivery:
    """Vertices of one message."""

    wires: Sequence[bytes]
    peer: NodeId
    is_asked: bool
    done: trio.Event = field(default_factory=trio.Event)


@dataclass(slots=True)
class _Batch:
    """New vertices with who sent them, and what was wrong with others."""

    vertices: list[tuple[Vertex, NodeId]] = field(default_factory=list[tuple[Vertex, NodeId]])
    invalid: list[tuple[NodeId, str]] = field(default_factory=list[tuple[NodeId, str]])
    """Who sent an invalid vertex, and the rule it broke."""

    pushed: set[VertexId] = field(default_factory=set[VertexId])
    """Those of ``vertices`` that nobody had asked for."""

    is_checked: trio.Event = field(default_factory=trio.Event)
    done: list[trio.Event] = field(default_factory=list[trio.Event])


class Pipeline:
    """Takes the vertices that peers send, within bounds."""

    def __init__(
        self,
        ledger: Ledger,
        intake: Intake,
        *,
        take: Callable[[VerticesArrived], None],
        note_seen: Callable[[VerticesSeen], None],
        wait_for_room: Callable[[], Awaitable[None]],
    ) -> None:
        """Skip what ``ledger`` or ``intake`` hold.

        ``take`` is given every batch and must not wait; ``note_seen`` is told who pushed what is
        held; ``wait_for_room`` waits while no more may be accepted.
        """
        self._ledger = ledger
        self._network: NetworkId = ledger.genesis.network
        self._intake = intake
        self._take = take
        self._note_seen = note_seen
        self._wait_for_room = wait_for_room
        self._send, self._receive = trio.open_memory_channel[_Delivery](INTAKE_WAITING_MAX)
        self._checks = SignatureChecks(self._network)
        self._in_flight: set[tuple[VertexId, bytes]] = set()
        self._recent: dict[bytes, bytes] = {}
        """Tags of issuers, by the signatures of their vertices."""

    async def push(self, wires: Sequence[bytes], peer: NodeId) -> None:
        """Take vertices that nobody asked for; waits only while too many wait before them."""
        new = [wire for wire in wires if wire[-SIGNATURE_BYTES:] not in self._recent]
        if len(new) < len(wires):
            self._tell_seen(wires, peer)
        if new:
            await self._send.send(_Delivery(new, peer, is_asked=False))
        else:
            await trio.lowlevel.checkpoint()

    def _tell_seen(self, wires: Sequence[bytes], peer: NodeId) -> None:
        tags = {wire: self._recent.get(wire[-SIGNATURE_BYTES:]) for wire in wires}
        known = {wire: tag for wire, tag in tags.items() if tag is not None}
        self._note_seen(VerticesSeen(peer, tuple(known), frozenset(known.values())))

    def remember(self, vertices: Iterable[Vertex]) -> None:
        """Know these again by their signatures alone: most pushes bring what is held already.

        A signature holds for one vertex only, so nothing else can be taken for it.
        """
        for vertex in vertices:
            self._recent[vertex.signature] = tag_in(vertex.id)
        while len(self._recent) > RECENT_MAX:
            del self._recent[next(iter(self._recent))]

    async def work_in(self, wires: Sequence[bytes], peer: NodeId) -> None:
        """Take vertices that were asked for, and return when they are in the ledger or parked."""
        delivery = _Delivery(wires, peer, is_asked=True)
        await self._send.send(delivery)
        await delivery.done.wait()

    async def run(self) -> None:
        """Work until cancelled."""
        send, receive = trio.open_memory_channel[_Batch](VERIFY_BATCHES_WAITING_MAX - 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._checks.run)
            nursery.start_soon(self._check, send, nursery)
            nursery.start_soon(self._insert, receive)

    async def _check(self, begun: trio.MemorySendChannel[_Batch], nursery: trio.Nursery) -> None:
        while True:
            deliveries = [await self._receive.receive()]
            waiting = len(deliveries[0].wires)
            while waiting < VERIFY_BATCH:
                try:
                    delivery = self._receive.receive_nowait()
                except trio.WouldBlock:
                    break
                deliveries.append(delivery)
                waiting += len(delivery.wires)
            for batch in self._batches(deliveries):
                nursery.start_soon(self._check_signatures, batch)
                await begun.send(batch)

    def _batches(self, deliveries: Iterable[_Delivery]) -> Iterator[_Batch]:
        batch = _Batch()
        for delivery in deliveries:
            for wire in delivery.wires:
                self._decode(wire, delivery, batch)
                if len(batch.vertices) == VERIFY_BATCH:
                    yield batch
                    batch = _Batch()
            batch.done.append(delivery.done)
        yield batch

    def _decode(self, wire: bytes, delivery: _Delivery, batch: _Batch) -> None:
        try:
            vertex = decode_vertex(wire, self._network)
        except RemoteProtocolError as error:
            batch.invalid.append((delivery.peer, error.rule))
            return
        key = (vertex.id, vertex.signature)
        if key in self._in_flight or self._intake.holds(vertex.id):
            return
        if not delivery.is_asked:
            # Looked at again when it is inserted: the slot may be full by then.
            if self._ledger.unwanted(vertex) is not None:
                return
            batch.pushed.add(vertex.id)
        self._in_flight.add(key)
        batch.vertices.append((vertex, delivery.peer))

    async def _check_signatures(self, batch: _Batch) -> None:
        holds = await self._checks.hold([vertex for vertex, _ in batch.vertices])
        signed: list[tuple[Vertex, NodeId]] = []
        for (vertex, peer), is_signed in zip(batch.vertices, holds, strict=True):
            if is_signed:
                signed.append((vertex, peer))
            else:
                self._in_flight.discard((vertex.id, vertex.signature))
                batch.invalid.append((peer, _SIGNATURE_RULE))
        batch.vertices = signed
        batch.is_checked.set()

    async def _insert(self, begun: trio.MemoryReceiveChannel[_Batch]) -> None:
        async for batch in begun:
            await batch.is_checked.wait()
            await self._wait_for_room()
            for vertex, _ in batch.vertices:
                self._in_flight.discard((vertex.id, vertex.signature))
            self._take(VerticesArrived(batch.vertices, batch.invalid, batch.pushed))
            for done in batch.done:
                done.set()
