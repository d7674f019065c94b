"""Snapshots: a state in a file, to be continued in another instance (SPEC.md section 7.10)."""

from dataclasses import dataclass
from typing import Final

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError

from ..limits import (
    FUEL_MAX,
    PAGE_BYTES,
    SNAPSHOT_BYTES_MAX,
    STATE_PAGE_BYTES,
    STATES_MAX,
    STEP_GLOBALS_MAX,
    STEP_MEMORY_BYTES_MAX,
)
from ..module.facts import ModuleFacts, ValueType
from .memory_tree import MemoryTree
from .state import Digest, StateHead, state_root

_MAGIC: Final = "fogsnap"
_VERSION: Final = 1
_ZERO_PAGE: Final = bytes(STATE_PAGE_BYTES)
_PAGES_PER_BLOCK: Final = PAGE_BYTES // STATE_PAGE_BYTES
_GLOBALS_BYTES_MAX: Final = 16 * STEP_GLOBALS_MAX
_RULE: Final = "7.10"
_VALUE_BYTES: Final = {
    ValueType.I32: 4,
    ValueType.I64: 8,
    ValueType.F32: 4,
    ValueType.F64: 8,
    ValueType.V128: 16,
}


@dataclass(frozen=True, slots=True, repr=False)
class Snapshot:
    """A state, all of it."""

    head: StateHead
    memory: bytes

    def root(self) -> Digest:
        """Return the root of the state."""
        tree = MemoryTree()
        tree.update(self.memory)
        return state_root(self.head, tree.root)

    def __repr__(self) -> str:
        return f"Snapshot({self.head})"


def encode_snapshot(head: StateHead, memory: bytes | memoryview) -> bytes:
    """Return the file of a state whose memory is ``memory``, of which pieces of zeros take one bit.

    ``memory`` has as many pages as ``head`` says.
    """
    marks = bytearray(head.pages * _PAGES_PER_BLOCK // 8)
    kept: list[bytes] = []
    for index in range(head.pages * _PAGES_PER_BLOCK):
        page = bytes(memory[index * STATE_PAGE_BYTES : (index + 1) * STATE_PAGE_BYTES])
        if page != _ZERO_PAGE:
            marks[index // 8] |= 1 << index % 8
            kept.append(page)
    return encode(
        [
            _MAGIC,
            _VERSION,
            head.steps,
            head.is_done,
            head.fuel,
            head.pages,
            head.globals,
            bytes(marks),
            b"".join(kept),
        ]
    )


def decode_snapshot(data: bytes) -> Snapshot:
    """Return the state in the file ``data``.

    Raises:
        RemoteProtocolError: it is none, or not written the one way that there is (section 7.10).
    """
    match decode(data, bytes_max=SNAPSHOT_BYTES_MAX):
        case [
            str(magic),
            int(version),
            int(steps),
            bool(is_done),
            int(fuel),
            int(pages),
            bytes(values),
            bytes(marks),
            bytes(kept),
        ] if (
            magic == _MAGIC
            and _in_range(version, _VERSION)
            and version == _VERSION
            and _in_range(steps, STATES_MAX - 1)
            and _in_range(fuel, FUEL_MAX)
            and _in_range(pages, STEP_MEMORY_BYTES_MAX // PAGE_BYTES)
            and len(values) <= _GLOBALS_BYTES_MAX
            and len(marks) * 8 == pages * _PAGES_PER_BLOCK
        ):
            head = StateHead(steps=steps, is_done=is_done, fuel=fuel, pages=pages, globals=values)
            return Snapshot(head, _spread(pages, marks, kept))
        case _:
            raise RemoteProtocolError("not a snapshot", rule=_RULE)


def check_resumable(
    snapshot: Snapshot, facts: ModuleFacts, memory_bytes_max: int, fuel_max: int
) -> None:
    """Check that ``snapshot`` can be put into an instance of the module that ``facts`` describe.

    It may still be no state that any run passes: only its root can tell.

    Raises:
        RemoteProtocolError: it cannot (section 7.10).
    """
    head, limits = snapshot.head, facts.memory
    assert limits is not None
    pages_max = memory_bytes_max // PAGE_BYTES
    if limits.maximum is not None:
        pages_max = min(pages_max, limits.maximum)
    types = [each.type for each in facts.globals if each.is_mutable]
    if not limits.minimum <= head.pages <= pages_max:
        raise RemoteProtocolError("a snapshot with a memory of another size", rule=_RULE)
    if len(head.globals) != sum(_VALUE_BYTES[each] for each in types):
        raise RemoteProtocolError("a snapshot with other globals", rule=_RULE)
    if head.fuel > fuel_max:
        raise RemoteProtocolError("a snapshot that used more fuel than it had", rule=_RULE)


def _spread(pages: int, marks: bytes, kept: bytes) -> bytes:
    """Return the memory whose marked pages are ``kept``, one after the other."""
    if sum(map(int.bit_count, marks)) * STATE_PAGE_BYTES != len(kept):
        raise RemoteProtocolError("a snapshot with other pages than it marks", rule=_RULE)
    memory = bytearray(pages * PAGE_BYTES)
    taken = 0
    for index in range(pages * _PAGES_PER_BLOCK):
        if marks[index // 8] >> index % 8 & 1:
            page = kept[taken : taken + STATE_PAGE_BYTES]
            if page == _ZERO_PAGE:
                raise RemoteProtocolError("a snapshot that spells zeros out", rule=_RULE)
            memory[index * STATE_PAGE_BYTES : (index + 1) * STATE_PAGE_BYTES] = page
            taken += STATE_PAGE_BYTES
    return bytes(memory)


def _in_range(value: int, largest: int) -> bool:
    # A boolean is an int in Python, but another value on the wire.
    return value <= largest and not isinstance(value, bool)
