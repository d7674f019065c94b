"""What a step task may not have: state that no snapshot holds (SPEC.md section 7.3).

Between two calls all of its state is in memory and mutable globals, so that a run can be stopped,
named by a hash, and continued elsewhere.
"""

from collections.abc import Iterator
from typing import Final

from fogbank_protocol.errors import RemoteProtocolError

from ..limits import STEP_GLOBALS_MAX
from .facts import ModuleFacts, ValueType
from .operators import BULK, BULK_PREFIX, PLAIN, VECTOR, VECTOR_PREFIX, Immediate
from .reader import Reader

_HEADER_BYTES: Final = 8
_CODE: Final = 10
_TABLE_SET: Final = (0, 0x26)
_OPERATORS: Final = {
    _TABLE_SET: "table.set",
    (BULK_PREFIX, 9): "data.drop",
    (BULK_PREFIX, 12): "table.init",
    (BULK_PREFIX, 13): "elem.drop",
    (BULK_PREFIX, 14): "table.copy",
    (BULK_PREFIX, 15): "table.grow",
    (BULK_PREFIX, 17): "table.fill",
}
_HOST_FUNCTIONS: Final = frozenset(("random_get", "poll_oneoff", "fd_close"))
"""Each call of these changes what later calls answer."""

_REFERENCES: Final = (ValueType.FUNCREF, ValueType.EXTERNREF)

# How many integers, and then how many bytes, follow an operator of each kind.
_LENGTHS: Final = {
    Immediate.NONE: (0, 0),
    Immediate.INDEX: (1, 0),
    Immediate.TWO_INDICES: (2, 0),
    Immediate.BLOCK_TYPE: (1, 0),
    Immediate.MEMORY_ARGUMENT: (2, 0),
    Immediate.I32: (1, 0),
    Immediate.I64: (1, 0),
    Immediate.F32: (0, 4),
    Immediate.F64: (0, 8),
    Immediate.REFERENCE_TYPE: (0, 1),
    Immediate.MEMORY_INDEX: (0, 1),
    Immediate.ELSE: (0, 0),
    Immediate.END: (0, 0),
    Immediate.MEMORY_ARGUMENT_LANE: (2, 1),
    Immediate.LANE: (0, 1),
    Immediate.SIXTEEN_BYTES: (0, 16),
    Immediate.INDEX_MEMORY_INDEX: (1, 1),
    Immediate.TWO_MEMORY_INDICES: (0, 2),
}


def check_step_task(module: bytes, facts: ModuleFacts) -> None:
    """Check that ``module``, which passed ``check_module`` as ``facts``, keeps all state in sight.

    Raises:
        RemoteProtocolError: it could have state elsewhere, and the message says by what means
            (section 7.3).
    """
    mutable = [each for each in facts.globals if each.is_mutable]
    if len(mutable) > STEP_GLOBALS_MAX:
        raise _refuse(f"it has {len(mutable)} mutable globals, at most {STEP_GLOBALS_MAX} allowed")
    if any(each.type in _REFERENCES for each in mutable):
        raise _refuse("it has a mutable global that holds a reference")
    for each in facts.imports:
        if each.name in _HOST_FUNCTIONS:
            raise _refuse(f"it imports {each.name}")
    for body in _bodies(module):
        for operator in _operators(body):
            if operator in _OPERATORS:
                raise _refuse(f"it uses {_OPERATORS[operator]}")


def _bodies(module: bytes) -> Iterator[Reader]:
    reader = Reader(module, _HEADER_BYTES, len(module))
    while not reader.is_done:
        section = reader.byte()
        content = reader.part(reader.u32())
        if section != _CODE:
            continue
        for _ in range(content.u32()):
            yield content.part(content.u32())


def _operators(body: Reader) -> Iterator[tuple[int, int]]:
    for _ in range(body.u32()):
        body.u32()
        body.byte()
    while not body.is_done:
        prefix, number = 0, body.byte()
        table = PLAIN
        if number in (BULK_PREFIX, VECTOR_PREFIX):
            prefix, number = number, body.u32()
            table = BULK if prefix == BULK_PREFIX else VECTOR
        yield prefix, number
        _skip(body, Immediate(table[number]))


def _skip(body: Reader, kind: Immediate) -> None:
    match kind:
        case Immediate.BRANCH_TABLE:
            integers, count = body.u32() + 1, 0
        case Immediate.TYPES:
            integers, count = 0, body.u32()
        case _:
            integers, count = _LENGTHS[kind]
    for _ in range(integers):
        while body.byte() >= 0x80:
            pass
    body.bytes(count)


def _refuse(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"step task refused: {message}, and that state is in no snapshot", rule="7.3"
    )
