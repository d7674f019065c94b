"""What the ledger tells after a vertex was inserted (SPEC.md sections 8.4, 8.5 and 8.10)."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from fogbank_protocol.identity import NodeId

from .committee_operations import Table
from .operations import ObjectId
from .vertex import Vertex, VertexId


@dataclass(frozen=True, slots=True)
class Unsolid:
    """The vertex was not inserted: these edges lead to vertices that are not held."""

    missing: tuple[VertexId, ...]


@dataclass(frozen=True, slots=True)
class Inserted:
    """The vertex is valid and in the DAG now."""

    vertex: Vertex


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A vertex is L1: validators of quorum weight voted for it."""

    id: VertexId


@dataclass(frozen=True, slots=True)
class Final:
    """A vertex is final: what it pays is paid."""

    id: VertexId


@dataclass(frozen=True, slots=True)
class EpochBegan:
    """The seats have changed (section 8.19)."""

    number: int
    table: Table
    shown_by: tuple[VertexId, ...] = field(default=(), compare=False)
    """The vertices that show that it was decided: its proposal, then the precommits."""


@dataclass(frozen=True, slots=True)
class Equivocated:
    """An issuer was found to have signed two vertices in one slot; told once an issuer."""

    issuer: NodeId
    proof: bytes
    """224 bytes, section 8.10."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An outcome of an object is L1: no other can be."""

    object_id: ObjectId
    award: int
    """Drops for the provider, what it passes on included; all of a seized stake."""

    is_seizure: bool


LedgerEvent: TypeAlias = Unsolid | Inserted | Confirmed | Final | Equivocated | Settled | EpochBegan


class Unwanted(Enum):
    """Why a vertex that was not asked for is not taken (section 8.6)."""

    HELD = auto()
    BEYOND_WINDOW = auto()
    SLOT_FULL = auto()
    FORKER = auto()
    STRANGER = auto()
    """Nobody dealt with the issuer yet, and it shows too little work (section 8.20)."""
