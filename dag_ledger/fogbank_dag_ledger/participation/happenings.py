"""What a participant is told, and what it decides (SPEC.md sections 8.7 and 8.8)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.identity import NodeId

from ..amnesia import AskHead, HeadAnswered
from ..checkpointing import (
    Certified,
    CheckpointArrived,
    CheckpointSigned,
    KeepCheckpoint,
    SignCheckpoint,
    SpreadCheckpoint,
)
from ..committee_operations import Table
from ..events import LedgerEvent
from ..gossip_events import (
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
from ..operations import ObjectId, Operation, Voucher
from ..own_account import PaymentNews
from ..restoring import Names
from ..vertex import Draft, Vertex, VertexId
from ..wallet import PaymentRefused
from .issuing_state import IssuingChanged


@dataclass(frozen=True, slots=True)
class StoreRead:
    """These vertices were in the store at the start, in this order."""

    vertices: Sequence[Vertex]


@dataclass(frozen=True, slots=True)
class StoreEnded:
    """All of the store was read."""


@dataclass(frozen=True, slots=True)
class OwnLogRead:
    """The next vertices of the own log; none at its end."""

    vertices: Sequence[Vertex]


@dataclass(frozen=True, slots=True)
class OwnAdopted:
    """What ``AdoptOwn`` asked for is in the own log."""


@dataclass(frozen=True, slots=True)
class CheckpointKept:
    """The floor of this height is on disk, and the state there."""

    floor: int


@dataclass(frozen=True, slots=True)
class ShortenOwnLog:
    """Nobody needs own vertices before position ``first`` any more (8.8)."""

    first: int


@dataclass(frozen=True, slots=True)
class OwnKept:
    """The own vertex that ``KeepOwn`` asked for is signed and on disk."""

    vertex: Vertex


@dataclass(frozen=True, slots=True)
class OwnRefused:
    """It is not on disk, and was not sent: there was no room."""

    reason: str


@dataclass(frozen=True, slots=True)
class OwnLost:
    """Whether it is on disk is unknown: the own log cannot be used any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The vertices of others could not be written; ``reason`` None: now they could again."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class VerticesArrived:
    """Vertices of peers whose form and signature hold, each with who sent it."""

    vertices: Sequence[tuple[Vertex, NodeId]]
    invalid: Sequence[tuple[NodeId, str]] = ()
    """Who sent others beside them, and the rule that they broke."""

    pushed: Collection[VertexId] = ()
    """Those of ``vertices`` that nobody had asked for."""


@dataclass(frozen=True, slots=True)
class ProofArrived:
    """``peer`` sent what may prove that somebody forked."""

    peer: NodeId
    proof: bytes


@dataclass(frozen=True, slots=True)
class PaymentWanted:
    """Pay each recipient so many drops, with one vertex."""

    number: int
    """Tells this wish from others."""

    amounts: Mapping[NodeId, int]


@dataclass(frozen=True, slots=True)
class ActWanted:
    """Open objects or act on them by these ops, with one vertex."""

    number: int
    """Tells this wish from others, those for payments too."""

    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class VoucherRemembered:
    """This voucher for a channel to the own account is on disk."""

    channel: ObjectId
    voucher: Voucher


@dataclass(frozen=True, slots=True)
class PaymentWithdrawn:
    """The payment or act is not wanted any more, unless its vertex is being kept already."""

    number: int


@dataclass(frozen=True, slots=True)
class SeatsWanted:
    """The operator wants these seats from the next epoch on (section 8.19)."""

    table: Table


@dataclass(frozen=True, slots=True)
class ReadOwnLog:
    """Read the next vertices of the own log, and tell them."""


@dataclass(frozen=True, slots=True)
class AdoptOwn:
    """Copy these own vertices from the store to the own log, in this order, and say so."""

    ids: tuple[VertexId, ...]


@dataclass(frozen=True, slots=True)
class KeepOwn:
    """Sign this, sync it to the own log, and say what came of it; nothing is sent before."""

    draft: Draft
    payment: int | None = None
    """The number of the wish that it fulfils."""


@dataclass(frozen=True, slots=True)
class KeepVertices:
    """Put these into the store soon; each with its form on the wire."""

    vertices: tuple[tuple[Vertex, bytes], ...]


@dataclass(frozen=True, slots=True)
class PaymentEnded:
    """What became of a wish: the vertex that pays or acts, or why there is none."""

    number: int
    result: Vertex | PaymentRefused | str
    """A sentence when nothing may be issued now."""


@dataclass(frozen=True, slots=True)
class TellEvents:
    """What happened in the ledger, in this order."""

    events: Sequence[LedgerEvent]


@dataclass(frozen=True, slots=True)
class PublishNews:
    """What happened to the own account."""

    news: Sequence[PaymentNews | IssuingChanged]


@dataclass(frozen=True, slots=True)
class FloorRead:
    """The store begins at this checkpoint; told before anything else."""

    floor: Certified
    names: Sequence[Names]
    """What it and checkpoints before it covered, the oldest first."""

    tables: Sequence[Table] = ()
    """The seats of epoch 1 and all later ones up to that of the floor."""


@dataclass(frozen=True, slots=True)
class PromisesRead:
    """The own seat promised not to acknowledge more of these chains, each in one epoch."""

    sealed: Sequence[tuple[NodeId, int]]


@dataclass(frozen=True, slots=True)
class KeepCommittee:
    """Keep these vertices together: they show who has the seats of ``epoch``."""

    epoch: int
    shown_by: tuple[VertexId, ...]
    """Its proposal, then the precommits."""


ParticipantEvent: TypeAlias = (
    StoreRead
    | FloorRead
    | PromisesRead
    | CheckpointArrived
    | CheckpointSigned
    | CheckpointKept
    | StoreEnded
    | OwnLogRead
    | OwnAdopted
    | OwnKept
    | OwnRefused
    | OwnLost
    | StoreFailed
    | VerticesArrived
    | VerticesSeen
    | VerticesLacked
    | ProofArrived
    | PaymentWanted
    | ActWanted
    | VoucherRemembered
    | PaymentWithdrawn
    | SeatsWanted
    | PeerJoined
    | PeerLeft
    | FrontierReceived
    | FrontierAnswered
    | ParentsAnswered
    | RangesEnded
    | HeadAnswered
)

ParticipantCommand: TypeAlias = (
    ReadOwnLog
    | SignCheckpoint
    | SpreadCheckpoint
    | KeepCheckpoint
    | AdoptOwn
    | ShortenOwnLog
    | KeepOwn
    | KeepVertices
    | KeepCommittee
    | PaymentEnded
    | TellEvents
    | PublishNews
    | AskHead
    | PushVertices
    | PassProof
    | CutOff
    | AnswerFrontier
    | AskFrontier
    | AskParents
    | AskRanges
)
