"""The three shapes of a task, told by what a module exports (SPEC.md section 7.3)."""

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
SET_UP = "init"
STEP = "step"
RESULT = "result"
VERIFY = "verify"

_REACTOR = {ALLOCATE: FunctionType((_I32,), (_I32,)), RUN: FunctionType((_I32, _I32), (_I64,))}
_COMMAND = {START: FunctionType((), ())}
_STEP = {
    ALLOCATE: FunctionType((_I32,), (_I32,)),
    SET_UP: FunctionType((_I32, _I32), ()),
    STEP: FunctionType((_I32,), (_I32,)),
    RESULT: FunctionType((), (_I64,)),
}
_OPTIONAL = {
    INITIALIZE: FunctionType((), ()),
    VERIFY: FunctionType((_I32, _I32, _I32, _I32), (_I32,)),
}
"""What a reactor or step task may export beside; of a command neither is called."""


def detect_shape(facts: ModuleFacts) -> Shape:
    """Return the first of reactor, step and command that the exports of a module allow.

    Raises:
        RemoteProtocolError: they show none (section 7.3).
    """
    if _REACTOR.keys() <= facts.exports.keys():
        return Shape.REACTOR
    if _STEP.keys() <= facts.exports.keys():
        return Shape.STEP
    if _COMMAND.keys() <= facts.exports.keys():
        return Shape.COMMAND
    raise RemoteProtocolError(
        "the module exports neither alloc and run, nor alloc, init, step and result, nor _start, "
        "so it is no task",
        rule="7.3",
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
            required = _with_optional(facts, _REACTOR)
        case Shape.STEP:
            required = _with_optional(facts, _STEP)
        case Shape.COMMAND:
            required = _COMMAND
    for name, expected in required.items():
        _check_function(facts, name, expected)


def has_verifier(facts: ModuleFacts, shape: Shape) -> bool:
    """Tell whether a module that passed ``check_shape`` can check outputs (section 7.9)."""
    return shape is not Shape.COMMAND and VERIFY in facts.exports


def _with_optional(
    facts: ModuleFacts, required: dict[str, FunctionType]
) -> dict[str, FunctionType]:
    present = {name: each for name, each in _OPTIONAL.items() if name in facts.exports}
    return {**required, **present}


def _check_function(facts: ModuleFacts, name: str, expected: FunctionType) -> None:
    export = facts.exports.get(name)
    if export is None or export.kind is not ExternKind.FUNCTION:
        raise RemoteProtocolError(f"the module exports no function {name}", rule="7.3")
    found = facts.functions[export.index]
    if found != expected:
        raise RemoteProtocolError(f"{name} is {found}, {expected} needed", rule="7.3")
