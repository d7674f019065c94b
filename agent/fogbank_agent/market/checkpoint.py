"""Checkpoints of step tasks that others can go on from (SPEC.md sections 9.2 and 9.5)."""

from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.limits import STATES_MAX
from fogbank_wasm_tasks.verification.snapshot import decode_snapshot
from fogbank_wasm_tasks.verification.terms import StartState

from ..limits import RUN_DATA_BYTES_MAX, RUN_FUEL_MAX
from .fields import Fields


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of a step task under way that can be had, for somebody else to go on from."""

    position: int
    fuel: int
    """What the run had used there since its beginning, whoever did it."""

    root: bytes
    """The 32-byte state root (section 7.9)."""

    snapshot: BlobId
    """The blob that is the state (section 7.10)."""

    size: int
    """Its bytes."""

    @property
    def state(self) -> StartState:
        """What the terms of a run that goes on from here say of it."""
        return StartState(self.position, self.fuel, self.root)


def checkpoint_to_value(one: Checkpoint) -> Value:
    """Return the array that says ``one``."""
    return [one.position, one.fuel, one.root, one.snapshot, one.size]


def parse_checkpoint(value: Value, *, rule: str) -> Checkpoint | None:
    """Return the checkpoint that ``value`` says, None for nil.

    Raises:
        RemoteProtocolError: it breaks ``rule``, the section of what it is part of.
    """
    if value is None:
        return None
    fields = Fields(value, 5, rule=rule)
    return Checkpoint(
        position=fields.integer(STATES_MAX - 1),
        fuel=fields.integer(RUN_FUEL_MAX),
        root=fields.exactly(32),
        snapshot=BlobId(fields.exactly(BLOB_ID_BYTES)),
        size=fields.integer(RUN_DATA_BYTES_MAX, least=1),
    )


def is_snapshot_of(data: bytes, start: StartState) -> bool:
    """Tell whether ``data`` is the snapshot of the state ``start``; takes long for a large one."""
    try:
        snapshot = decode_snapshot(data)
    except RemoteProtocolError:
        return False
    head = snapshot.head
    return (head.steps, head.fuel, snapshot.root()) == (start.position, start.fuel, start.root)


def checkpoint_of(data: bytes, snapshot: BlobId) -> Checkpoint:
    """Return the checkpoint whose state is ``data``, a blob named ``snapshot``.

    Raises:
        RemoteProtocolError: it is no snapshot.
    """
    state = decode_snapshot(data)
    return Checkpoint(state.head.steps, state.head.fuel, state.root(), snapshot, len(data))
