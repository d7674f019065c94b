"""Proposes, checks and collects checkpoints, and says when to prune (SPEC.md section 8.21)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .checkpoint import (
    NO_CHECKPOINT,
    RULE,
    Checkpoint,
    CheckpointHash,
    check_signatures,
    decode_checkpoint,
    new_checkpoint,
)
from .cut import Cut, Passes, check_cut
from .ledger import Ledger
from .limits import (
    CHECKPOINT_INTERVAL_S,
    CHECKPOINT_RETRY_S,
    CHECKPOINT_TURN_S,
    CHECKPOINT_VERTICES,
    CHECKPOINTS_OF_SEAT_MAX,
    SNAPSHOT_PATIENCE_S,
)
from .merkle import merkle_root
from .objects import HeldObject
from .record import Record
from .restoring import Names
from .vertex import VertexId


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast checkpoints follow each other, in seconds; made-up worlds are in a hurry."""

    interval_s: float = CHECKPOINT_INTERVAL_S
    turn_s: float = CHECKPOINT_TURN_S
    retry_s: float = CHECKPOINT_RETRY_S
    patience_s: float = SNAPSHOT_PATIENCE_S
    """How long what is missing may be on its way before a state is taken in its place."""


@dataclass(frozen=True, slots=True)
class Certified:
    """A checkpoint with signatures of quorum weight, and what it stands for."""

    checkpoint: Checkpoint
    signatures: dict[NodeId, bytes]
    state: dict[bytes, bytes]
    """All records at its cut, by key, ascending."""

    names: tuple[VertexId, ...]


@dataclass(frozen=True, slots=True)
class CheckpointArrived:
    """A peer told a checkpoint with some signatures."""

    peer: NodeId
    body: bytes
    signatures: dict[NodeId, bytes]


@dataclass(frozen=True, slots=True)
class CheckpointSigned:
    """The own signature that ``SignCheckpoint`` asked for, and the promise is on disk."""

    hash: CheckpointHash
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignCheckpoint:
    """Keep the promise not to acknowledge more of ``sealed``, then sign, and say so."""

    hash: CheckpointHash
    sealed: tuple[NodeId, ...]
    epoch: int = 0
    """In which the promise holds."""


@dataclass(frozen=True, slots=True)
class SpreadCheckpoint:
    """Send a checkpoint to neighbours."""

    body: bytes
    signatures: dict[NodeId, bytes]
    source: NodeId | None
    to: NodeId | None = None
    """Only to this one; None: to all others."""


@dataclass(frozen=True, slots=True)
class KeepCheckpoint:
    """Keep the newest certified checkpoint; with a floor, that too, and forget what is below."""

    newest: Certified
    floor: Certified | None
    gone: Sequence[VertexId]
    """What may be deleted with it."""


CheckpointEvent: TypeAlias = CheckpointArrived | CheckpointSigned
CheckpointCommand: TypeAlias = SignCheckpoint | SpreadCheckpoint | KeepCheckpoint


@dataclass(slots=True)
class _Proposal:
    """A checkpoint that is not certified, or not final here yet."""

    checkpoint: Checkpoint
    signatures: dict[NodeId, bytes] = field(default_factory=dict[NodeId, bytes])
    cut: Cut | None = None
    """Once it was found right."""

    state: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    names: tuple[VertexId, ...] = ()
    is_wrong: bool = False


class Checkpointing:
    """Follows the checkpoints of one ledger; signs them when it has a seat."""

    def __init__(self, ledger: Ledger, own: NodeId, pace: Pace | None = None) -> None:
        """Look at ``ledger``, and take part as ``own``."""
        self._ledger = ledger
        self._pace = pace or Pace()
        self._own = own
        self.floor: Certified | None = None
        self.newest: Certified | None = None
        self._cut = Cut()
        """That of the newest."""

        self._proposals: dict[CheckpointHash, _Proposal] = {}
        self._signing: set[CheckpointHash] = set()
        self._signed_at = -inf
        self._due_at = inf
        self._look_at = inf
        self._has_begun = False
        self._in_vain: tuple[int, ...] | None = None
        """How far the ledger had come when there was nothing to propose, once more."""

        self._beyond = -1
        """The largest height of a checkpoint that an epoch signed which is not known here."""

        self._epoch = ledger.epochs.number

    @property
    def deadline(self) -> float:
        """When there is something to do next, in seconds on the caller's clock; may be inf."""
        return min(self._due_at, self._look_at)

    @property
    def height(self) -> int:
        """The height of the next checkpoint."""
        return 0 if self.newest is None else self.newest.checkpoint.height + 1

    @property
    def highest_heard(self) -> int:
        """The largest height of which a certified checkpoint is known, -1 without any."""
        certified = [self.height - 1]
        certified += [
            one.checkpoint.height for one in self._proposals.values() if self._is_certified(one)
        ]
        return max([self._beyond, *certified], default=self.height - 1)

    def restore(self, floor: Certified) -> None:
        """Stand on ``floor``, to which the ledger was restored; call it before anything else."""
        self.floor = self.newest = floor
        self._cut = Cut(epoch=floor.checkpoint.epoch)
        self._epoch = self._ledger.epochs.number

    def begin(self, now: float) -> None:
        """Make and sign checkpoints from now on: own vertices may be issued."""
        self._has_begun = True
        self._due_at = self._turn_at(now + self._pace.interval_s)

    def handle(self, event: CheckpointEvent | Tick, now: float) -> list[CheckpointCommand]:
        """Take one event at time ``now`` and return what to do.

        Raises:
            RemoteProtocolError: a peer told what is no checkpoint of seats (8.21).
        """
        match event:
            case CheckpointArrived():
                return self._take(event, now)
            case CheckpointSigned(name, signature):
                self._signing.discard(name)
                proposal = self._proposals.get(name)
                if proposal is None:
                    return []
                proposal.signatures[self._own] = signature
                spread = SpreadCheckpoint(proposal.checkpoint.body, dict(proposal.signatures), None)
                return [spread, *self._adopt_certified(now)]
            case Tick():
                return self._tick(now)

    @property
    def lags(self) -> bool:
        """Whether others may stand on a certified checkpoint that is not reached here yet (8.7)."""
        return self.highest_heard >= self.height

    @property
    def is_behind(self) -> bool:
        """Whether others have pruned what would have to be final here first (8.22)."""
        return self.highest_heard > self.height

    def tell(self, peer: NodeId) -> list[CheckpointCommand]:
        """Tell a peer that has just joined what is certified."""
        known = [self.newest] if self.floor is self.newest else [self.floor, self.newest]
        return [
            SpreadCheckpoint(one.checkpoint.body, dict(one.signatures), None, peer)
            for one in known
            if one is not None
        ]

    def note_epoch(self, now: float) -> None:
        """Take note that an epoch began: from now on its seats sign."""
        self._beyond = -1
        self._epoch = self._ledger.epochs.number
        # What the newest closes stays so: the one that follows it makes that final.
        self._ledger.seal(chain.issuer for chain in self._cut.closed())
        # Nobody signs those of earlier epochs any more.
        self._proposals = {
            name: one
            for name, one in self._proposals.items()
            if one.checkpoint.epoch == self._epoch or self._is_certified(one)
        }
        self._due_at = self._turn_at(now + self._pace.interval_s)
        self._look_at = min(self._look_at, now)

    def note_final(self, now: float) -> None:
        """Take note that vertices became final."""
        if self._may_sign and self._ledger.final_count - self._covered() >= CHECKPOINT_VERTICES:
            self._due_at = min(self._due_at, self._turn_at(now))

    # Inside.

    def _covered(self) -> int:
        return self._ledger.settled_count + sum(
            count - chain.floor for chain, count in self._cut.counts.items()
        )

    @property
    def _seats(self) -> list[NodeId]:
        return [name for name, _ in self._ledger.epochs.table.seats]

    @property
    def _may_sign(self) -> bool:
        epochs = self._ledger.epochs
        return self._has_begun and epochs.weight_of(self._own) > 0

    def _turn_at(self, due: float) -> float:
        """Return when it is the own turn after ``due``; inf without a seat."""
        if not self._may_sign:
            return inf
        turns = (self._seats.index(self._own) - self.height) % len(self._seats)
        return due + turns * self._pace.turn_s

    def _take(self, arrived: CheckpointArrived, now: float) -> list[CheckpointCommand]:
        network = self._ledger.genesis.network
        checkpoint = decode_checkpoint(arrived.body, network)
        if checkpoint.height < self.height:
            return []
        known = self._proposals.get(checkpoint.hash)
        held = {} if known is None else known.signatures
        new = {seat: one for seat, one in arrived.signatures.items() if seat not in held}
        table = self._ledger.epochs.table_of(checkpoint.epoch)
        if table is None:
            # Who may sign it is not known yet; that others are further may be.
            self._beyond = max(self._beyond, checkpoint.height)
            return []
        if not new.keys() <= table.weights().keys():
            raise RemoteProtocolError("a checkpoint signed by no seat", rule=RULE)
        if not new:
            return []
        check_signatures(checkpoint.hash, new, network)
        if known is None:
            if not self._has_room(new):
                return []
            known = self._proposals[checkpoint.hash] = _Proposal(checkpoint)
        known.signatures.update(new)
        self._look_at = min(self._look_at, now)
        spread = SpreadCheckpoint(checkpoint.body, dict(known.signatures), arrived.peer)
        return [spread, *self._tick(now)]

    def _has_room(self, signatures: dict[NodeId, bytes]) -> bool:
        return any(
            sum(seat in one.signatures for one in self._proposals.values())
            < CHECKPOINTS_OF_SEAT_MAX
            for seat in signatures
        )

    def _tick(self, now: float) -> list[CheckpointCommand]:
        commands: list[CheckpointCommand] = []
        if self._look_at <= now:
            self._look_at = inf
            for proposal in self._proposals.values():
                self._look(proposal)
            commands += self._adopt_certified(now)
            commands += self._sign(now)
            if any(one.cut is None and not one.is_wrong for one in self._proposals.values()):
                self._look_at = now + self._pace.retry_s
        if self._due_at <= now:
            self._due_at = now + self._pace.retry_s
            commands += self._propose(now)
        return commands

    def _look(self, proposal: _Proposal) -> None:
        """Find out whether a proposal is right, as far as that can be known yet."""
        checkpoint = proposal.checkpoint
        previous = NO_CHECKPOINT if self.newest is None else self.newest.checkpoint.hash
        if proposal.cut is not None or proposal.is_wrong or checkpoint.previous != previous:
            return
        heads = [self._ledger.dag.get(one) for one in checkpoint.heads]
        dead = [self._ledger.dag.get(one) for one in checkpoint.dead]
        held_heads = [one for one in heads if one is not None and one.final]
        held_dead = [one for one in dead if one is not None]
        if len(held_heads) < len(heads) or len(held_dead) < len(dead):
            return
        passes: Passes = self._ledger.held_up_by
        if checkpoint.epoch < self._epoch and self._is_certified(proposal):
            # The votes that it goes by were forgotten when the next epoch began; a quorum saw them.
            passes = _held_up_for_others
        cut = check_cut(held_heads, held_dead, self._cut, self._may_die, passes)
        if cut is None:
            return
        self._fill(proposal, cut)
        told = self._checkpoint_of(proposal, cut)
        if told.hash != checkpoint.hash:
            proposal.is_wrong, proposal.cut = True, None

    def _fill(self, proposal: _Proposal, cut: Cut) -> None:
        before = {} if self.newest is None else self.newest.state
        proposal.cut = cut
        members = cut.members(self._cut)
        proposal.state = self._ledger.state_at(before, cut, members)
        proposal.names = tuple(sorted(record.id for record in members))

    def _checkpoint_of(self, proposal: _Proposal, cut: Cut) -> Checkpoint:
        records = list(proposal.state.values())
        return new_checkpoint(
            self._ledger.genesis.network,
            height=self.height,
            previous=NO_CHECKPOINT if self.newest is None else self.newest.checkpoint.hash,
            epoch=cut.epoch,
            heads=cut.heads(),
            dead=cut.dead,
            state_root=merkle_root(records),
            record_count=len(records),
            names_root=merkle_root(proposal.names),
            name_count=len(proposal.names),
        )

    def _may_die(self, record: Record, _count: int) -> bool:
        return self._ledger.may_die(record)

    def _may_close(self, record: Record, count: int) -> bool:
        """As ``_may_die``, for a seat that signs: it must not have acknowledged the slot."""
        if not self._ledger.may_die(record):
            return False
        return self._ledger.acknowledged_by(self._own, record.chain) <= count

    def _propose(self, now: float) -> list[CheckpointCommand]:
        ledger = self._ledger
        # All that a cut follows from changes one of these; looking costs all that is held.
        counts = len(ledger), ledger.final_count, ledger.settled_count, len(ledger.proofs())
        come = (self.height, *counts)
        if come == self._in_vain:
            return []
        cut = ledger.choose_cut(self._cut, self._may_close)
        if not any(record.carries for record in cut.members(self._cut)):
            self._in_vain = come
            return []
        self._in_vain = None
        proposal = _Proposal(
            Checkpoint(0, b"", 0, (), (), b"", 0, b"", 0, b"", CheckpointHash(b""))
        )
        self._fill(proposal, cut)
        checkpoint = self._checkpoint_of(proposal, cut)
        if checkpoint.hash not in self._proposals:
            proposal.checkpoint = checkpoint
            self._proposals[checkpoint.hash] = proposal
        self._due_at = now + self._pace.turn_s * len(self._seats)
        return self._sign(now)

    def _sign(self, now: float) -> list[CheckpointCommand]:
        if not self._may_sign or self._signing or now < self._signed_at + self._pace.interval_s:
            return []
        for name, proposal in self._proposals.items():
            cut = proposal.cut
            if cut is None or self._own in proposal.signatures or cut.epoch != self._epoch:
                continue
            if not all(self._may_close(one, cut.count(one.chain)) for one in cut.dead.values()):
                continue
            sealed = tuple(sorted(chain.issuer for chain in cut.closed()))
            self._ledger.seal(sealed)
            self._signing.add(name)
            self._signed_at = now
            return [SignCheckpoint(name, sealed, self._epoch)]
        return []

    def _is_certified(self, proposal: _Proposal) -> bool:
        table = self._ledger.epochs.table_of(proposal.checkpoint.epoch)
        if table is None:
            return False
        weights = table.weights()
        return sum(weights[seat] for seat in proposal.signatures) >= table.quorum

    def _adopt_certified(self, now: float) -> list[CheckpointCommand]:
        for proposal in list(self._proposals.values()):
            cut = proposal.cut
            if cut is not None and self._is_certified(proposal) and self._may_stand_on(cut):
                return [self._adopt(proposal, cut, now)]
        return []

    def _may_stand_on(self, cut: Cut) -> bool:
        """Tell whether no own acknowledgement speaks against what ``cut`` closes.

        In the epoch of its seats none can gain a quorum; what is acknowledged in a later one may be
        final, and then this checkpoint is no part of what follows.
        """
        return cut.epoch == self._epoch or all(
            self._ledger.acknowledged_by(self._own, chain) <= cut.count(chain)
            for chain in cut.closed()
        )

    def _adopt(self, proposal: _Proposal, cut: Cut, now: float) -> KeepCheckpoint:
        floor, before = self.newest, self._cut
        is_first = floor is None or floor is self.floor
        gone: Sequence[VertexId] = ()
        if floor is not None and not is_first:
            gone = self._ledger.settle(before, floor.state)
        if not is_first:
            self.floor = floor
        # Its counts are above a floor that is just where the cut before was.
        self._cut = Cut(cut.counts, cut.dead, epoch=cut.epoch)
        self._ledger.seal(chain.issuer for chain in cut.closed())
        self.newest = Certified(
            proposal.checkpoint, proposal.signatures, proposal.state, proposal.names
        )
        self._proposals = {
            name: one
            for name, one in self._proposals.items()
            if one.checkpoint.height >= self.height
        }
        self._signing.clear()
        self._signed_at = -inf
        self._due_at = self._turn_at(now + self._pace.interval_s)
        self._look_at = now
        return KeepCheckpoint(self.newest, None if is_first else self.floor, gone)


def _held_up_for_others(_cut: Cut, _before: Cut) -> set[HeldObject]:
    return set()


def names_of(certified: Certified) -> Names:
    """Return what a checkpoint covered, as a ledger remembers it."""
    return Names(certified.names, certified.checkpoint.dead)
