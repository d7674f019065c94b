"""An honest node: the real machines, and a shell that performs what they say in the world."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from math import inf
from random import Random
from typing import TYPE_CHECKING

from fogbank_dag_ledger.amnesia import AskHead, HeadAnswered
from fogbank_dag_ledger.checkpoint import (
    CHECKPOINT,
    CheckpointHash,
    decode_names_request,
    decode_nothing,
    decode_signed,
    decode_state_request,
    encode_names,
    encode_newest,
    encode_records,
    encode_signed,
    preimage,
)
from fogbank_dag_ledger.checkpointing import (
    Certified,
    CheckpointArrived,
    CheckpointSigned,
    KeepCheckpoint,
    Pace,
    SignCheckpoint,
    SpreadCheckpoint,
)
from fogbank_dag_ledger.committee_proof import decode_committee_request, encode_committee_proof
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
from fogbank_dag_ledger.operations import Operation
from fogbank_dag_ledger.participation import Participant
from fogbank_dag_ledger.participation.happenings import (
    ActWanted,
    AdoptOwn,
    CheckpointKept,
    KeepCommittee,
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
    PromisesRead,
    ProofArrived,
    PublishNews,
    ReadOwnLog,
    ShortenOwnLog,
    StoreEnded,
    StoreRead,
    TellEvents,
    VerticesArrived,
)
from fogbank_dag_ledger.participation.issuing_state import Issuing, Stopped
from fogbank_dag_ledger.service.bootstrap import fetch_snapshot
from fogbank_dag_ledger.strangers import find_work
from fogbank_dag_ledger.vertex import ORDINARY, Vertex, VertexId, seq_in, tag_in
from fogbank_dag_ledger.vertex_codec import decode_vertex, encode_vertex
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick
from fogbank_protocol.node.failures import CallRefused

from .instant_calls import InstantCalls, at_once

if TYPE_CHECKING:
    from .world import Resident, World

SYNC_S = (0.0005, 0.01)
"""How long a sync of the disk takes."""

PACE = Pace(interval_s=1.0, turn_s=0.3, retry_s=0.2)
"""Checkpoints as fast as everything else here."""

NO_PACE = Pace(interval_s=1e9)
PATIENCE_S = 1.5
"""How long what is missing may be on its way before a state is taken in its place."""

STATE_PAGE_RECORDS = 7
"""Few, so that a state has several pages."""

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
        pace = PACE if world.prunes else NO_PACE
        self.participant = Participant(genesis, name, Random(world.random.random()), pace)
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
        self._kept_at = 0.0

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

    def act(self, operation: Operation) -> None:
        """Wish for an op that is no payment."""
        self.tell(ActWanted(next(self._numbers), (operation,)))

    # Life.

    def begin(self) -> None:
        """Read the disk."""
        network = self.world.community.network
        self._own_log = iter(self.disk.open(network, self.name))
        floor = self.disk.read_floor(self.world.community.genesis)
        if floor is not None:
            self.world.judge.note_floor(self, floor.floor)
            self.tell(floor)
        stored = [decode_vertex(wire, network) for _, wire in self.disk.store]
        for start in range(0, len(stored), REPLAY_PAUSE_VERTICES):
            self.tell(StoreRead(stored[start : start + REPLAY_PAUSE_VERTICES]))
        self.tell(PromisesRead(list(self.disk.sealed.items())))
        self.tell(StoreEnded())
        if self.disk.newest is not None:
            newest = self.disk.newest
            told = CheckpointArrived(self.name, newest.checkpoint.body, newest.signatures)
            self.tell(told)
        if self.world.prunes:
            self._look_behind(self.participant.checkpointing.height, 0.0)

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
                self.world.kept.extend((vertex.id, wire) for vertex, wire in vertices)
                self.disk.keep((vertex.id, wire) for vertex, wire in vertices)
                self.world.later(self.world.random.uniform(0, STORE_BATCH_S), self._sync_store)
            case ReadOwnLog():
                page = list(islice(self._own_log, REPLAY_PAUSE_VERTICES))
                network = self.world.community.network
                read = OwnLogRead([decode_vertex(wire, network) for wire in page])
                self.later(self._sync_s(), lambda: read)
            case AdoptOwn(ids):
                self._adopt(ids)
            case ShortenOwnLog():
                self._shorten_own_log(command.first)
            case TellEvents(events):
                self.world.judge.note(self, events)
            case PaymentEnded(_, result):
                if isinstance(result, Vertex):
                    self.paid.append(result.id)
                    self.world.judge.note_paid(self, result)
            case PublishNews():
                pass
            case SignCheckpoint():
                self._sign_checkpoint(command)
            case KeepCommittee(epoch, shown_by):
                wires = {one: wire for one, wire in self.disk.store if one in shown_by}
                if len(wires) == len(shown_by):
                    first, *others = [wires[one] for one in shown_by]
                    self.disk.committees[epoch] = encode_committee_proof(first, others)
            case SpreadCheckpoint(body, signatures, source, to):
                signed = encode_signed(body, signatures)
                for peer in [to] if to is not None else list(self.participant.peers):
                    if peer != source:
                        self._send(peer, CHECKPOINT, signed)
            case KeepCheckpoint():
                self.world.judge.note_checkpoint(self, command)
                self._keep_checkpoint(command)
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

    # Checkpoints.

    def _sign_checkpoint(self, command: SignCheckpoint) -> None:
        name = command.hash
        identity = self.world.community.key(self.name)

        def signed() -> CheckpointSigned:
            self.disk.seal(command.sealed, command.epoch)
            return CheckpointSigned(
                name, identity.sign(preimage(self.world.community.network, name))
            )

        self.later(self._sync_s(), signed)

    def _keep_checkpoint(self, command: KeepCheckpoint) -> None:
        # One after the other, however long each of them takes.
        self._kept_at = max(self._kept_at, self.world.now + self._sync_s())

        def keep() -> None:
            if self._is_alive:
                self.disk.keep_checkpoint(command)
                if command.floor is not None:
                    self.tell(CheckpointKept(command.floor.checkpoint.height))

        self.world.later(self._kept_at - self.world.now, keep)

    def _shorten_own_log(self, first: int) -> None:
        """Do it however short the log is: the real one waits until it is worth its while."""
        network = self.world.community.network
        before = len(self.disk.log)
        self.disk.shorten_own(lambda wire: decode_vertex(wire, network).seq >= first)
        self.world.judge.met["own logs shortened"] += len(self.disk.log) < before

    def _look_behind(self, height: int, behind_s: float) -> None:
        """Take the state of others once they have forgotten what is missing here for a while."""
        if not self._is_alive:
            return
        checkpointing = self.participant.checkpointing
        is_behind = checkpointing.is_behind and checkpointing.height == height
        patience_s = PATIENCE_S if len(self.ledger) else 0.0
        if is_behind and behind_s >= patience_s and self._begin_anew():
            return
        behind_s = behind_s + PACE.retry_s if is_behind else 0.0
        height = checkpointing.height
        self.world.later(PACE.retry_s, lambda: self._look_behind(height, behind_s))

    def _begin_anew(self) -> bool:
        peers = list(self.participant.peers)
        above = self.participant.checkpointing.height - 1
        genesis = self.world.community.genesis
        snapshot = at_once(fetch_snapshot(InstantCalls(self), genesis, peers, above))
        if snapshot is None:
            return False
        self.world.judge.met["snapshots taken"] += 1
        later = snapshot.certified.checkpoint.epoch > 0
        self.world.judge.met["snapshots of later epochs"] += later
        self.world.restart_at(self, snapshot)
        return True

    def _answer_state(self, body: bytes) -> bytes:
        name, first = decode_state_request(body)
        records = list(islice(self._floor_of(name).state.values(), first, None))
        return encode_records(records[:STATE_PAGE_RECORDS])

    def _floor_of(self, name: CheckpointHash) -> Certified:
        floor = self.participant.checkpointing.floor
        if floor is None or floor.checkpoint.hash != name:
            raise CallRefused("not_found", "this is not the floor here")
        return floor

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
                case "ledger.checkpoint":
                    self.tell(CheckpointArrived(sender, *decode_signed(body)))
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
                case "ledger.newest":
                    decode_nothing(body)
                    known = self.participant.checkpointing
                    both = [known.floor, known.newest] if known.floor else [known.newest]
                    told = [(one.checkpoint.body, one.signatures) for one in both if one]
                    return encode_newest(told)
                case "ledger.state":
                    return self._answer_state(body)
                case "ledger.committee":
                    epoch = decode_committee_request(body)
                    return self.disk.committees.get(epoch, b"")
                case "ledger.names":
                    return encode_names(self._floor_of(decode_names_request(body)).names)
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
