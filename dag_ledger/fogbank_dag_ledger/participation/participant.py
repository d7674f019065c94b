"""All the machines of one identity, as one (SPEC.md sections 8.3 to 8.8).

What each of them decides may concern the others: what arrives is taken into the ledger, kept,
spread, voted for and claimed.  Here they meet, and nobody needs to know of trio for that.
"""

from collections.abc import Iterator
from random import Random
from typing import TypeVar

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..amnesia import AskHead, HeadAnswered, SeatJoined, SeatLeft, StopIssuing
from ..checkpoint_state import decode_record
from ..checkpointing import (
    CheckpointArrived,
    Checkpointing,
    CheckpointSigned,
    KeepCheckpoint,
    Pace,
)
from ..events import EpochBegan, Equivocated, Final
from ..genesis import Genesis
from ..gossip import Gossip
from ..gossip_events import (
    Accepted,
    ForkProved,
    GossipEvent,
    ParentsMissing,
    PeerJoined,
    PeerLeft,
    VerticesRestored,
)
from ..intake import Intake, Outcome
from ..ledger import Ledger
from ..own_account import OwnAccount, PaymentReceived
from ..vertex import NO_VERTEX, Vertex, VertexId
from .happenings import (
    ActWanted,
    AdoptOwn,
    CheckpointKept,
    FloorRead,
    KeepCommittee,
    KeepVertices,
    OwnAdopted,
    OwnKept,
    OwnLogRead,
    OwnLost,
    OwnRefused,
    ParticipantCommand,
    ParticipantEvent,
    PaymentWanted,
    PaymentWithdrawn,
    PromisesRead,
    ProofArrived,
    PublishNews,
    ReadOwnLog,
    SeatsWanted,
    ShortenOwnLog,
    StoreEnded,
    StoreFailed,
    StoreRead,
    TellEvents,
    VerticesArrived,
    VoucherRemembered,
)
from .issuing import OwnIssuing
from .issuing_state import IssuingChanged, IssuingState
from .own_chain import OwnChain, OwnChainCommand
from .reports import accepted_by, missing_of_proof, reports_on_peers, restored_by

Given = TypeVar("Given")


class Participant:
    """One identity's part in the ledger."""

    def __init__(
        self, genesis: Genesis, own: NodeId, random: Random, pace: Pace | None = None
    ) -> None:
        """Take part as ``own``; neighbours, pauses and tips are drawn from ``random``.

        ``pace`` is that of checkpoints, None: as SPEC.md has it.
        """
        self.ledger = Ledger(genesis)
        self.intake = Intake(self.ledger)
        self.account = OwnAccount(self.ledger, own)
        self.peers: dict[NodeId, None] = {}
        """Who is connected now."""

        self._gossip = Gossip(random)
        self._own_chain = OwnChain(self.ledger, own)
        self._issuing = OwnIssuing(self.ledger, own, _draws(random))
        self.checkpointing = Checkpointing(self.ledger, own, pace)
        self._own = own
        self.wallet = self._issuing.wallet
        self.objects = self._issuing.objects
        self._last_state: IssuingState = self._own_chain.silence

    @property
    def deadline(self) -> float:
        """When to call ``handle`` with a ``Tick``, in seconds on the caller's clock; may be inf."""
        return min(
            self._gossip.deadline,
            self._own_chain.deadline,
            self._issuing.deadline,
            self.checkpointing.deadline,
        )

    def issuing(self, now: float) -> IssuingState:
        """Return whether own vertices are issued."""
        return self._issuing.state(self._own_chain.silence, now)

    def heads(self, issuer: NodeId) -> list[VertexId]:
        """Return the heads that are held of ``issuer``."""
        return self._gossip.heads(issuer)

    def handle(self, event: ParticipantEvent | Tick, now: float) -> list[ParticipantCommand]:
        """Take one event at time ``now`` (seconds, never going back) and return what to do.

        Raises:
            RemoteProtocolError: the proof of ``ProofArrived`` proves nothing.
        """
        commands = self._take(event, now)
        for vertex in self._own_chain.ready():
            commands += self._take_own(vertex, now)
        peer = next(iter(self.peers), None)
        commands += self._guarded(self._own_chain.read_on(peer, now), now)
        commands += self._issuing.next(now)
        commands += self._news_of_state(now)
        return commands

    def _take(self, event: ParticipantEvent | Tick, now: float) -> list[ParticipantCommand]:
        match event:
            case VerticesArrived():
                return self._take_arrived(event, now)
            case OwnKept(vertex):
                return [*self._take_own(vertex, now), *self._issuing.end_kept(vertex)]
            case PeerJoined(peer):
                self.peers[peer] = None
                asked = self._guarded(self._own_chain.handle(SeatJoined(peer), now), now)
                return [*self._spread(event, now), *asked, *self.checkpointing.tell(peer)]
            case PeerLeft(peer):
                self.peers.pop(peer, None)
                asked = self._guarded(self._own_chain.handle(SeatLeft(peer), now), now)
                return [*self._spread(event, now), *asked]
            case HeadAnswered():
                return self._guarded(self._own_chain.handle(event, now), now)
            case ProofArrived():
                return self._take_proof(event, now)
            case Tick():
                asked = self._guarded(self._own_chain.handle(event, now), now)
                return [*self._spread(event, now), *asked, *self._checkpoint(event, now)]
            case CheckpointArrived() | CheckpointSigned():
                return self._checkpoint(event, now)
            case CheckpointKept(height):
                floor = self.checkpointing.floor
                is_newest = floor is not None and floor.checkpoint.height == height
                return [*self._own_chain.shorten()] if is_newest else []
            case FloorRead():
                return self._begin_at(event, now)
            case PromisesRead(sealed):
                epoch = self.ledger.epochs.number
                self.ledger.seal([account for account, promised in sealed if promised == epoch])
                return []
            case StoreRead() | StoreEnded() | OwnLogRead() | OwnAdopted():
                return self._take_restored(event, now)
            case VoucherRemembered(channel, voucher):
                self.objects.remember(channel, voucher)
                return []
            case (
                OwnRefused()
                | OwnLost()
                | StoreFailed()
                | PaymentWanted()
                | ActWanted()
                | PaymentWithdrawn()
                | SeatsWanted()
            ):
                return self._take_for_issuing(event, now)
            case _:
                return self._spread(event, now)

    def _take_restored(
        self, event: StoreRead | StoreEnded | OwnLogRead | OwnAdopted, now: float
    ) -> list[ParticipantCommand]:
        match event:
            case StoreRead(vertices):
                outcome = self.intake.take([(vertex, None) for vertex in vertices])
                return [*self._spread(restored_by(outcome), now), *self._follow(outcome, now)]
            case StoreEnded():
                return self._guarded(self._own_chain.begin(), now)
            case OwnLogRead(vertices):
                return self._guarded(self._own_chain.take_page(vertices, now), now)
            case OwnAdopted():
                self._issuing.begin(now)
                self.checkpointing.begin(now)
                return []

    def _begin_at(self, event: FloorRead, now: float) -> list[ParticipantCommand]:
        """Begin with the state at a checkpoint."""
        records = map(decode_record, event.floor.state.values())
        self.ledger.restore(records, event.names, event.tables)
        self.objects.restore()
        self.checkpointing.restore(event.floor)
        heads = [chain.settled_head for chain in self.ledger.chains()]
        known = tuple(Accepted(head.id, NO_VERTEX, b"") for head in heads if head is not None)
        return [*self._spread(VerticesRestored(known), now), *self._settle_own(now)]

    def _checkpoint(
        self, event: CheckpointArrived | CheckpointSigned | Tick, now: float
    ) -> list[ParticipantCommand]:
        commands: list[ParticipantCommand] = []
        for command in self.checkpointing.handle(event, now):
            commands.append(command)
            if isinstance(command, KeepCheckpoint) and command.floor is not None:
                commands += self._settle_own(now)
        return commands

    def _settle_own(self, now: float) -> list[ParticipantCommand]:
        chain = self.ledger.chain(self._own)
        if chain is None or chain.settled_head is None:
            return []
        return self._guarded(self._own_chain.settle(chain.settled_head.id, now), now)

    def _take_for_issuing(
        self,
        event: (
            OwnRefused
            | OwnLost
            | StoreFailed
            | PaymentWanted
            | ActWanted
            | PaymentWithdrawn
            | SeatsWanted
        ),
        now: float,
    ) -> list[ParticipantCommand]:
        match event:
            case OwnRefused(reason):
                return [*self._issuing.end_refused(reason, now)]
            case OwnLost(reason):
                return [*self._issuing.end_lost(reason)]
            case StoreFailed(reason):
                self._issuing.note_store(reason)
            case PaymentWanted(number, amounts):
                self._issuing.wish(number, amounts)
            case ActWanted(number, operations):
                self._issuing.wish_act(number, operations)
            case PaymentWithdrawn(number):
                self._issuing.withdraw(number)
            case SeatsWanted(table):
                self._issuing.wish_seats(table)
        return []

    def _take_arrived(self, arrived: VerticesArrived, now: float) -> list[ParticipantCommand]:
        outcome = self.intake.take(arrived.vertices, arrived.pushed)
        for _, peer in arrived.vertices:
            outcome.checked[peer] += 1
        for peer, rule in arrived.invalid:
            outcome.checked[peer] += 1
            outcome.refuse(peer, rule)
        return self._absorb(outcome, now)

    def _take_own(self, vertex: Vertex, now: float) -> list[ParticipantCommand]:
        """Take a vertex that is in the own log."""
        return self._absorb(self.intake.take([(vertex, None)]), now)

    def _take_proof(self, arrived: ProofArrived, now: float) -> list[ParticipantCommand]:
        issuer = self.ledger.learn_proof(arrived.proof)
        if issuer is None:
            return []
        proved = ForkProved(issuer, arrived.proof, arrived.peer)
        missing = missing_of_proof(arrived.peer, arrived.proof, self.intake)
        return [*self._spread(proved, now), *self._spread(missing, now)]

    def _absorb(self, outcome: Outcome, now: float) -> list[ParticipantCommand]:
        """Keep and spread what was accepted, and tell everyone what happened."""
        commands: list[ParticipantCommand] = []
        if outcome.accepted:
            accepted = accepted_by(outcome)
            wires = [vertex.wire for vertex in accepted.vertices]
            taken = [vertex for vertex, _ in outcome.accepted]
            commands.append(KeepVertices(tuple(zip(taken, wires, strict=True))))
            commands += self._spread(accepted, now)
        commands += self._follow(outcome, now)
        excused = bool(outcome.excusable.total()) and self.checkpointing.lags
        for report in reports_on_peers(outcome, excused=excused):
            commands += self._spread(report, now)
        return commands

    def _follow(self, outcome: Outcome, now: float) -> list[ParticipantCommand]:
        commands: list[ParticipantCommand] = []
        if outcome.events:
            commands.append(TellEvents(outcome.events))
        for event in outcome.events:
            if isinstance(event, Equivocated):
                commands += self._spread(ForkProved(event.issuer, event.proof, None), now)
            if isinstance(event, EpochBegan):
                commands.append(KeepCommittee(event.number, event.shown_by))
                self.checkpointing.note_epoch(now)
        news = self.account.note(outcome.events)
        if news:
            commands.append(PublishNews(news))
        if any(isinstance(item, PaymentReceived) for item in news):
            self._issuing.note_received(now)
        self._issuing.note(outcome.events)
        if any(isinstance(event, Final) for event in outcome.events):
            self.checkpointing.note_final(now)
        commands += self._guarded(self._own_chain.note(outcome.accepted, now), now)
        return commands

    def _spread(self, event: GossipEvent | Tick, now: float) -> list[ParticipantCommand]:
        return [*self._gossip.handle(event, now)]

    def _guarded(self, commands: list[OwnChainCommand], now: float) -> list[ParticipantCommand]:
        out: list[ParticipantCommand] = []
        for command in commands:
            match command:
                case ParentsMissing():
                    out += self._spread(command, now)
                case StopIssuing(reason):
                    self._issuing.stop(reason)
                case ReadOwnLog() | AdoptOwn() | ShortenOwnLog() | AskHead():
                    out.append(command)
        return out

    def _news_of_state(self, now: float) -> list[ParticipantCommand]:
        state = self.issuing(now)
        if type(state) is type(self._last_state):
            return []
        self._last_state = state
        return [PublishNews([IssuingChanged(state)])]


def _draws(random: Random) -> Iterator[int]:
    while True:
        yield random.getrandbits(32)
