"""Walks the operators of function bodies (SPEC.md section 7.2).

Every operator's immediates are decoded far enough to know where the next one begins, so that a
refused feature cannot hide and blocks are known to nest.  Types are left to the compiler.
"""

from fogbank_protocol.errors import RemoteProtocolError

from ..limits import BRANCH_TARGETS_MAX, LOCALS_MAX, LOOPS_MAX, NESTING_MAX
from .operators import (
    BULK,
    BULK_PREFIX,
    IF,
    LOOP,
    PLAIN,
    VECTOR,
    VECTOR_PREFIX,
    Immediate,
    name_feature,
)
from .reader import Reader, refuse
from .types import VALUE_TYPE_CODES, read_value_type

_FUNCTION = 0
"""Stands for the function itself below the operators in the stack of open blocks."""

_ELSE_SEEN = 1

# Looked up in the loop below for every operator: an enum's member costs ten times a global.
_NONE = int(Immediate.NONE)
_INDEX = int(Immediate.INDEX)
_MEMORY_ARGUMENT = int(Immediate.MEMORY_ARGUMENT)
_CONSTANTS = {int(Immediate.I32): 5, int(Immediate.I64): 10}
_FIXED = {
    int(Immediate.F32): 4,
    int(Immediate.F64): 8,
    int(Immediate.SIXTEEN_BYTES): 16,
    int(Immediate.LANE): 1,
}


def walk_body(body: Reader, parameters: int) -> int:
    """Read one function body to its end and return how many operators it has.

    ``parameters`` is the count of the function's parameters, which are locals too.

    Raises:
        RemoteProtocolError: it is malformed, nests too deep, has too many locals, or uses a
            refused feature.
    """
    _read_locals(body, parameters)
    try:
        return _walk_operators(body)
    except IndexError:
        raise refuse("truncated") from None


def _read_locals(body: Reader, parameters: int) -> None:
    total = parameters
    for _ in range(body.count(LOCALS_MAX, "groups of locals")):
        total += body.u32()
        if total > LOCALS_MAX:
            raise refuse(f"a function with more than {LOCALS_MAX} locals")
        read_value_type(body)


def _walk_operators(body: Reader) -> int:
    # The view ends where the body ends, so that running over it is an IndexError.
    code = body.data[body.position : body.end]
    body.position = body.end
    plain = PLAIN
    length = len(code)
    position = 0
    operators = 0
    blocks = _Blocks()
    while True:
        operator = code[position]
        position += 1
        operators += 1
        kind = plain[operator]
        if kind == _NONE:
            continue
        if kind == _INDEX:
            if code[position] < 0x80:
                position += 1
            else:
                position = _skip_integer(code, position, 5)
        elif kind == _MEMORY_ARGUMENT:
            position = _skip_memory_argument(code, position)
        elif kind in _CONSTANTS:
            position = _skip_integer(code, position, _CONSTANTS[kind])
        elif kind == Immediate.BLOCK_TYPE:
            position = _skip_block_type(code, position)
            blocks.open(operator)
        elif kind == Immediate.END:
            if blocks.close():
                break
        elif kind == Immediate.ELSE:
            blocks.turn()
        else:
            position = _skip_rare(code, position, operator, kind)
    if position != length:
        raise refuse("operators after the end of a function")
    return operators


class _Blocks:
    """The blocks that are open at a place of a body."""

    __slots__ = ("_loops", "_open")

    def __init__(self) -> None:
        self._open = [_FUNCTION]
        self._loops = 0

    def open(self, operator: int) -> None:
        if len(self._open) > NESTING_MAX:
            raise refuse(f"blocks nest deeper than {NESTING_MAX}")
        if operator == LOOP:
            self._loops += 1
            if self._loops > LOOPS_MAX:
                raise refuse(f"a function with more than {LOOPS_MAX} loops")
        self._open.append(operator)

    def turn(self) -> None:
        if self._open[-1] != IF:
            raise refuse("else outside of an if")
        self._open[-1] = _ELSE_SEEN

    def close(self) -> bool:
        """Close the innermost block and tell whether it was the function itself."""
        return self._open.pop() == _FUNCTION


def _skip_integer(code: bytes, position: int, bytes_max: int) -> int:
    start = position
    while code[position] >= 0x80:
        position += 1
    position += 1
    if position - start > bytes_max:
        raise refuse("an integer is too long")
    return position


def _skip_memory_argument(code: bytes, position: int) -> int:
    alignment = code[position]
    if alignment >= 0x40:
        raise refuse("it uses multi-memory" if alignment < 0x80 else "a malformed alignment")
    position += 1
    if code[position] < 0x80:
        return position + 1
    return _skip_integer(code, position, 5)


def _skip_block_type(code: bytes, position: int) -> int:
    first = code[position]
    if first == 0x40 or first in VALUE_TYPE_CODES:
        return position + 1
    # Any other negative number of one byte would be a type of a later feature.
    if 0x40 <= first < 0x80:
        raise refuse(f"an unknown block type 0x{first:02X}")
    return _skip_integer(code, position, 5)


def _skip_rare(code: bytes, position: int, operator: int, kind: int) -> int:
    if operator in (BULK_PREFIX, VECTOR_PREFIX) and kind in (Immediate.BULK, Immediate.VECTOR):
        table = BULK if operator == BULK_PREFIX else VECTOR
        start = position
        number, position = _read_number(code, position)
        _check_shortest(number, position - start)
        kind = table[number] if number < len(table) else int(Immediate.REFUSED)
        if kind == Immediate.REFUSED:
            raise _refuse_feature(operator, number)
    if kind in _FIXED:
        return _skip_bytes(code, position, _FIXED[kind])
    match kind:
        case Immediate.NONE:
            return position
        case Immediate.INDEX:
            return _skip_integer(code, position, 5)
        case Immediate.TWO_INDICES:
            return _skip_integer(code, _skip_integer(code, position, 5), 5)
        case Immediate.MEMORY_ARGUMENT:
            return _skip_memory_argument(code, position)
        case Immediate.MEMORY_ARGUMENT_LANE:
            return _skip_bytes(code, _skip_memory_argument(code, position), 1)
        case Immediate.BRANCH_TABLE:
            return _skip_branch_table(code, position)
        case Immediate.TYPES:
            return _skip_types(code, position)
        case Immediate.REFERENCE_TYPE:
            if code[position] not in (0x70, 0x6F):
                raise refuse("it uses typed function references or GC")
            return position + 1
        case Immediate.MEMORY_INDEX:
            return _skip_memory_index(code, position)
        case Immediate.TWO_MEMORY_INDICES:
            return _skip_memory_index(code, _skip_memory_index(code, position))
        case Immediate.INDEX_MEMORY_INDEX:
            return _skip_memory_index(code, _skip_integer(code, position, 5))
        case _:
            raise _refuse_feature(0, operator)


def _read_number(code: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in (0, 7, 14, 21, 28):
        byte = code[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise refuse("an integer is too long")


def _check_shortest(number: int, length: int) -> None:
    if length > 1 and number >> 7 * (length - 1) == 0:
        raise refuse("the number of an operator is not in its shortest form")


def _skip_bytes(code: bytes, position: int, count: int) -> int:
    position += count
    if position > len(code):
        raise refuse("truncated")
    return position


def _skip_branch_table(code: bytes, position: int) -> int:
    count, position = _read_number(code, position)
    if count > BRANCH_TARGETS_MAX:
        raise refuse(f"a br_table with more than {BRANCH_TARGETS_MAX} targets")
    for _ in range(count + 1):
        position = _skip_integer(code, position, 5)
    return position


def _skip_types(code: bytes, position: int) -> int:
    if code[position] != 1:
        raise refuse("a select with other than one type")
    position += 1
    if code[position] not in VALUE_TYPE_CODES:
        raise refuse("an unknown value type")
    return position + 1


def _skip_memory_index(code: bytes, position: int) -> int:
    if code[position] != 0:
        raise refuse("it uses multi-memory")
    return position + 1


def _refuse_feature(prefix: int, number: int) -> RemoteProtocolError:
    return refuse(f"it uses {name_feature(prefix, number)}")
