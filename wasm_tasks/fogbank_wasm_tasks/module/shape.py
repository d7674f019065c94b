"""The two shapes of a task, told by what a module exports (SPEC.md section 7.3)."""

from fogbank_protocol.errors import RemoteProtocolError

from ..limits import PAGE_BYTES
from .facts import ExternKind, FunctionType, ModuleFacts, Shape, ValueType

_I32 = ValueType.I32
_I64 = ValueType.I64

MEMORY = "memory"
INITIALIZE = "_initialize"
ALLOCATE = "alloc"
RUN = "run"
START = "_start"

_REACTOR = {ALLOCATE: FunctionType((_I32,), (_I32,)), RUN: FunctionType((_I32, _I32), (_I64,))}
_COMMAND = {START: FunctionType((), ())}
_NOTHING = FunctionType((), ())


def detect_shape(facts: ModuleFacts) -> Shape:
    """Return the shape that the exports of a module show: reactor when they allow both.

    Raises:
        RemoteProtocolError: they show neither (section 7.3).
    """
    if _REACTOR.keys() <= facts.exports.keys():
        return Shape.REACTOR
    if _COMMAND.keys() <= facts.exports.keys():
        return Shape.COMMAND
    raise RemoteProtocolError(
        "the module exports neither alloc and run nor _start, so it is no task", rule="7.3"
    )


def check_shape(facts: ModuleFacts, shape: Shape, memory_bytes_max: int) -> None:
    """Check that a module has what ``shape`` needs, and starts within ``memory_bytes_max``.

    Raises:
        RemoteProtocolError: it does not (section 7.3).
    """
    memory = facts.exports.get(MEMORY)
    if memory is None or memory.kind is not ExternKind.MEMORY or facts.memory is None:
        raise RemoteProtocolError("the module does not export its memory as memory", rule="7.3")
    if facts.memory.minimum * PAGE_BYTES > memory_bytes_max:
        raise RemoteProtocolError(
            f"the module begins with {facts.memory.minimum} pages of memory, more than the "
            f"{memory_bytes_max} bytes allowed",
            rule="7.3",
        )
    match shape:
        case Shape.REACTOR:
            required = _REACTOR
            if INITIALIZE in facts.exports:
                required = {**_REACTOR, INITIALIZE: _NOTHING}
        case Shape.COMMAND:
            required = _COMMAND
    for name, expected in required.items():
        _check_function(facts, name, expected)


def _check_function(facts: ModuleFacts, name: str, expected: FunctionType) -> None:
    export = facts.exports.get(name)
    if export is None or export.kind is not ExternKind.FUNCTION:
        raise RemoteProtocolError(f"the module exports no function {name}", rule="7.3")
    found = facts.functions[export.index]
    if found != expected:
        raise RemoteProtocolError(f"{name} is {found}, {expected} needed", rule="7.3")
