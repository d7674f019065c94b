"""Operations on objects: what is opened, what is done to it (SPEC.md sections 8.12 to 8.16).

An object holds money that leaves it by fixed rules: a payment channel, an escrow, a stake.  Whoever
opens it names the rules, its **terms**; everybody else acts on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NewType, TypeAlias

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NodeId

from .home_operations import CreateHome, MoveHome
from .vertex import VertexId

ObjectId = NewType("ObjectId", bytes)
"""The 32 bytes that name an object in signatures (section 8.12)."""

Share: TypeAlias = tuple[NodeId, int]
"""Who, and how much: drops in a voucher, parts per million in an escrow."""


@dataclass(frozen=True, slots=True)
class ChannelTerms:
    """A payment channel (section 8.13)."""

    provider: NodeId
    voucher_key: NodeId
    """Signs the vouchers; its owner answers for the payer."""

    lanes: int
    """1 to 8 independent sums of vouchers."""

    beats: int
    """How long the provider has to answer a reclaim."""


@dataclass(frozen=True, slots=True)
class EscrowTerms:
    """An escrow (section 8.14)."""

    provider: NodeId
    arbiters: tuple[NodeId, ...]
    """At most 3, ascending."""

    need: int
    """How many arbiters decide: more than half of them; 0 without any."""

    split: tuple[Share, ...]
    """At most 8, ascending: parts per million of every award that go to others."""

    delivery_beats: int
    """How long the provider has to deliver."""

    dispute_beats: int
    """How long the opener has to dispute a delivery, and then the arbiters to decide."""

    task: bytes
    """The 32-byte hash of what is to be done; nothing here looks at it."""


@dataclass(frozen=True, slots=True)
class StakeTerms:
    """A stake (section 8.15)."""

    watch: tuple[NodeId, ...]
    """1 to 8 accounts, ascending, that share the reward and say what a wrong result is."""

    need: int
    """How many of them it takes to say so: more than half."""

    beats: int
    """How long the stake stays after the owner has asked for it back."""

    reward: int
    """Drops for the watch when the stake is seized; the rest is burned."""


Terms: TypeAlias = ChannelTerms | EscrowTerms | StakeTerms


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens an object with ``amount`` drops of the issuer."""

    index: int
    """Its place among the ops of its vertex."""

    amount: int
    terms: Terms

    @property
    def references(self) -> tuple[VertexId, ...]:
        """No vertices."""
        return ()


@dataclass(frozen=True, slots=True)
class Anchor:
    """Says that something with this hash existed (section 8.16)."""

    digest: bytes
    length: int
    """Bytes of what was hashed."""

    label: bytes
    """At most 32 bytes, for people and programs."""

    @property
    def references(self) -> tuple[VertexId, ...]:
        """No vertices."""
        return ()


@dataclass(frozen=True, slots=True)
class Voucher:
    """What the payer of a channel owes over one lane so far (section 8.13)."""

    lane: int
    total: int
    """Drops, all that was ever owed over the lane."""

    count: int
    """Rises with each voucher of the lane."""

    root: bytes
    """A 32-byte hash over the receipts that it pays; nothing here looks at it."""

    split: tuple[Share, ...]
    """At most 8, ascending: drops of ``total`` that go to others than the provider."""

    signature: bytes

    @property
    def leaves(self) -> int:
        """Drops of ``total`` that it leaves to the provider."""
        return self.total - sum(drops for _, drops in self.split)


# Channels.


@dataclass(frozen=True, slots=True)
class TopUp:
    """The opener has put in ``total`` drops beyond the opening."""

    total: int


@dataclass(frozen=True, slots=True)
class PostVouchers:
    """Anyone shows vouchers."""

    vouchers: tuple[Voucher, ...]


@dataclass(frozen=True, slots=True)
class Close:
    """The provider settles by vouchers, shown here or posted before."""

    funds: VertexId
    """The opener's last top-up that counts; empty: only the opening does."""

    posted: tuple[VertexId, ...]
    vouchers: tuple[Voucher, ...]


@dataclass(frozen=True, slots=True)
class Reclaim:
    """The opener wants its money back."""


@dataclass(frozen=True, slots=True)
class ReclaimFinal:
    """The opener settles, some beats after its reclaim."""

    posted: tuple[VertexId, ...]
    vouchers: tuple[Voucher, ...]


# Escrows.


@dataclass(frozen=True, slots=True)
class Deliver:
    """The provider has delivered."""

    result: bytes
    """32-byte hash of it."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """The opener does not accept what was delivered."""


@dataclass(frozen=True, slots=True)
class Release:
    """The opener gives all to the provider."""


@dataclass(frozen=True, slots=True)
class Refund:
    """The provider gives all back."""


@dataclass(frozen=True, slots=True)
class Agree:
    """One party settles with the other's signature for ``award`` drops to the provider."""

    award: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Judge:
    """One party settles with the verdicts of enough arbiters."""

    award: int
    arbiters: tuple[int, ...]
    """Who of the terms' arbiters, ascending."""

    signatures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ReleaseLate:
    """The provider takes what nobody disputed in time."""


@dataclass(frozen=True, slots=True)
class RefundLate:
    """The opener takes back what was not delivered in time."""


@dataclass(frozen=True, slots=True)
class Halve:
    """A disputed escrow on which no arbiter decided goes half and half."""


# Stakes.


@dataclass(frozen=True, slots=True)
class Unstake:
    """The owner wants the stake back."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The owner settles: nobody has proved anything in time."""


@dataclass(frozen=True, slots=True)
class Forked:
    """Proof: the owner signed two vertices of one slot."""

    proof: bytes
    """224 bytes, section 8.10."""


@dataclass(frozen=True, slots=True)
class TwoVerdicts:
    """Proof: the owner gave two different verdicts on one object."""

    object_id: ObjectId
    awards: tuple[int, int]
    signatures: tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class WrongResult:
    """Proof: the watch says that the owner signed a receipt with a wrong result."""

    receipt_id: bytes
    """32 bytes: the object id of the receipt (sections 2.3 and 7.7)."""

    number: int
    """Which of its results, from 0."""

    right: bytes
    """32-byte hash of the right outcome and fuel."""

    members: tuple[int, ...]
    """Who of the watch say so, ascending."""

    signatures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TwoVouchers:
    """Proof: the owner's voucher key signed two vouchers of one count that differ."""

    opening: VertexId
    index: int
    vouchers: tuple[Voucher, Voucher]


Proof: TypeAlias = Forked | TwoVerdicts | WrongResult | TwoVouchers


@dataclass(frozen=True, slots=True)
class Slash:
    """Anyone shows a proof against the owner."""

    proof: Proof


@dataclass(frozen=True, slots=True)
class Seize:
    """Anyone settles a slashed stake."""

    notice: VertexId
    """A vertex that shows a proof."""


# All.


@dataclass(frozen=True, slots=True)
class Take:
    """The issuer takes what is its own after the object was settled."""

    settling: VertexId
    """A vertex that settles it."""

    outcome: bytes
    """The digest of the outcome for which that is: see ``outcome_digest``."""


Settling: TypeAlias = (
    Close
    | ReclaimFinal
    | Release
    | Refund
    | Agree
    | Judge
    | ReleaseLate
    | RefundLate
    | Halve
    | Withdraw
    | Seize
)
Action: TypeAlias = (
    Settling | TopUp | PostVouchers | Reclaim | Deliver | Dispute | Unstake | Slash | Take
)


@dataclass(frozen=True, slots=True)
class Act:
    """Does ``action`` to the object that op ``index`` of vertex ``opening`` opened."""

    opening: VertexId
    index: int
    action: Action

    @property
    def references(self) -> tuple[VertexId, ...]:
        """The vertices that it stands on: edges of its vertex."""
        match self.action:
            case Close(funds, posted, _):
                named = (funds, *posted) if funds else posted
            case ReclaimFinal(posted, _):
                named = posted
            case Take(settling=vertex_id) | Seize(vertex_id) | Slash(TwoVouchers(vertex_id)):
                named = (vertex_id,)
            case _:
                named = ()
        return (self.opening, *named)


Operation: TypeAlias = Opening | Act | Anchor | CreateHome | MoveHome
"""An op that is no pay."""


def object_id(opening: VertexId, index: int) -> ObjectId:
    """Return the name of the object that op ``index`` of vertex ``opening`` opens."""
    preimage = b"fog-obj-1\0" + opening + index.to_bytes(1, "big")
    return ObjectId(blake2b(preimage, digest_size=32).digest())


def outcome_digest(award: int, shares: Sequence[Share], *, is_seizure: bool) -> bytes:
    """Return the 32 bytes that name an outcome (section 8.12); ``award`` is in drops."""
    values: Value = [int(is_seizure), award, [[who, drops] for who, drops in shares]]
    return blake2b(b"fog-outcome-1\0" + encode(values), digest_size=32).digest()
