"""Whole nodes in a made-up world: ledger, intake, gossip, amnesia guard, validator, wallet, disk.

One seed decides everything.  Messages are lost, doubled, delayed and overtake each other; the world
falls apart and heals; nodes crash, lose what was not synced, and come back.  Signatures are left
out, because nothing that is tested here looks at them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random

from fogbank_dag_ledger.amnesia import (
    AmnesiaGuard,
    AskHead,
    BeginIssuing,
    FetchOwn,
    HeadAnswered,
    OwnVertexHeld,
    SeatJoined,
    SeatLeft,
    Started,
    StopIssuing,
)
from fogbank_dag_ledger.events import Equivocated
from fogbank_dag_ledger.frontier import Range, Tag
from fogbank_dag_ledger.gossip import Gossip
from fogbank_dag_ledger.gossip_events import (
    Accepted,
    AnswerFrontier,
    AskFrontier,
    AskParents,
    AskRanges,
    CutOff,
    ForkProved,
    FrontierAnswered,
    FrontierReceived,
    GossipEvent,
    ParentsAnswered,
    ParentsMissing,
    PassProof,
    PeerJoined,
    PeerLeft,
    PushVertices,
    RangesEnded,
    VerticesAccepted,
    VerticesChecked,
    VerticesLacked,
    VerticesRestored,
    VerticesSeen,
)
from fogbank_dag_ledger.intake import Intake, Outcome
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import PAGE_VERTICES_MAX
from fogbank_dag_ledger.messages import (
    FrontierMessage,
    decode_frontier,
    decode_heads,
    decode_wanted,
    encode_frontier,
    encode_ids,
    encode_wanted,
)
from fogbank_dag_ledger.validator import LedgerGrew, Validator
from fogbank_dag_ledger.vertex import Draft, VertexId, seq_in, tag_in
from fogbank_dag_ledger.vertex_codec import decode_vertex, encode_vertex
from fogbank_dag_ledger.wallet import PaymentRefused, Wallet
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .community import Community, unsigned


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the network is; shares of one-way messages and of requests."""

    lost: float = 0.0
    doubled: float = 0.0
    delay_s: tuple[float, float] = (0.001, 0.02)


@dataclass(slots=True)
class Disk:
    """What a node keeps: all of its own log, and of the store what was synced."""

    log: list[bytes] = field(default_factory=list[bytes])
    store: list[tuple[VertexId, bytes]] = field(default_factory=list[tuple[VertexId, bytes]])


class World:
    """A community of nodes, a network and a clock."""

    def __init__(self, seed: int, *, seats: int = 4, others: int = 2) -> None:
        self.random = Random(seed)
        self.community = Community(seats=seats, others=others)
        self.weather = Weather()
        self.now = 0.0
        self.apart: set[frozenset[NodeId]] = set()
        self.disks = {name: Disk() for name in self.community.names}
        self.nodes: dict[NodeId, Node] = {}
        self.forked: set[NodeId] = set()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do ``action`` so much later."""
        heappush(self._agenda, (self.now + delay_s, next(self._order), action))

    def message(self, sender: "Node", receiver: NodeId, action: Callable[["Node"], None]) -> bool:
        """Carry a message as the weather allows; False when it is lost for certain."""
        if self.random.random() < self.weather.lost or not self.hears(sender.name, receiver):
            return False
        copies = 2 if self.random.random() < self.weather.doubled else 1
        for _ in range(copies):
            self.later(
                self.random.uniform(*self.weather.delay_s),
                lambda: self._deliver(sender.name, receiver, action),
            )
        return True

    def _deliver(self, sender: NodeId, receiver: NodeId, action: Callable[["Node"], None]) -> None:
        node = self.nodes.get(receiver)
        if node is not None and self.hears(sender, receiver):
            action(node)

    def hears(self, one: NodeId, other: NodeId) -> bool:
        """Tell whether two nodes can reach each other."""
        return other in self.nodes and frozenset((one, other)) not in self.apart

    def start(self, name: NodeId) -> None:
        """Start a node on what its disk holds, and connect it."""
        node = Node(self, name, self.disks[name])
        self.nodes[name] = node
        node.begin()
        for other in self.nodes.values():
            if other is not node and self.hears(name, other.name):
                self._connect(node, other)

    def crash(self, name: NodeId) -> None:
        """Stop a node at once; up to 30 of the last vertices of others were not synced."""
        del self.nodes[name]
        for other in self.nodes.values():
            other.lose_peer(name)
        store = self.disks[name].store
        del store[len(store) - min(len(store), self.random.randrange(30)) :]

    def separate(self, side: Sequence[NodeId]) -> None:
        """Cut ``side`` off from the rest."""
        for one in side:
            for other in self.community.names:
                if other not in side:
                    self.apart.add(frozenset((one, other)))
                    if one in self.nodes and other in self.nodes:
                        self.nodes[one].lose_peer(other)
                        self.nodes[other].lose_peer(one)

    def heal(self) -> None:
        """Let everyone hear everyone, in fine weather."""
        self.weather = Weather()
        pairs, self.apart = self.apart, set()
        for one, other in map(tuple, pairs):
            if one in self.nodes and other in self.nodes:
                self._connect(self.nodes[one], self.nodes[other])

    def _connect(self, one: "Node", other: "Node") -> None:
        one.meet_peer(other.name)
        other.meet_peer(one.name)

    def run(self, until: float) -> None:
        """Let time pass."""
        while True:
            at, node = min(
                ((node.deadline, node) for node in self.nodes.values()), key=lambda pair: pair[0]
            )
            if self._agenda and self._agenda[0][0] <= at:
                if self._agenda[0][0] > until:
                    break
                self.now, _, action = heappop(self._agenda)
                action()
            elif at <= until:
                self.now = max(self.now, at)
                node.tick()
            else:
                break
        self.now = until


class Node:
    """One agent: the real machines, and a shell that performs what they say in the world."""

    def __init__(self, world: World, name: NodeId, disk: Disk) -> None:
        self.world = world
        self.name = name
        self.disk = disk
        genesis = world.community.genesis
        self.ledger = Ledger(genesis)
        self.intake = Intake(self.ledger)
        self.gossip = Gossip(Random(world.random.random()))
        self.guard = AmnesiaGuard(name, genesis.seats, genesis.quorum)
        self.wallet = Wallet(self.ledger, name, self._draws())
        self.validator: Validator | None = None
        self.may_issue = False
        self.stopped = False
        self.needless = 0
        """Vertices that were pushed here in vain."""

        self.peers: set[NodeId] = set()
        self._logged: list[bytes] = []
        self._answer = FrontierMessage(reset=False, entries={})

    def _draws(self) -> Iterator[int]:
        while True:
            yield self.world.random.getrandbits(32)

    @property
    def deadline(self) -> float:
        deadlines = [self.gossip.deadline, self.guard.deadline]
        if self.validator is not None:
            deadlines.append(self.validator.deadline)
        return min(deadlines)

    def tick(self) -> None:
        self.tell(Tick())
        self._guard_commands(self.guard.handle(Tick(), self.world.now))
        if self.validator is not None:
            self._vote(Tick())

    def begin(self) -> None:
        network = self.world.community.network
        for _, wire in self.disk.store:
            outcome = self.intake.take([(decode_vertex(wire, network), None)])
            restored = tuple(Accepted(v.id, v.prev, wire) for v, _ in outcome.accepted)
            self.tell(VerticesRestored(restored))
            self._note_own(outcome)
        self._logged = list(self.disk.log)
        self._replay_log()

    def _replay_log(self) -> None:
        """Take own vertices from the log as far as their edges are here; then the guard starts."""
        while self._logged:
            vertex = decode_vertex(self._logged[0], self.world.community.network)
            if self.ledger.missing(vertex) and vertex.id not in self.ledger:
                if self.peers:
                    peer = min(self.peers)
                    self.tell(ParentsMissing(peer, self.ledger.missing(vertex)))
                self.world.later(1.0, self._replay_log)
                return
            del self._logged[0]
            self.absorb(self.intake.take([(vertex, None)]))
        self._guard_commands(self.guard.handle(Started(), self.world.now))

    def meet_peer(self, peer: NodeId) -> None:
        self.peers.add(peer)
        self.tell(PeerJoined(peer))
        self._guard_commands(self.guard.handle(SeatJoined(peer), self.world.now))

    def lose_peer(self, peer: NodeId) -> None:
        self.peers.discard(peer)
        self.tell(PeerLeft(peer))
        self._guard_commands(self.guard.handle(SeatLeft(peer), self.world.now))

    def pay(self, recipient: NodeId, amount: int) -> VertexId | None:
        """Pay when the wallet and the guard allow it."""
        if not self.may_issue:
            return None
        try:
            return self._issue(self.wallet.claim() or self.wallet.pay({recipient: amount}))
        except PaymentRefused:
            return None

    def _issue(self, draft: Draft) -> VertexId:
        vertex = unsigned(draft, self.world.community.network)
        self.disk.log.append(encode_vertex(vertex))
        self.absorb(self.intake.take([(vertex, None)]))
        return vertex.id

    def _vote(self, event: LedgerGrew | Tick) -> None:
        assert self.validator is not None
        for command in self.validator.handle(event, self.world.now):
            if self.may_issue:
                self._issue(command.draft)

    def take(self, vertices: Sequence[bytes], peer: NodeId, *, is_asked: bool) -> None:
        network = self.world.community.network
        decoded = [decode_vertex(wire, network) for wire in vertices]
        held = {
            wire: tag_in(vertex.id)
            for vertex, wire in zip(decoded, vertices, strict=True)
            if vertex.id in self.ledger
        }
        if held and not is_asked:
            self.needless += len(held)
            self.tell(VerticesSeen(peer, tuple(held), frozenset(held.values())))
        wanted = [
            (vertex, peer)
            for vertex in decoded
            if not self.intake.holds(vertex.id)
            and (is_asked or self.ledger.unwanted(vertex) is None)
        ]
        self.absorb(self.intake.take(wanted))

    def absorb(self, outcome: Outcome) -> None:
        accepted = tuple(
            Accepted(vertex.id, vertex.prev, encode_vertex(vertex), source)
            for vertex, source in outcome.accepted
        )
        self.disk.store.extend((vertex.id, vertex.wire) for vertex in accepted)
        if accepted:
            self.tell(VerticesAccepted(accepted))
        self._note_own(outcome)
        for event in outcome.events:
            if isinstance(event, Equivocated):
                self.world.forked.add(event.issuer)
                self.tell(ForkProved(event.issuer, event.proof, None))
        for vertex_id, peer in outcome.missing.items():
            self.tell(ParentsMissing(peer, (vertex_id,)))
        for peer, invalid in outcome.invalid.items():
            self.tell(VerticesChecked(peer, invalid, invalid, outcome.broken_rule))
        if self.validator is not None and outcome.events:
            self._vote(LedgerGrew(outcome.events))

    def _note_own(self, outcome: Outcome) -> None:
        for vertex, source in outcome.accepted:
            if vertex.issuer == self.name:
                event = OwnVertexHeld(vertex.id, issued_here=source is None)
                self._guard_commands(self.guard.handle(event, self.world.now))

    def _guard_commands(self, commands: Sequence[object]) -> None:
        for command in commands:
            match command:
                case AskHead(peer):
                    self._request(
                        peer,
                        lambda node: encode_ids(node.gossip.heads(self.name)),
                        partial(self._take_heads, peer),
                    )
                case FetchOwn(peer, ids):
                    self.tell(ParentsMissing(peer, ids))
                case BeginIssuing():
                    self.may_issue = True
                    if self.name in self.world.community.validators:
                        self.validator = Validator(self.ledger, self.name, self.world.now)
                case StopIssuing():
                    self.may_issue = False
                    self.stopped = True
                case _:
                    raise AssertionError(command)

    def _take_heads(self, peer: NodeId, answer: bytes | None) -> None:
        heads = None if answer is None else tuple(decode_heads(answer))
        self._guard_commands(self.guard.handle(HeadAnswered(peer, heads), self.world.now))

    def tell(self, event: GossipEvent | Tick) -> None:
        for command in self.gossip.handle(event, self.world.now):
            match command:
                case PushVertices(peers, vertices):
                    for peer in peers:
                        self._push(peer, vertices)
                case AskFrontier(peer, message):
                    self._ask_frontier(peer, message)
                case AskRanges(peer, ranges):
                    self._read_page(peer, list(ranges), 0)
                case AskParents(peer, ids):
                    self._ask_parents(peer, ids)
                case AnswerFrontier():
                    self._answer = command.message
                case PassProof(peers, proof):
                    for peer in peers:
                        self.world.message(self, peer, lambda node: node.learn(proof, self.name))
                case CutOff():
                    raise AssertionError(command)

    def learn(self, proof: bytes, peer: NodeId) -> None:
        # A proof's signatures do not hold here, so only its being passed on is acted out.
        self.tell(ForkProved(NodeId(proof[:32]), proof, peer))

    def _push(self, peer: NodeId, vertices: Sequence[bytes]) -> None:
        self.world.message(self, peer, lambda node: node.take(vertices, self.name, is_asked=False))

    def _request(
        self,
        peer: NodeId,
        answer: Callable[["Node"], bytes],
        take: Callable[[bytes | None], None],
    ) -> None:
        """Ask, and take the answer, or None after a while."""
        done: list[bool] = []

        def arrive(result: bytes | None) -> None:
            if not done and self.world.nodes.get(self.name) is self:
                done.append(True)
                take(result)

        def handle(node: Node) -> None:
            result = answer(node)
            self.world.message(node, self.name, lambda _: arrive(result))

        self.world.message(self, peer, handle)
        self.world.later(1.0, lambda: arrive(None))

    def _ask_frontier(self, peer: NodeId, message: FrontierMessage) -> None:
        body = encode_frontier(message)
        self._request(
            peer,
            lambda node: node.answer_frontier(self.name, body),
            lambda answer: self.tell(
                FrontierAnswered(peer, None if answer is None else decode_frontier(answer))
            ),
        )

    def answer_frontier(self, peer: NodeId, body: bytes) -> bytes:
        self.tell(PeerJoined(peer))
        self.tell(FrontierReceived(peer, decode_frontier(body)))
        return encode_frontier(self._answer)

    def _ask_parents(self, peer: NodeId, ids: tuple[VertexId, ...]) -> None:
        found: list[bytes] = []

        def answer(node: Node) -> bytes:
            node.tell(VerticesLacked(self.name, frozenset(map(tag_in, ids))))
            found.extend(node.find(lambda vertex_id: vertex_id in ids))
            return b"found"

        def take(result: bytes | None) -> None:
            if result is not None:
                self.take(found, peer, is_asked=True)
            self.tell(ParentsAnswered(peer, ids))

        self._request(peer, answer, take)

    def _read_page(self, peer: NodeId, ranges: list[Range], start: int) -> None:
        """Read one page of a stream and then the next; a page that is lost ends it."""
        body = encode_wanted(ranges)
        page: list[bytes] = []

        def answer(node: Node) -> bytes:
            node.tell(VerticesLacked(self.name, frozenset(one.tag for one in ranges)))
            wanted = {one.tag: one for one in decode_wanted(body)}

            def is_wanted(vertex_id: VertexId) -> bool:
                one = wanted.get(Tag(tag_in(vertex_id)))
                return one is not None and one.first <= seq_in(vertex_id) <= one.last

            page[:] = node.find(is_wanted)[start : start + PAGE_VERTICES_MAX]
            return b"page"

        def take(result: bytes | None) -> None:
            if result is not None:
                self.take(page, peer, is_asked=True)
            if result is None or len(page) < PAGE_VERTICES_MAX:
                self.tell(RangesEnded(peer))
            else:
                self._read_page(peer, ranges, start + PAGE_VERTICES_MAX)

        self._request(peer, answer, take)

    def find(self, is_wanted: Callable[[VertexId], bool]) -> list[bytes]:
        return [wire for vertex_id, wire in self.disk.store if is_wanted(vertex_id)]
