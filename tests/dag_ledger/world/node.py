"""An honest node: the real machines, and a shell that performs what they say in the world."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from math import inf
from random import Random
from typing import TYPE_CHECKING

from fogbank_dag_ledger.amnesia import AskHead, HeadAnswered
from fogbank_dag_ledger.checkpointing import KeepCheckpoint, SignCheckpoint, SpreadCheckpoint
from fogbank_dag_ledger.frontier import Range, Tag
from fogbank_dag_ledger.gossip_events import (
    AnswerFrontier,
    AskFrontier,
    AskParents,
    AskRanges,
    CutOff,
    FrontierAnswered,
    FrontierReceived,
    ParentsAnswered,
    PassProof,
    PeerJoined,
    PeerLeft,
    PushVertices,
    RangesEnded,
    VerticesLacked,
    VerticesSeen,
)
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import (
    OWN_LOG_APPEND_BYTES_MAX,
    PAGE_VERTICES_MAX,
    REPLAY_PAUSE_VERTICES,
    STORE_BATCH_S,
)
from fogbank_dag_ledger.messages import (
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
    decode_heads,
    decode_proof_message,
    decode_vertices,
    decode_wanted,
    encode_frontier,
    encode_head_request,
    encode_ids,
    encode_proof_message,
    encode_vertices,
    encode_wanted,
    pages,
)
from fogbank_dag_ledger.participation import Participant
from fogbank_dag_ledger.participation.happenings import (
    AdoptOwn,
    KeepOwn,
    KeepVertices,
    OwnAdopted,
    OwnKept,
    OwnLogRead,
    OwnLost,
    OwnRefused,
    ParticipantCommand,
    ParticipantEvent,
    PaymentEnded,
    PaymentWanted,
    ProofArrived,
    PublishNews,
    ReadOwnLog,
    StoreEnded,
    StoreRead,
    TellEvents,
    VerticesArrived,
)
from fogbank_dag_ledger.participation.issuing_state import Issuing, Stopped
from fogbank_dag_ledger.strangers import find_work
from fogbank_dag_ledger.vertex import ORDINARY, Vertex, VertexId, seq_in, tag_in
from fogbank_dag_ledger.vertex_codec import decode_vertex, encode_vertex
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

if TYPE_CHECKING:
    from .world import Resident, World

SYNC_S = (0.0005, 0.01)
"""How long a sync of the disk takes."""

REQUEST_S = 1.0
"""How long an answer is waited for: less than in the real world, so that more happens."""


class Node:
    """One node between its start and its end."""

    def __init__(self, world: "World", name: NodeId) -> None:
        self.world = world
        self.name = name
        self.disk = world.disks[name]
        self.clock = world.clocks[name]
        genesis = world.community.genesis
        self.participant = Participant(genesis, name, Random(world.random.random()))
        self.paid: list[VertexId] = []
        self.sent: dict[VertexId, None] = {}
        """Own vertices of which a byte may have left."""

        self.needless = 0
        """How many vertices were pushed here in vain."""

        self.disk_is_full = False
        self.disk_is_broken = False
        self._own_log: Iterator[bytes] = iter(())
        self._answer = FrontierMessage(reset=False, entries={})
        self._recent: set[VertexId] = set()
        self._is_alive = True
        self._alarm = inf
        self._numbers = count()

    @property
    def ledger(self) -> Ledger:
        return self.participant.ledger

    @property
    def may_issue(self) -> bool:
        return isinstance(self.participant.issuing(self.now), Issuing)

    @property
    def stopped(self) -> bool:
        return isinstance(self.participant.issuing(self.now), Stopped)

    @property
    def now(self) -> float:
        return self.clock.now(self.world.now)

    def pay(self, recipient: NodeId, amount: int) -> None:
        """Wish for a payment; what becomes of it is in ``paid``."""
        self.tell(PaymentWanted(next(self._numbers), {recipient: amount}))

    # Life.

    def begin(self) -> None:
        """Read the disk."""
        network = self.world.community.network
        self._own_log = iter(self.disk.open(network, self.name))
        stored = [decode_vertex(wire, network) for _, wire in self.disk.store]
        for start in range(0, len(stored), REPLAY_PAUSE_VERTICES):
            self.tell(StoreRead(stored[start : start + REPLAY_PAUSE_VERTICES]))
        self.tell(StoreEnded())

    def die(self) -> None:
        """Do nothing more, whatever was begun."""
        self._is_alive = False

    def join(self, peer: NodeId) -> None:
        self.tell(PeerJoined(peer))

    def leave(self, peer: NodeId) -> None:
        self.tell(PeerLeft(peer))

    def tell(self, event: ParticipantEvent | Tick) -> None:
        """Let the machines take ``event`` now."""
        if not self._is_alive:
            return
        for command in self.participant.handle(event, self.now):
            self._perform(command)
        self._set_alarm()
        self.world.judge.look_at(self)

    def later(self, delay_s: float, event: Callable[[], ParticipantEvent]) -> None:
        self.world.later(delay_s, lambda: self.tell(event()) if self._is_alive else None)

    def reset_alarm(self) -> None:
        """Look at the clock anew: it has leapt."""
        self._alarm = inf
        self._set_alarm()

    def _set_alarm(self) -> None:
        # A time that was rounded down would wake the machine just before its deadline, for ever.
        at = self.clock.world_time(self.participant.deadline) + 1e-6
        at = max(at, self.world.now)
        if at < self._alarm:
            self._alarm = at
            self.world.later(at - self.world.now, lambda: self._ring(at))

    def _ring(self, at: float) -> None:
        if self._is_alive and at == self._alarm:
            self._alarm = inf
            if self.participant.deadline <= self.now:
                self.tell(Tick())
            else:
                self._set_alarm()

    # What the machines want.

    def _perform(self, command: ParticipantCommand) -> None:
        match command:
            case KeepOwn():
                self._keep_own(command)
            case KeepVertices(vertices):
                self._recent.update(vertex.id for vertex, _ in vertices)
                self.disk.keep((vertex.id, wire) for vertex, wire in vertices)
                self.world.later(self.world.random.uniform(0, STORE_BATCH_S), self._sync_store)
            case ReadOwnLog():
                page = list(islice(self._own_log, REPLAY_PAUSE_VERTICES))
                network = self.world.community.network
                read = OwnLogRead([decode_vertex(wire, network) for wire in page])
                self.later(self._sync_s(), lambda: read)
            case AdoptOwn(ids):
                self._adopt(ids)
            case TellEvents(events):
                self.world.judge.note(self, events)
            case PaymentEnded(_, result):
                if isinstance(result, Vertex):
                    self.paid.append(result.id)
                    self.world.judge.note_paid(self, result)
            case PublishNews() | SignCheckpoint() | SpreadCheckpoint() | KeepCheckpoint():
                # Checkpoints have worlds of their own, see ``test_checkpointing``.
                pass
            case _:
                self._call(command)

    def _call(
        self,
        command: PushVertices
        | PassProof
        | CutOff
        | AnswerFrontier
        | AskFrontier
        | AskParents
        | AskRanges
        | AskHead,
    ) -> None:
        match command:
            case PushVertices(peers, vertices):
                for page in pages(vertices):
                    body = encode_vertices(page)
                    for peer in peers:
                        self._send(peer, VERTICES, body)
            case PassProof(peers, proof):
                for peer in peers:
                    self._send(peer, PROOF, encode_proof_message(proof))
            case CutOff(peer):
                self.world.judge.note_cut(self.name, peer)
                self.world.later(0, lambda: self.world.part(self.name, peer))
            case AnswerFrontier(_, message):
                self._answer = message
            case AskFrontier(peer, message):
                body = encode_frontier(message)
                self._ask(peer, FRONTIER, body, lambda got: self._take_frontier(peer, got))
            case AskParents(peer, ids):
                self._ask(
                    peer, FETCH, encode_ids(ids), lambda got: self._take_found(peer, ids, got)
                )
            case AskRanges(peer, ranges):
                self._read_page(peer, ranges, 0)
            case AskHead(peer):
                body = encode_head_request(self.name)
                self._ask(peer, HEAD, body, lambda got: self._take_heads(peer, got))

    def _sync_s(self) -> float:
        return self.world.random.uniform(*SYNC_S)

    def _sync_store(self) -> None:
        if self._is_alive:
            self.disk.sync_store()

    def _keep_own(self, command: KeepOwn) -> None:
        if self.disk_is_full:
            self.later(self._sync_s(), lambda: OwnRefused("no room"))
            return
        draft = command.draft
        if draft.kind == ORDINARY and (bits := self.ledger.work_wanted(draft)):
            network = self.world.community.network
            draft = replace(draft, work=find_work(network, draft.issuer, draft.seq, bits))
        vertex = self.world.community.sign(draft, self.clock.unix_time_s())
        self.disk.sync_store()
        self.disk.write_own([encode_vertex(vertex)])
        if self.disk_is_broken:
            self.world.judge.met["own vertices lost"] += 1
            self.later(self._sync_s(), lambda: OwnLost("the disk does not answer"))
            return

        def synced() -> OwnKept:
            self.disk.sync_own()
            self.sent[vertex.id] = None
            return OwnKept(vertex)

        self.later(self._sync_s(), synced)

    def _adopt(self, ids: Sequence[VertexId]) -> None:
        records = dict(self.disk.store)
        self.disk.sync_store()
        for vertex_id in ids:
            assert len(records[vertex_id]) < OWN_LOG_APPEND_BYTES_MAX
            self.disk.write_own([records[vertex_id]])
            self.disk.sync_own()
        self.later(self._sync_s(), OwnAdopted)

    # What others say.

    def take(self, sender: NodeId, method: str, body: bytes) -> None:
        """Take a one-way message."""
        try:
            match method:
                case "ledger.vertices":
                    self._take_vertices(sender, decode_vertices(body), is_asked=False)
                case "ledger.proof":
                    self.tell(ProofArrived(sender, decode_proof_message(body)))
                case _:
                    raise AssertionError(method)
        except RemoteProtocolError:
            self.world.judge.note_cut(self.name, sender)
            self.world.part(self.name, sender)

    def answer(self, sender: NodeId, method: str, body: bytes) -> bytes:
        """Answer a request; b"" is a refusal."""
        try:
            match method:
                case "ledger.frontier":
                    message = decode_frontier(body)
                    self.tell(PeerJoined(sender))
                    self.tell(FrontierReceived(sender, message))
                    return encode_frontier(self._answer)
                case "ledger.fetch":
                    ids = decode_fetch(body)
                    self.tell(VerticesLacked(sender, frozenset(map(tag_in, ids))))
                    return encode_vertices(self.disk.find(ids))
                case "ledger.head":
                    return encode_ids(self.participant.heads(decode_head_request(body)))
                case "ledger.range":
                    start = int.from_bytes(body[:4], "big")
                    ranges = decode_wanted(body[4:])
                    self.tell(VerticesLacked(sender, frozenset(one.tag for one in ranges)))
                    return encode_vertices(self._range_page(ranges, start))
                case _:
                    raise AssertionError(method)
        except RemoteProtocolError:
            return b""

    def _range_page(self, ranges: Sequence[Range], start: int) -> list[bytes]:
        wanted = {one.tag: one for one in ranges}

        def is_wanted(vertex_id: VertexId) -> bool:
            one = wanted.get(Tag(tag_in(vertex_id)))
            return one is not None and one.first <= seq_in(vertex_id) <= one.last

        found = (wire for vertex_id, wire in self.disk.store if is_wanted(vertex_id))
        return list(islice(found, start, start + PAGE_VERTICES_MAX))

    def _take_vertices(self, peer: NodeId, wires: Sequence[bytes], *, is_asked: bool) -> None:
        seen: dict[bytes, bytes] = {}
        vertices: list[tuple[Vertex, NodeId]] = []
        invalid: list[tuple[NodeId, str]] = []
        for wire in wires:
            try:
                vertex = self.world.decode(wire)
            except RemoteProtocolError as error:
                invalid.append((peer, error.rule))
                continue
            if not is_asked and vertex.id in self._recent:
                seen[wire] = tag_in(vertex.id)
            elif not self.participant.intake.holds(vertex.id) and (
                self.ledger.unwanted(vertex, is_asked=is_asked) is None
            ):
                vertices.append((vertex, peer))
        if seen:
            self.needless += len(seen)
            self.tell(VerticesSeen(peer, tuple(seen), frozenset(seen.values())))
        if vertices or invalid:
            pushed = () if is_asked else {vertex.id for vertex, _ in vertices}
            self.tell(VerticesArrived(vertices, invalid, pushed))

    # Messages.

    def _send(self, peer: NodeId, method: str, body: bytes) -> None:
        self.world.message(self.name, peer, lambda other: other.take(self.name, method, body))

    def _ask(
        self, peer: NodeId, method: str, body: bytes, take: Callable[[bytes | None], None]
    ) -> None:
        """Ask, and take the answer, or None when it is refused or does not come."""
        done: list[bool] = []

        def arrive(answer: bytes | None) -> None:
            if not done and self._is_alive:
                done.append(True)
                take(answer or None)

        def handle(other: "Resident") -> None:
            answer = other.answer(self.name, method, body)
            self.world.message(peer, self.name, lambda _: arrive(answer))

        self.world.message(self.name, peer, handle)
        self.world.later(REQUEST_S, lambda: arrive(None))

    def _take_frontier(self, peer: NodeId, answer: bytes | None) -> None:
        try:
            message = None if answer is None else decode_frontier(answer)
        except RemoteProtocolError:
            message = None
            self.world.part(self.name, peer)
        self.tell(FrontierAnswered(peer, message))

    def _take_heads(self, peer: NodeId, answer: bytes | None) -> None:
        try:
            heads = None if answer is None else tuple(decode_heads(answer))
        except RemoteProtocolError:
            heads = None
            self.world.part(self.name, peer)
        self.tell(HeadAnswered(peer, heads))

    def _take_found(self, peer: NodeId, ids: tuple[VertexId, ...], answer: bytes | None) -> None:
        self._take_asked(peer, answer)
        self.tell(ParentsAnswered(peer, ids))

    def _take_asked(self, peer: NodeId, answer: bytes | None) -> int:
        if answer is None:
            return 0
        try:
            wires = decode_vertices(answer)
        except RemoteProtocolError:
            self.world.part(self.name, peer)
            return 0
        self.take_found(wires, peer)
        return len(wires)

    def take_found(self, wires: Sequence[bytes], peer: NodeId) -> None:
        """Take vertices that ``peer`` was asked for."""
        self._take_vertices(peer, wires, is_asked=True)

    def _read_page(self, peer: NodeId, ranges: tuple[Range, ...], start: int) -> None:
        """Read one page of a stream and then the next; a page that is lost ends it."""
        body = start.to_bytes(4, "big") + encode_wanted(ranges)

        def take(answer: bytes | None) -> None:
            if self._take_asked(peer, answer) < PAGE_VERTICES_MAX:
                self.tell(RangesEnded(peer))
            else:
                self._read_page(peer, ranges, start + PAGE_VERTICES_MAX)

        self._ask(peer, RANGE, body, take)
