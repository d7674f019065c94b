"""What follows each operator's byte, and which operators belong to refused features.

The numbers are those of the binary format of WebAssembly core 2.0 with tail calls.  ``code.py``
walks bodies with these tables; a later pass that rewrites bodies starts from them as well.
"""

from enum import IntEnum


class Immediate(IntEnum):
    """What follows an operator's byte."""

    NONE = 0
    INDEX = 1
    """One unsigned integer: a label, or an index of a local, global, function, table or segment."""

    TWO_INDICES = 2
    BLOCK_TYPE = 3
    MEMORY_ARGUMENT = 4
    """Alignment and offset."""

    BRANCH_TABLE = 5
    I32 = 6
    I64 = 7
    F32 = 8
    F64 = 9
    TYPES = 10
    """A count and so many value types."""

    REFERENCE_TYPE = 11
    MEMORY_INDEX = 12
    """The byte 0: the only memory there is."""

    ELSE = 13
    END = 14
    BULK = 15
    """The prefix 0xFC."""

    VECTOR = 16
    """The prefix 0xFD."""

    REFUSED = 17
    MEMORY_ARGUMENT_LANE = 18
    LANE = 19
    SIXTEEN_BYTES = 20
    INDEX_MEMORY_INDEX = 21
    TWO_MEMORY_INDICES = 22


BLOCK = 0x02
LOOP = 0x03
IF = 0x04
ELSE = 0x05
END = 0x0B
BULK_PREFIX = 0xFC
VECTOR_PREFIX = 0xFD


def _plain() -> bytes:
    table = bytearray([Immediate.REFUSED] * 256)
    table[0x00] = table[0x01] = Immediate.NONE  # unreachable, nop
    table[BLOCK] = table[LOOP] = table[IF] = Immediate.BLOCK_TYPE
    table[ELSE] = Immediate.ELSE
    table[END] = Immediate.END
    table[0x0C] = table[0x0D] = Immediate.INDEX  # br, br_if
    table[0x0E] = Immediate.BRANCH_TABLE
    table[0x0F] = Immediate.NONE  # return
    table[0x10] = table[0x12] = Immediate.INDEX  # call, return_call
    table[0x11] = table[0x13] = Immediate.TWO_INDICES  # call_indirect, return_call_indirect
    table[0x1A] = table[0x1B] = Immediate.NONE  # drop, select
    table[0x1C] = Immediate.TYPES  # select with types
    for code in range(0x20, 0x27):  # local.*, global.*, table.get, table.set
        table[code] = Immediate.INDEX
    for code in range(0x28, 0x3F):  # loads and stores
        table[code] = Immediate.MEMORY_ARGUMENT
    table[0x3F] = table[0x40] = Immediate.MEMORY_INDEX  # memory.size, memory.grow
    table[0x41] = Immediate.I32
    table[0x42] = Immediate.I64
    table[0x43] = Immediate.F32
    table[0x44] = Immediate.F64
    for code in range(0x45, 0xC5):  # comparisons, arithmetic, conversions, sign extension
        table[code] = Immediate.NONE
    table[0xD0] = Immediate.REFERENCE_TYPE  # ref.null
    table[0xD1] = Immediate.NONE  # ref.is_null
    table[0xD2] = Immediate.INDEX  # ref.func
    table[BULK_PREFIX] = Immediate.BULK
    table[VECTOR_PREFIX] = Immediate.VECTOR
    return bytes(table)


def _bulk() -> bytes:
    return bytes(
        [
            *[Immediate.NONE] * 8,  # saturating conversions
            Immediate.INDEX_MEMORY_INDEX,  # memory.init
            Immediate.INDEX,  # data.drop
            Immediate.TWO_MEMORY_INDICES,  # memory.copy
            Immediate.MEMORY_INDEX,  # memory.fill
            Immediate.TWO_INDICES,  # table.init
            Immediate.INDEX,  # elem.drop
            Immediate.TWO_INDICES,  # table.copy
            Immediate.INDEX,  # table.grow
            Immediate.INDEX,  # table.size
            Immediate.INDEX,  # table.fill
        ]
    )


def _vector() -> bytes:
    table = bytearray([Immediate.NONE] * 256)
    for code in range(0x0C):  # v128.load, its widening forms, and v128.store
        table[code] = Immediate.MEMORY_ARGUMENT
    table[0x0C] = table[0x0D] = Immediate.SIXTEEN_BYTES  # v128.const, i8x16.shuffle
    for code in range(0x15, 0x23):  # lanes in and out
        table[code] = Immediate.LANE
    for code in range(0x54, 0x5C):  # loads and stores of one lane
        table[code] = Immediate.MEMORY_ARGUMENT_LANE
    table[0x5C] = table[0x5D] = Immediate.MEMORY_ARGUMENT  # v128.load32_zero, load64_zero
    for code in _VECTOR_UNUSED:
        table[code] = Immediate.REFUSED
    return bytes(table)


_VECTOR_UNUSED = (
    0x9A, 0xA2, 0xA5, 0xA6, 0xAF, 0xB0, 0xB2, 0xB3, 0xB4, 0xBB, 0xC2, 0xC5, 0xC6, 0xCF, 0xD0,
    0xD2, 0xD3, 0xD4, 0xE2, 0xEE,
)  # fmt: skip

PLAIN = _plain()
"""The ``Immediate`` of each one-byte operator."""

BULK = _bulk()
"""The ``Immediate`` of each operator after the prefix 0xFC."""

VECTOR = _vector()
"""The ``Immediate`` of each operator after the prefix 0xFD."""


def name_feature(prefix: int, code: int) -> str:
    """Return the feature that an operator belongs to, for a sentence that refuses it."""
    match prefix:
        case 0xFD:
            return "relaxed SIMD" if 0x100 <= code < 0x130 else "an unknown SIMD operator"
        case 0xFC:
            return "wide arithmetic" if 0x13 <= code <= 0x16 else "an unknown operator 0xFC"
        case _:
            return _FEATURES.get(code, f"an unknown operator 0x{code:02X}")


_FEATURES = {
    **dict.fromkeys((0x06, 0x07, 0x08, 0x09, 0x0A, 0x18, 0x19, 0x1F), "exceptions"),
    **dict.fromkeys((0x14, 0x15, 0xD3, 0xD4, 0xD5, 0xD6), "typed function references"),
    **dict.fromkeys(range(0xE0, 0xE7), "stack switching"),
    0xFB: "GC",
    0xFE: "threads",
}
