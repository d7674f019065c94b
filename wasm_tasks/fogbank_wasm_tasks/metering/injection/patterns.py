"""Runs of plain operators, recognised whole.

Most operators only cost one unit of fuel and leave the flow of control alone.  One compiled
expression takes them in by the hundred; that is how pure Python reads a megabyte in a second.
Numbers are opcodes of the core specification, section 5.4.
"""

import re
from typing import Final

_INTEGER: Final = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_MEMORY_ARGUMENT: Final = _INTEGER + _INTEGER

_PLAIN: Final = b"".join(
    (
        rb"[\x1b\x45-\x97\x99-\xa5\xa7-\xbb\xbe-\xc4\xd1]",  # select, numeric, ref.is_null
        rb"|[\x20-\x26\x41\x42\xd2]" + _INTEGER,  # locals, globals, tables, integers, ref.func
        rb"|[\x28-\x37\x3a-\x3e]" + _MEMORY_ARGUMENT,  # loads, stores of integers
        rb"|\x3f\x00",  # memory.size
        rb"|\x43.{4}|\x44.{8}",  # float constants
        rb"|\xd0[\x6f\x70]",  # ref.null
        rb"|\x1c\x01[\x6f\x70\x7b-\x7f]",  # select with a type
        rb"|\xfc(?:[\x00-\x07]|[\x09\x0d\x10]" + _INTEGER + rb")",  # saturation, drops, table.size
        rb"|\xfd(?:[\x00-\x0b\x5c\x5d]" + _MEMORY_ARGUMENT,  # vectors: loads and stores
        rb"|[\x0c\x0d].{16}|[\x15-\x1f\x21].|[\x54-\x5b]" + _MEMORY_ARGUMENT + rb".",  # lanes
        rb"|[\x0e-\x12\x23-\x53\x5e-\x7f]|[\x80-\xff]\x01)",  # vectors: arithmetic
    )
)
_FREE: Final = rb"[\x01\x1a]"

NOP: Final = b"\x01"
DROP: Final = b"\x1a"

PLAIN_RUN: Final = re.compile(rb"(?:" + _PLAIN + rb"|" + _FREE + rb")+", re.DOTALL)
"""As many plain operators as there are; ``nop`` and ``drop`` among them, which are free."""

PLAIN_OPERATOR: Final = re.compile(_PLAIN + rb"|" + _FREE, re.DOTALL)
"""One of them."""

# f32x4 and f64x2 arithmetic, whose results may be NaN: conversions, rounding, 0xE0 to 0xFF.
FLOAT_VECTOR: Final = re.compile(
    rb"\xfd(?:[\x5e\x5f\x67-\x6a\x74\x75\x7a]|[\x94\xe0-\xff]\x01)", re.DOTALL
)
"""A vector operator whose result may be NaN; matched at the start of an operator only."""
