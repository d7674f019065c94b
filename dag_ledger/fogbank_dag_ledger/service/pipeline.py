"""From bytes to the ledger: decode, have signatures checked, insert (SPEC.md section 8.7).

What costs little is looked at first; what is left takes turns (section 8.23), so that a flood waits
for itself.  Several batches are under way at a time: the signatures of one are checked while the
batch before it is inserted, and nothing waits in between, so one queue decides for all of it.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import SIGNATURE_BYTES, NetworkId, NodeId

from ..arrivals import Arrivals
from ..gossip_events import VerticesSeen
from ..intake import Intake
from ..ledger import Ledger
from ..limits import (
    INVALID_WAITING_MAX,
    RECENT_MAX,
    VERIFY_BATCH,
    VERIFY_BATCHES_WAITING_MAX,
    VERIFY_INLINE_MAX,
)
from ..participation.happenings import VerticesArrived
from ..vertex import Vertex, VertexId, tag_in
from ..vertex_codec import decode_vertex
from .signature_checks import SignatureChecks

_SIGNATURE_RULE = "8.3.12"


class _Delivery:
    """Vertices that were asked for: how many of them are still to be worked in."""

    def __init__(self) -> None:
        self._left = 1
        self.done = trio.Event()

    def add(self) -> None:
        self._left += 1

    def remove(self) -> None:
        self._left -= 1
        if not self._left:
            self.done.set()


class _Arrived(NamedTuple):
    """A new vertex of the right form, who sent it, and the answer it came in.

    A tuple and not a dataclass, because one is made for every vertex.
    """

    vertex: Vertex
    peer: NodeId
    delivery: _Delivery | None
    is_asked: bool

    @property
    def key(self) -> tuple[VertexId, bytes]:
        return self.vertex.id, self.vertex.signature


@dataclass(slots=True)
class _Batch:
    """Vertices on their way, and what was wrong with others."""

    arrived: Sequence[_Arrived]
    invalid: list[tuple[NodeId, str]]
    """Who sent an invalid vertex, and the rule it broke."""

    signed: list[tuple[Vertex, NodeId]] = field(default_factory=list[tuple[Vertex, NodeId]])
    is_checked: trio.Event = field(default_factory=trio.Event)


class Pipeline:
    """Takes the vertices that peers send, within bounds."""

    def __init__(
        self,
        ledger: Ledger,
        intake: Intake,
        *,
        take: Callable[[VerticesArrived], None],
        note_seen: Callable[[VerticesSeen], None],
        has_room: Callable[[], bool],
        wait_for_room: Callable[[], Awaitable[None]],
    ) -> None:
        """Skip what ``ledger`` or ``intake`` hold.

        ``take`` is given every batch and must not wait; ``note_seen`` is told who pushed what is
        held; while not ``has_room`` no more may be accepted, and ``wait_for_room`` waits.
        """
        self._ledger = ledger
        self._network: NetworkId = ledger.genesis.network
        self._intake = intake
        self._take = take
        self._note_seen = note_seen
        self._has_room = has_room
        self._wait_for_room = wait_for_room
        self._arrivals: Arrivals[_Arrived] = Arrivals(ledger)
        self._invalid: list[tuple[NodeId, str]] = []
        self._came = trio.Event()
        self._went = trio.Event()
        self._under_way = 0
        self._checks = SignatureChecks(self._network)
        self._in_flight: set[tuple[VertexId, bytes]] = set()
        self._recent: dict[bytes, bytes] = {}
        """Tags of issuers, by the signatures of their vertices."""

    async def push(self, wires: Sequence[bytes], peer: NodeId) -> None:
        """Take vertices that nobody asked for; waits only when there was no room for all."""
        new = [wire for wire in wires if wire[-SIGNATURE_BYTES:] not in self._recent]
        if len(new) < len(wires):
            self._tell_seen(wires, peer)
        had_room = self._receive(new, peer, None, None)
        if not self._work_in_few():
            self._came.set()
        if had_room:
            await trio.lowlevel.checkpoint()
        else:
            # Else it would be decoded as fast as it comes, only to be dropped.
            await self._went.wait()

    async def work_in(
        self, wires: Sequence[bytes], peer: NodeId, is_wanted: Callable[[VertexId], bool]
    ) -> None:
        """Take the answer of a peer, and return when it is in the ledger, parked or dropped.

        Those that are not ``is_wanted`` are taken as if they had been pushed.
        """
        await self.begin(wires, peer, is_wanted).wait()

    def begin(
        self, wires: Sequence[bytes], peer: NodeId, is_wanted: Callable[[VertexId], bool]
    ) -> trio.Event:
        """Begin with what ``work_in`` does; return what is set at its end."""
        delivery = _Delivery()
        self._receive(wires, peer, delivery, is_wanted)
        self._came.set()
        delivery.remove()
        return delivery.done

    def remember(self, vertices: Iterable[Vertex]) -> None:
        """Know these again by their signatures alone: most pushes bring what is held already.

        A signature holds for one vertex only, so nothing else can be taken for it.
        """
        for vertex in vertices:
            self._recent[vertex.signature] = tag_in(vertex.id)
        while len(self._recent) > RECENT_MAX:
            del self._recent[next(iter(self._recent))]

    async def run(self) -> None:
        """Work until cancelled."""
        send, receive = trio.open_memory_channel[_Batch](VERIFY_BATCHES_WAITING_MAX - 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._checks.run)
            nursery.start_soon(self._check, send, nursery)
            nursery.start_soon(self._insert, receive)

    def _tell_seen(self, wires: Sequence[bytes], peer: NodeId) -> None:
        tags = {wire: self._recent.get(wire[-SIGNATURE_BYTES:]) for wire in wires}
        known = {wire: tag for wire, tag in tags.items() if tag is not None}
        self._note_seen(VerticesSeen(peer, tuple(known), frozenset(known.values())))

    def _receive(
        self,
        wires: Sequence[bytes],
        peer: NodeId,
        delivery: _Delivery | None,
        is_wanted: Callable[[VertexId], bool] | None,
    ) -> bool:
        """Put what is new in its queue; tell whether there was room for all of it."""
        had_room = True
        for wire in wires:
            try:
                vertex = decode_vertex(wire, self._network)
            except RemoteProtocolError as error:
                # While the disk is slow nothing of them is counted, and more would only pile up.
                if len(self._invalid) < INVALID_WAITING_MAX:
                    self._invalid.append((peer, error.rule))
                continue
            is_asked = is_wanted is not None and is_wanted(vertex.id)
            key = vertex.id, vertex.signature
            if key in self._in_flight or self._intake.holds(vertex.id):
                continue
            if self._ledger.unwanted(vertex, is_asked=is_asked) is not None:
                continue
            arrived = _Arrived(vertex, peer, delivery, is_asked)
            self._in_flight.add(key)
            if delivery is not None:
                delivery.add()
            for dropped in self._arrivals.put(arrived, vertex, peer, is_asked=is_asked):
                had_room = False
                self._forget(dropped)
        return had_room

    def _forget(self, arrived: _Arrived) -> None:
        self._in_flight.discard(arrived.key)
        if arrived.delivery is not None:
            arrived.delivery.remove()

    def _next_batch(self) -> _Batch:
        invalid, self._invalid = self._invalid, []
        batch = _Batch(self._arrivals.take(VERIFY_BATCH), invalid)
        went, self._went = self._went, trio.Event()
        went.set()
        return batch

    def _work_in_few(self) -> bool:
        """Work in what came at once, when it is little and nothing is before it.

        It saves the four switches of coroutines that a batch takes.
        """
        if self._under_way or len(self._arrivals) > VERIFY_INLINE_MAX or not self._has_room():
            return False
        batch = self._next_batch()
        if batch.arrived or batch.invalid:
            self._settle(batch, self._checks.hold_now([one.vertex for one in batch.arrived]))
            self._finish(batch)
        return True

    async def _check(self, begun: trio.MemorySendChannel[_Batch], nursery: trio.Nursery) -> None:
        while True:
            await self._came.wait()
            self._came = trio.Event()
            while self._arrivals or self._invalid:
                self._under_way += 1
                batch = self._next_batch()
                nursery.start_soon(self._check_signatures, batch)
                await begun.send(batch)

    async def _check_signatures(self, batch: _Batch) -> None:
        holds = await self._checks.hold([one.vertex for one in batch.arrived])
        self._settle(batch, holds)
        batch.is_checked.set()

    def _settle(self, batch: _Batch, holds: Sequence[bool]) -> None:
        for one, is_signed in zip(batch.arrived, holds, strict=True):
            if is_signed:
                batch.signed.append((one.vertex, one.peer))
            else:
                batch.invalid.append((one.peer, _SIGNATURE_RULE))

    async def _insert(self, begun: trio.MemoryReceiveChannel[_Batch]) -> None:
        async for batch in begun:
            await batch.is_checked.wait()
            await self._wait_for_room()
            self._finish(batch)
            self._under_way -= 1

    def _finish(self, batch: _Batch) -> None:
        # Pushed ones are looked at again when they are inserted: a slot may be full by then.
        pushed = {one.vertex.id for one in batch.arrived if not one.is_asked}
        self._take(VerticesArrived(batch.signed, batch.invalid, pushed))
        for one in batch.arrived:
            self._forget(one)
