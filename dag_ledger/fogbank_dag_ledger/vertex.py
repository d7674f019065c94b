"""Vertices: what they say, and how they are named (SPEC.md section 8.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, NewType

from fogbank_protocol.identity import NetworkId, NodeId

from .limits import POSITION_BYTES, TAG_BYTES, VERTEX_ID_BYTES

if TYPE_CHECKING:
    from .committee_operations import CommitteeOperation
    from .operations import Operation

VertexId = NewType("VertexId", bytes)
"""tag(8) | seq(4) | digest(20): where a vertex sits, and which one it is."""

ORDINARY = 1
VALIDATOR = 2

NO_VERTEX = VertexId(b"")
"""What ``prev`` says at seq 0."""

_DIGEST_BYTES = VERTEX_ID_BYTES - POSITION_BYTES


class Claim(NamedTuple):
    """All that the chain of ``source``, up to it, paid the issuer adds up to ``total`` drops.

    It, payments and vertices are tuples and no dataclasses, for the time it takes to make them.
    """

    source: VertexId
    total: int


class Payment(NamedTuple):
    """``amount`` drops for ``recipient``."""

    recipient: NodeId
    amount: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A vertex to be signed."""

    kind: int
    issuer: NodeId
    seq: int
    prev: VertexId
    parents: Sequence[VertexId] = ()
    claims: Sequence[Claim] = ()
    payments: Sequence[Payment] = ()
    beat: int = 0
    cert: bytes = b""
    operations: "Sequence[Operation]" = ()
    """Ops that are no pays; they come after them, and an opening's index says so."""

    committee: "Sequence[CommitteeOperation]" = ()
    """Ops about a committee (section 8.19), after all others."""

    epoch: int = 0
    """The newest epoch that its past cone decides."""

    work: int = 0
    """A number that shows work, below 2^64 (section 8.20)."""

    home: bytes = b""
    """The id of the home that the slot belongs to (section 8.18); empty: the community."""


class Vertex(NamedTuple):
    """A vertex whose form is right; whether it is valid the DAG decides."""

    id: VertexId
    body: bytes
    signature: bytes
    kind: int
    issuer: NodeId
    seq: int
    prev: VertexId
    parents: tuple[VertexId, ...]
    claims: tuple[Claim, ...]
    payments: tuple[Payment, ...]
    beat: int
    cert: bytes
    unix_time_s: int
    """The issuer's clock, for display only."""

    operations: "tuple[Operation, ...]" = ()
    """Its ops on objects and its anchors, in order."""

    committee: "tuple[CommitteeOperation, ...]" = ()
    """Its ops about a committee, in order."""

    epoch: int = 0
    """The newest epoch that its past cone, without itself, decides (section 8.19)."""

    work: int = 0
    """A number that shows work (section 8.20)."""

    home: bytes = b""
    """The id of the home that its slot belongs to (section 8.18); empty: the community."""

    @property
    def edges(self) -> list[VertexId]:
        """What it stands on, each once: prev, parents, sources of claims, what its ops name."""
        edges = list(self.parents)
        if self.prev:
            edges.append(self.prev)
        for claim in self.claims:
            if claim.source not in edges:
                edges.append(claim.source)
        for operation in (*self.operations, *self.committee):
            for reference in operation.references:
                if reference not in edges:
                    edges.append(reference)
        return edges

    @property
    def carries(self) -> bool:
        """Whether it has claims or ops, and so is more than a vote."""
        return bool(self.claims or self.payments or self.operations or self.committee)


@lru_cache(maxsize=4_096)
def tag_of(issuer: NodeId) -> bytes:
    """Return the 8 bytes with which the ids of ``issuer``'s vertices begin."""
    return blake2b(issuer, digest_size=TAG_BYTES).digest()


def tag_in(vertex_id: VertexId) -> bytes:
    """Return the tag of the issuer of a vertex."""
    return vertex_id[:TAG_BYTES]


def seq_in(vertex_id: VertexId) -> int:
    """Return where on its issuer's chain a vertex sits."""
    return int.from_bytes(vertex_id[TAG_BYTES:POSITION_BYTES], "big")


def position(tag: bytes, seq: int) -> bytes:
    """Return the 12 bytes with which all ids of one slot begin."""
    return tag + seq.to_bytes(POSITION_BYTES - TAG_BYTES, "big")


def vertex_id(issuer: NodeId, seq: int, body: bytes) -> VertexId:
    """Return the id of the vertex with this ``body``."""
    digest = blake2b(body, digest_size=_DIGEST_BYTES).digest()
    return VertexId(position(tag_of(issuer), seq) + digest)


def preimage(network: NetworkId, identifier: VertexId) -> bytes:
    """Return the bytes that the issuer signs."""
    return b"fog-vtx-1\0" + network + identifier
