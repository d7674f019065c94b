"""Checkpoints between the store and the ledger (SPEC.md sections 8.21 and 8.22)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from ..checkpoint import (
    RULE,
    Checkpoint,
    check_signatures,
    decode_checkpoint,
    decode_signed,
    encode_signed,
    split_ids,
)
from ..checkpoint_state import decode_record, encode_record
from ..checkpointing import Certified, KeepCheckpoint
from ..committee_operations import Table, table_of
from ..committee_proof import committees
from ..genesis import Genesis
from ..limits import CHECKPOINT_VERTICES_MAX
from ..merkle import merkle_root
from ..participation.happenings import FloorRead
from ..restoring import Names
from ..vertex import VertexId
from .store import KeptCheckpoint, VertexStore


def kept(certified: Certified) -> KeptCheckpoint:
    """Return a checkpoint as the store keeps it."""
    checkpoint = certified.checkpoint
    return KeptCheckpoint(
        checkpoint.height,
        checkpoint.body,
        encode_signed(checkpoint.body, certified.signatures),
        b"".join(certified.names),
    )


def keep(store: VertexStore, command: KeepCheckpoint, before: Mapping[bytes, bytes]) -> None:
    """Keep what ``command`` says; ``before`` is the state in the store.  Blocks.

    Raises:
        DatabaseFailure: it cannot be written; nothing has changed.
    """
    floor = None
    if command.floor is not None:
        floor = command.floor.checkpoint.height, _changes(before, command.floor.state)
    store.keep_checkpoint(kept(command.newest), floor, command.gone)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A floor to begin with."""

    certified: Certified
    proofs: tuple[bytes, ...]
    """Of the committees of epoch 1 and all later ones up to the one that signed."""


def begin_store(store: VertexStore, taken: Snapshot) -> None:
    """Let ``store`` begin at ``taken``, with the vertices that it has.  Blocks."""
    snapshot = taken.certified
    for epoch, proof in enumerate(taken.proofs, 1):
        store.keep_committee(epoch, proof)
    floor = store.floor()
    changes = _changes({} if floor is None else floor[1], snapshot.state)
    height = snapshot.checkpoint.height
    store.keep_checkpoint(kept(snapshot), (height, changes), is_snapshot=True)


def _changes(
    before: Mapping[bytes, bytes], after: Mapping[bytes, bytes]
) -> dict[bytes, bytes | None]:
    """Return what to write over the state ``before``; None: objects at their end have no record."""
    changed: dict[bytes, bytes | None] = dict.fromkeys(before.keys() - after.keys())
    changed.update((key, record) for key, record in after.items() if before.get(key) != record)
    return changed


def read_floor(store: VertexStore, genesis: Genesis) -> FloorRead | None:
    """Return where ``store`` begins; None at genesis.  Blocks.

    Raises:
        RemoteProtocolError: what it holds was not signed by a quorum: the file is damaged.
    """
    floor = store.floor()
    if floor is None:
        return None
    height, state = floor
    names: list[Names] = []
    tables: list[Table] = []
    certified: Certified | None = None
    for one in store.checkpoints():
        if one.height > height:
            break
        checkpoint = decode_checkpoint(one.body, genesis.network)
        final = split_ids(one.names, 1, CHECKPOINT_VERTICES_MAX)
        names.append(Names(final, checkpoint.dead))
        if one.height == height:
            _, signatures = decode_signed(one.signatures)
            proofs = [store.committee(epoch) for epoch in range(1, checkpoint.epoch + 1)]
            known = takewhile(lambda proof: proof is not None, proofs)
            tables = committees(genesis, [proof for proof in known if proof is not None])
            certified = check_certified(checkpoint, signatures, state, final, genesis, tables)
    if certified is None:
        raise RemoteProtocolError("a floor without its checkpoint", rule=RULE)
    return FloorRead(certified, names, tables)


def newest_kept(store: VertexStore) -> tuple[bytes, dict[NodeId, bytes]] | None:
    """Return the newest checkpoint in ``store`` with its signatures, None without any."""
    checkpoints = store.checkpoints()
    return decode_signed(checkpoints[-1].signatures) if checkpoints else None


def check_certified(
    checkpoint: Checkpoint,
    signatures: dict[NodeId, bytes],
    state: Mapping[bytes, bytes],
    names: tuple[VertexId, ...],
    genesis: Genesis,
    tables: Sequence[Table] = (),
) -> Certified:
    """Return the checkpoint after checking signatures, state and names.

    ``tables`` are the seats of epoch 1 and those after it.

    Raises:
        RemoteProtocolError: seats of quorum weight did not sign this.
    """
    check_quorum(checkpoint, signatures, genesis, tables)
    records = list(state.values())
    if merkle_root(records) != checkpoint.state_root or len(records) != checkpoint.record_count:
        raise RemoteProtocolError("a state without its root", rule=RULE)
    if list(state) != [encode_record(decode_record(record))[0] for record in records]:
        raise RemoteProtocolError("records under other keys", rule=RULE)
    if merkle_root(names) != checkpoint.names_root or len(names) != checkpoint.name_count:
        raise RemoteProtocolError("names without their root", rule=RULE)
    return Certified(checkpoint, signatures, dict(state), names)


def check_quorum(
    checkpoint: Checkpoint,
    signatures: Mapping[NodeId, bytes],
    genesis: Genesis,
    tables: Sequence[Table] = (),
) -> None:
    """Check that seats of quorum weight signed, of the epoch that the checkpoint names.

    ``tables`` are the seats of epoch 1 and those after it.

    Raises:
        RemoteProtocolError: they did not.
    """
    if checkpoint.epoch > len(tables):
        raise RemoteProtocolError("a checkpoint of an epoch that nothing shows", rule=RULE)
    table = (table_of(genesis.seats, genesis.quorum), *tables)[checkpoint.epoch]
    weights = table.weights()
    if not signatures.keys() <= weights.keys():
        raise RemoteProtocolError("a checkpoint signed by no seat", rule=RULE)
    check_signatures(checkpoint.hash, signatures, genesis.network)
    if sum(weights[seat] for seat in signatures) < table.quorum:
        raise RemoteProtocolError("a checkpoint without a quorum", rule=RULE)
