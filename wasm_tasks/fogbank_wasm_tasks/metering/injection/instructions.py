"""The operators that the rewriter looks for, and the code that it puts in.

Numbers are opcodes of the core specification, section 5.4.
"""

import struct
from typing import Final

UNREACHABLE: Final = 0x00
BLOCK: Final = 0x02
LOOP: Final = 0x03
IF: Final = 0x04
ELSE: Final = 0x05
END: Final = 0x0B
BR_TABLE: Final = 0x0E
RETURN: Final = 0x0F
CALL: Final = 0x10
CALL_INDIRECT: Final = 0x11
RETURN_CALL: Final = 0x12
RETURN_CALL_INDIRECT: Final = 0x13
MEMORY_GROW: Final = 0x40
REF_FUNC: Final = 0xD2
VECTOR_PREFIX: Final = 0xFD

BULK_TABLE_GROW: Final = 15
BULK_TWO_INDICES: Final = frozenset((8, 10, 12, 14))
"""memory.init, memory.copy, table.init, table.copy."""

I32, I64, F32, F64 = 0x7F, 0x7E, 0x7D, 0x7C

NAN: Final = {
    F32: b"\x43" + struct.pack("<I", 0x7FC0_0000),
    F64: b"\x44" + struct.pack("<Q", 0x7FF8 << 48),
}
"""Pushes the one NaN that may be seen."""

EQUAL: Final = {F32: b"\x5b", F64: b"\x61"}

LOCAL_GET, LOCAL_SET, LOCAL_TEE = b"\x20", b"\x21", b"\x22"
GLOBAL_GET, GLOBAL_SET = b"\x23", b"\x24"
I32_CONST_MINUS_ONE: Final = b"\x41\x7f"
I32_CONST_ZERO: Final = b"\x41\x00"
I32_EQUAL: Final = b"\x46"
I64_CONST, I64_ADD, I64_SUB, I64_AND, I64_SHL = b"\x42", b"\x7c", b"\x7d", b"\x83", b"\x86"
I64_IS_NEGATIVE: Final = b"\x42\x00\x53"
I64_IS_NOT_ZERO: Final = b"\x50\x45"
I64_EXTEND_I32_U: Final = b"\xad"
SELECT: Final = b"\x1b"
IF_BEGIN: Final = b"\x04\x40"
UNREACHABLE_END: Final = b"\x00\x0b"
END_CODE: Final = b"\x0b"
