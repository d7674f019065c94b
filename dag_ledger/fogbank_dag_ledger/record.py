"""What the ledger remembers of a vertex once it is in the DAG.

One object a vertex, with slots: the live region is bounded by memory, and nothing here repeats the
bytes of the vertex, which storage keeps.
"""

from typing import TYPE_CHECKING, TypeAlias

from fogbank_protocol.identity import NodeId

from .committee_operations import SignOff
from .home import NOWHERE, Home
from .home_operations import CreateHome
from .vertex import Vertex, VertexId, seq_in

if TYPE_CHECKING:
    from .chain import Chain
    from .committee_operations import CommitteeOperation
    from .objects import Deeds

Sent: TypeAlias = tuple[NodeId, int, int]
"""Recipient, amount paid by this vertex, total paid on this line so far; in drops.

One entry a recipient: what its pays and what its takes (section 8.12) pass on, together."""

Gain: TypeAlias = "tuple[Record, int]"
"""The claimed source, and by how many drops the claim raised what is claimed of its sender."""


class Record:
    """A valid vertex, its place in the DAG, and how far it is on the way to final."""

    __slots__ = (
        "balance",
        "beat",
        "carried",
        "chain",
        "children",
        "claims",
        "committee",
        "confirmed",
        "creates",
        "creation",
        "deeds",
        "edges",
        "epoch",
        "final",
        "height",
        "home",
        "homes_made",
        "id",
        "lost",
        "next_home",
        "payments",
        "prev",
        "seen",
        "seq",
        "signature",
        "signs_off",
        "special",
        "votes",
        "weight",
    )

    def __init__(
        self,
        vertex: Vertex,
        chain: "Chain",
        prev: "Record | None",
        edges: "tuple[Record, ...]",
        *,
        balance: int,
        beat: int,
        payments: tuple[Sent, ...],
        claims: tuple[Gain, ...],
        deeds: "Deeds | None" = None,
        epoch: int = 0,
        home: Home = NOWHERE,
        next_home: Home = NOWHERE,
        creation: "Record | None" = None,
        homes_made: int = 0,
    ) -> None:
        """Begin as a vertex for which nobody has voted; ``balance`` is in drops, after it."""
        self.id: VertexId = vertex.id
        self.signature = vertex.signature
        self.chain = chain
        self.seq = vertex.seq
        self.prev = prev
        self.edges = edges
        self.height: int = 1 + max([edge.height for edge in edges], default=0)
        self.balance = balance
        self.beat = beat
        self.payments = payments
        self.claims = claims
        self.deeds = deeds
        """What it does to objects; None when nothing."""

        self.committee: tuple[CommitteeOperation, ...] = vertex.committee
        self.epoch = epoch
        """The newest epoch that its past cone, itself included, decides (section 8.19)."""

        self.home = home
        """The home of its slot: who votes for it (section 8.18)."""

        self.next_home = next_home
        """That of the slot after it."""

        self.creation = creation
        """What created the home that it moves to, which must be final before it can be."""

        self.homes_made = homes_made
        """How many homes its issuer has created so far on this line."""

        self.creates: CreateHome | None = None
        """The home that it creates."""

        for operation in vertex.operations:
            if isinstance(operation, CreateHome):
                self.creates = operation

        self.signs_off: int = 0 if prev is None else prev.signs_off
        """The newest epoch for which it, or a vertex before it on its line, signs off (8.19)."""

        for said in vertex.committee:
            if isinstance(said, SignOff):
                self.signs_off = said.epoch

        self.carried = False
        """Whether it was L1 in an earlier epoch and stays so."""

        self.children = 0
        self.seen = 0
        self.votes = 0
        self.weight = 0
        self.special = deeds is not None
        """Whether a vote for it needs a closer look: it has rivals, or does things to objects."""

        self.confirmed = False
        self.final = False
        self.lost = False
        """Whether it can never be final, and rules 8.3.15 to 8.3.18 are not asked (8.21)."""

    @classmethod
    def settled(
        cls, vertex_id: VertexId, chain: "Chain", balance: int, beat: int, epoch: int = 0
    ) -> "Record":
        """Return what is left of a final vertex at or below the floor, after it was pruned.

        ``epoch`` may be too low when only its name is known.
        """
        record = cls.__new__(cls)
        record.id = vertex_id
        record.chain = chain
        record.seq = seq_in(vertex_id)
        record.votes = record.seen = record.weight = record.children = 0
        record.signature = b""
        record.committee, record.epoch, record.carried = (), epoch, False
        record.special = record.lost = False
        record.home = record.next_home = NOWHERE
        record.homes_made, record.creates = 0, None
        record.signs_off = 0
        record.confirmed = record.final = True
        record.settle()
        record.balance, record.beat = balance, beat
        return record

    @classmethod
    def dead(cls, vertex_id: VertexId, chain: "Chain") -> "Record":
        """Return what is left of a vertex that a checkpoint lists as dead: it is never final."""
        record = cls.settled(vertex_id, chain, 0, 0)
        record.final = record.confirmed = False
        record.lost = True
        return record

    def settle(self) -> None:
        """Let go of all that it stands on, so that what is below can be forgotten."""
        self.prev = None
        self.edges = ()
        self.height = 0
        self.payments = ()
        self.claims = ()
        self.deeds = None
        self.creation = None

    @property
    def carries(self) -> bool:
        """Whether it has claims or ops, and so is more than a vote (section 8.2)."""
        return bool(self.payments or self.claims or self.deeds or self.committee)

    def __repr__(self) -> str:
        return f"Record({self.id.hex()})"
