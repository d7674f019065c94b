"""Checkpoints of step tasks that others can go on from (SPEC.md sections 9.2 and 9.5)."""

from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value
from fogbank_wasm_tasks.limits import STATES_MAX

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
