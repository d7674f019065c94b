"""What gossip is told of, and what it decides (SPEC.md section 8.7)."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from fogbank_protocol.identity import NodeId

from .frontier import Range
from .messages import FrontierMessage
from .vertex import VertexId


@dataclass(frozen=True, slots=True)
class PeerJoined:
    """A channel to ``peer`` is open."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class PeerLeft:
    """The channel to ``peer`` is gone."""

    peer: NodeId


class Accepted(NamedTuple):
    """One vertex that is held now.  A tuple, because one is made for every vertex."""

    id: VertexId
    previous: VertexId
    """Its ``prev``, empty at seq 0."""

    wire: bytes
    source: NodeId | None = None
    """Who sent it; None when it is our own."""


@dataclass(frozen=True, slots=True)
class VerticesAccepted:
    """The ledger took these, in this order."""

    vertices: tuple[Accepted, ...]


@dataclass(frozen=True, slots=True)
class VerticesSeen:
    """``peer`` pushed vertices that are held already."""

    peer: NodeId
    wires: tuple[bytes, ...]
    tags: frozenset[bytes] = frozenset()
    """Whose they are."""


@dataclass(frozen=True, slots=True)
class VerticesLacked:
    """``peer`` asked for vertices of these issuers: nobody had pushed them to it."""

    peer: NodeId
    tags: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class VerticesRestored:
    """These were held before this process began; nobody needs to be told."""

    vertices: tuple[Accepted, ...]


@dataclass(frozen=True, slots=True)
class ParentsMissing:
    """``peer`` sent, or told of, vertices that need these."""

    peer: NodeId
    ids: tuple[VertexId, ...]


@dataclass(frozen=True, slots=True)
class ParentsAnswered:
    """A request of ``AskParents`` to ``peer`` ended; what it brought is accepted or parked."""

    peer: NodeId
    ids: tuple[VertexId, ...]


@dataclass(frozen=True, slots=True)
class FrontierReceived:
    """``peer`` asks for our frontier and tells its own."""

    peer: NodeId
    message: FrontierMessage


@dataclass(frozen=True, slots=True)
class FrontierAnswered:
    """``peer`` answered ``AskFrontier``; None when it did not answer in time."""

    peer: NodeId
    message: FrontierMessage | None


@dataclass(frozen=True, slots=True)
class RangesEnded:
    """The stream of ``AskRanges`` from ``peer`` is over, completely or not."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class VerticesChecked:
    """Of the vertices that ``peer`` sent, so many were checked and so many of them invalid."""

    peer: NodeId
    checked: int
    invalid: int
    reason: str = ""
    """What was wrong with the last invalid one."""


@dataclass(frozen=True, slots=True)
class ForkProved:
    """Two vertices of one issuer in one slot were seen; ``proof`` is the message that says so."""

    issuer: NodeId
    proof: bytes
    source: NodeId | None


@dataclass(frozen=True, slots=True)
class PushVertices:
    """Send each of ``peers`` a ``ledger.vertices`` with these."""

    peers: tuple[NodeId, ...]
    vertices: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AskFrontier:
    """Send a ``ledger.frontier`` request and report the answer."""

    peer: NodeId
    message: FrontierMessage


@dataclass(frozen=True, slots=True)
class AnswerFrontier:
    """Answer the ``ledger.frontier`` request of ``peer`` that was just handled."""

    peer: NodeId
    message: FrontierMessage


@dataclass(frozen=True, slots=True)
class AskRanges:
    """Read ``ranges`` from ``peer`` by ``ledger.range``, and report the end."""

    peer: NodeId
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class AskParents:
    """Send a ``ledger.fetch`` request, and report when its answer is worked in."""

    peer: NodeId
    ids: tuple[VertexId, ...]


@dataclass(frozen=True, slots=True)
class PassProof:
    """Send each of ``peers`` a ``ledger.proof``."""

    peers: tuple[NodeId, ...]
    proof: bytes


@dataclass(frozen=True, slots=True)
class CutOff:
    """Close the channel to ``peer`` and tell it ``reason``."""

    peer: NodeId
    reason: str


GossipEvent: TypeAlias = (
    PeerJoined
    | PeerLeft
    | VerticesAccepted
    | VerticesSeen
    | VerticesLacked
    | VerticesRestored
    | ParentsMissing
    | ParentsAnswered
    | FrontierReceived
    | FrontierAnswered
    | RangesEnded
    | VerticesChecked
    | ForkProved
)

GossipCommand: TypeAlias = (
    PushVertices | AskFrontier | AnswerFrontier | AskRanges | AskParents | PassProof | CutOff
)
