"""The state of a step task between two calls, and its root (SPEC.md section 7.9)."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NewType

from fogbank_protocol.encoding import Value, encode

from ..outcome import Outcome, outcome_to_value
from .merkle import HASH_BYTES

Digest = NewType("Digest", bytes)
"""32 bytes that name where a run is at a position: in a state, or at its end."""

DIGEST_BYTES: Final = HASH_BYTES
_STATE: Final = b"\2"
_END: Final = b"\3"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateHead:
    """All of a state but its memory."""

    steps: int
    """How many steps led to it."""

    is_done: bool
    """Whether the last of them said that there is no more."""

    fuel: int
    """What was used so far."""

    pages: int
    """How many pages of 64 KiB the memory has."""

    globals: bytes
    """The values of the mutable globals by index, little-endian, joined."""


def state_root(head: StateHead, memory_root: bytes) -> Digest:
    """Return the root of the state with this ``head`` and the root over its memory."""
    fields: Value = [head.steps, head.is_done, head.fuel, head.pages, memory_root, head.globals]
    return Digest(blake2b(_STATE + encode(fields), digest_size=HASH_BYTES).digest())


def end_digest(states: int, outcome: Outcome, fuel: int) -> Digest:
    """Return the digest of the end of a run that passed ``states`` states."""
    fields: Value = [states, outcome_to_value(outcome), fuel]
    return Digest(blake2b(_END + encode(fields), digest_size=HASH_BYTES).digest())
