"""Who is told what, and who is asked for what (SPEC.md section 8.7).

New vertices are pushed to a few neighbours; everything that a push misses is found by comparing
frontiers.  Missing parents are asked from whoever sent the child.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from random import Random

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .frontier import Frontier, Range, Tag
from .gossip_events import (
    Accepted,
    AnswerFrontier,
    AskFrontier,
    AskParents,
    AskRanges,
    CutOff,
    ForkProved,
    FrontierAnswered,
    FrontierReceived,
    GossipCommand,
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
from .limits import (
    DIFFERENCES_MAX,
    FED_PUSHED_SHARE,
    FETCH_IDS_MAX,
    FORWARD_DELAY_S,
    FRONTIER_ENTRIES_MAX,
    FRONTIER_INTERVAL_S,
    FRONTIER_JITTER,
    HEADS_MAX,
    PAGE_VERTICES_MAX,
    PARENT_ASKS_MAX,
    PARENTS_WANTED_MAX,
    PROOFS_REMEMBERED_MAX,
    PUSH_PEERS_MAX,
    RANGE_STREAMS_MAX,
    RANGES_MAX,
    TAG_BYTES,
)
from .messages import FrontierMessage
from .neighbour import Neighbour
from .vertex import VertexId, tag_of


@dataclass(slots=True)
class _Wanted:
    """One missing parent: who is asked now, and how often someone was."""

    first: NodeId
    asking: NodeId | None = None
    asks: int = 0


@dataclass(slots=True)
class _Forward:
    """One vertex to be passed on: whose it is, and who has it already."""

    tag: bytes
    known_to: set[NodeId]


class Gossip:
    """Spreads what is new and finds what is missing."""

    def __init__(self, random: Random) -> None:
        """Draw neighbours and pauses from ``random``."""
        self._random = random
        self._frontier = Frontier()
        self._neighbours: dict[NodeId, Neighbour] = {}
        self._pulls: dict[Tag, tuple[NodeId, Range]] = {}
        self._wanted: dict[VertexId, _Wanted] = {}
        self._proved: dict[NodeId, None] = {}
        self._forwards: dict[bytes, _Forward] = {}
        """Vertices to be passed on, by their form on the wire."""

        self._forward_at = inf

    @property
    def deadline(self) -> float:
        """When there is something to do next, in seconds on the caller's clock; inf for never."""
        at = self._forward_at
        for side in self._neighbours.values():
            # Asked for after every event, and a generator costs more than the comparison.
            if side.ask_at < at and not side.asking:
                at = side.ask_at
        return at

    @property
    def differences(self) -> int:
        """How many differences to frontiers of neighbours are remembered (section 8.23)."""
        return sum(side.differences for side in self._neighbours.values())

    def heads(self, issuer: NodeId) -> list[VertexId]:
        """Return the heads that are held of ``issuer``, at most ``HEADS_MAX`` of a fork."""
        return self._frontier.heads(Tag(tag_of(issuer)))[:HEADS_MAX]

    def handle(self, event: GossipEvent | Tick, now: float) -> list[GossipCommand]:
        """Take one event at time ``now`` and return what to do."""
        match event:
            case VerticesAccepted():
                return self._spread(event.vertices, now)
            case VerticesSeen():
                self._note_seen(event)
                return []
            case VerticesLacked(peer, tags):
                if peer in self._neighbours:
                    self._neighbours[peer].note_lacking(tags)
                return []
            case VerticesRestored(vertices):
                self._count(vertices)
                return []
            case ParentsMissing(peer, ids):
                return self._want(peer, ids)
            case ParentsAnswered(peer, ids):
                return self._ask_elsewhere(peer, ids)
            case FrontierReceived(peer, message):
                return self._answer(peer, message)
            case FrontierAnswered(peer, message):
                return self._compare(peer, message, now)
            case RangesEnded(peer):
                return self._end_pull(peer)
            case VerticesChecked():
                return self._judge(event)
            case ForkProved():
                return self._pass_proof(event)
            case PeerJoined(peer):
                if peer not in self._neighbours:
                    self._neighbours[peer] = Neighbour(ask_at=now)
                    self._share_room()
                return self._ask_due(now)
            case PeerLeft(peer):
                return self._leave(peer)
            case Tick():
                return [*self._forward_due(now), *self._ask_due(now)]

    def _spread(self, vertices: Sequence[Accepted], now: float) -> list[GossipCommand]:
        """Push own vertices at once, and those of others soon."""
        self._count(vertices)
        own = tuple(vertex.wire for vertex in vertices if vertex.source is None)
        sources = {vertex.source for vertex in vertices if vertex.source is not None}
        pushing = {source for source in sources if not self._is_read_from(source)}
        for vertex in vertices if pushing else ():
            if vertex.source is not None and vertex.source in pushing:
                self._forwards[vertex.wire] = _Forward(vertex.id[:TAG_BYTES], {vertex.source})
        if self._forwards and self._forward_at == inf:
            self._forward_at = now + self._random.uniform(0, FORWARD_DELAY_S)
        if len(self._forwards) >= PAGE_VERTICES_MAX:
            self._forward_at = now
        chosen = self._draw(set()) if own else ()
        pushes: list[GossipCommand] = [PushVertices(tuple(chosen), own)] if chosen else []
        return [*pushes, *self._forward_due(now)]

    def _is_read_from(self, source: NodeId) -> bool:
        # What a stream of ranges brings is old: whoever lacks it reads it the same way.
        side = self._neighbours.get(source)
        return side is not None and side.pulling

    def _note_seen(self, seen: VerticesSeen) -> None:
        for wire in seen.wires:
            if wire in self._forwards:
                self._forwards[wire].known_to.add(seen.peer)
        if seen.peer in self._neighbours:
            self._neighbours[seen.peer].note_fed(seen.tags)

    def _forward_due(self, now: float) -> list[GossipCommand]:
        if self._forward_at > now:
            return []
        self._forward_at = inf
        forwards, self._forwards = self._forwards, {}
        for wire, forward in forwards.items():
            for peer in self._draw(forward.known_to):
                if not self._is_fed(peer, forward.tag):
                    # What finds no room is found by comparing frontiers.
                    self._neighbours[peer].outbound.put((forward.tag,), wire, len(wire))
        pushes: list[GossipCommand] = []
        for peer, side in self._neighbours.items():
            if side.outbound:
                pushes.append(PushVertices((peer,), tuple(side.outbound.take(PAGE_VERTICES_MAX))))
            if side.outbound:
                self._forward_at = now + FORWARD_DELAY_S
        return pushes

    def _is_fed(self, peer: NodeId, tag: bytes) -> bool:
        # With more neighbours than a vertex is pushed to, who feeds whom changes all the time.
        if len(self._neighbours) > PUSH_PEERS_MAX or not self._neighbours[peer].is_fed(tag):
            return False
        # A few go there all the same, or it would not learn that this side is fed as well.
        return self._random.random() >= FED_PUSHED_SHARE

    def _draw(self, known_to: set[NodeId]) -> list[NodeId]:
        """Return some neighbours, none of ``known_to``."""
        others = [peer for peer in self._neighbours if peer not in known_to]
        if not others:
            return []
        return self._random.sample(others, min(PUSH_PEERS_MAX, len(others)))

    def _count(self, vertices: Sequence[Accepted]) -> None:
        for vertex in vertices:
            self._frontier.add(vertex.id, vertex.previous)
            if self._wanted:
                self._wanted.pop(vertex.id, None)

    def _ask_due(self, now: float) -> list[GossipCommand]:
        return [
            AskFrontier(peer, side.ask(self._frontier.entries))
            for peer, side in self._neighbours.items()
            if side.ask_at <= now and not side.asking
        ]

    def _answer(self, peer: NodeId, question: FrontierMessage) -> list[GossipCommand]:
        side = self._neighbours.get(peer)
        if side is None:
            return []
        answer = side.answer(question, self._frontier.entries)
        return [AnswerFrontier(peer, answer), *self._pull(peer, side, is_retry=False)]

    def _compare(
        self, peer: NodeId, answer: FrontierMessage | None, now: float
    ) -> list[GossipCommand]:
        side = self._neighbours.get(peer)
        if side is None:
            return []
        side.asking = False
        side.ask_at = now + FRONTIER_INTERVAL_S * (
            1 + FRONTIER_JITTER * self._random.uniform(-1, 1)
        )
        if answer is None:
            # Whether the question arrived is unknown, so both sides begin again.
            side.reset_due = True
            return []
        side.learn(answer, self._frontier.entries)
        return self._pull(peer, side, is_retry=True)

    def _pull(self, peer: NodeId, side: Neighbour, *, is_retry: bool) -> list[GossipCommand]:
        """Ask ``peer`` for what it has; an issuer is asked for at one neighbour at a time."""
        if side.pulling or self._open_pulls() >= RANGE_STREAMS_MAX:
            return []
        missing = side.missing_here(self._frontier.entries, is_retry=is_retry)
        ranges = [wanted for wanted in missing if wanted.tag not in self._pulls][:RANGES_MAX]
        if not ranges:
            return []
        side.pulling = True
        for wanted in ranges:
            self._pulls[wanted.tag] = (peer, wanted)
            side.count_asked(wanted.tag, self._frontier.entries.get(wanted.tag))
        return [AskRanges(peer, tuple(ranges))]

    def _open_pulls(self) -> int:
        return sum(side.pulling for side in self._neighbours.values())

    def _end_pull(self, peer: NodeId) -> list[GossipCommand]:
        self._forget_pulls(peer)
        side = self._neighbours.get(peer)
        if side is None:
            return self._ask_idle()
        side.pulling = False
        # One stream may not have been enough.  What brought nothing waits for the next exchange, or
        # a neighbour that promises and does not deliver would keep both sides busy.
        return [*self._pull(peer, side, is_retry=False), *self._ask_idle()]

    def _forget_pulls(self, peer: NodeId) -> None:
        for tag in [tag for tag, (source, _) in self._pulls.items() if source == peer]:
            del self._pulls[tag]

    def _want(self, peer: NodeId, ids: Sequence[VertexId]) -> list[GossipCommand]:
        for vertex_id in ids:
            if len(self._wanted) < PARENTS_WANTED_MAX:
                self._wanted.setdefault(vertex_id, _Wanted(first=peer))
        return self._ask_idle(ids)

    def _ask_idle(self, ids: Sequence[VertexId] | None = None) -> list[GossipCommand]:
        """Ask for the wanted parents that nobody is asked for and no open stream brings."""
        to_ask: dict[NodeId, list[VertexId]] = {}
        for vertex_id in list(self._wanted) if ids is None else ids:
            wanted = self._wanted.get(vertex_id)
            if wanted is None or wanted.asking is not None or self._is_coming(vertex_id):
                continue
            peer = self._whom_to_ask(wanted)
            if peer is None:
                del self._wanted[vertex_id]
                continue
            wanted.asking = peer
            wanted.asks += 1
            to_ask.setdefault(peer, []).append(vertex_id)
        return [
            AskParents(peer, tuple(asked[start : start + FETCH_IDS_MAX]))
            for peer, asked in to_ask.items()
            for start in range(0, len(asked), FETCH_IDS_MAX)
        ]

    def _is_coming(self, vertex_id: VertexId) -> bool:
        pull = self._pulls.get(Tag(vertex_id[:8]))
        seq = int.from_bytes(vertex_id[8:12], "big")
        return pull is not None and pull[1].first <= seq <= pull[1].last

    def _whom_to_ask(self, wanted: _Wanted) -> NodeId | None:
        if wanted.asks >= PARENT_ASKS_MAX or not self._neighbours:
            return None
        if wanted.asks == 0 and wanted.first in self._neighbours:
            return wanted.first
        return self._random.choice(list(self._neighbours))

    def _ask_elsewhere(self, peer: NodeId, ids: Sequence[VertexId]) -> list[GossipCommand]:
        for vertex_id in ids:
            wanted = self._wanted.get(vertex_id)
            if wanted is not None and wanted.asking == peer:
                wanted.asking = None
        return self._ask_idle(ids)

    def _leave(self, peer: NodeId) -> list[GossipCommand]:
        self._neighbours.pop(peer, None)
        self._share_room()
        self._forget_pulls(peer)
        for wanted in self._wanted.values():
            if wanted.asking == peer:
                wanted.asking = None
        return self._ask_idle()

    def _share_room(self) -> None:
        each = DIFFERENCES_MAX // max(1, len(self._neighbours))
        for side in self._neighbours.values():
            side.room = min(max(each, RANGES_MAX), FRONTIER_ENTRIES_MAX)

    def _judge(self, event: VerticesChecked) -> list[GossipCommand]:
        side = self._neighbours.get(event.peer)
        if side is None or side.count_checked(event.checked, event.invalid):
            return []
        return [CutOff(event.peer, f"too many invalid vertices: {event.reason}")]

    def _pass_proof(self, event: ForkProved) -> list[GossipCommand]:
        if event.issuer in self._proved:
            return []
        if len(self._proved) == PROOFS_REMEMBERED_MAX:
            del self._proved[next(iter(self._proved))]
        self._proved[event.issuer] = None
        others = tuple(peer for peer in self._neighbours if peer != event.source)
        return [PassProof(others, event.proof)] if others else []
