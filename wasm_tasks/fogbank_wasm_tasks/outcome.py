"""How a run ended (SPEC.md section 7.6).

All outcomes but ``HostFault`` follow from package, input, arguments, environment, seed and limits
alone, so that two providers' can be compared.  A host fault says that the machine failed, and is
held against nobody.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError

from .limits import KIND_BYTES_MAX, OUTPUT_BYTES_MAX

EXIT_CODE_MAX = (1 << 32) - 1
_KIND = re.compile(r"[a-z_]+")


class TrapKind(StrEnum):
    """Why a run trapped (section 7.6)."""

    UNREACHABLE = "unreachable"
    MEMORY_OUT_OF_BOUNDS = "memory_out_of_bounds"
    TABLE_OUT_OF_BOUNDS = "table_out_of_bounds"
    NULL_FUNCTION = "null_function"
    WRONG_SIGNATURE = "wrong_signature"
    INTEGER_OVERFLOW = "integer_overflow"
    DIVISION_BY_ZERO = "division_by_zero"
    WRONG_CONVERSION = "wrong_conversion"
    CALL_DEPTH = "call_depth"
    ABORTED = "aborted"
    ALLOCATION_OUT_OF_BOUNDS = "allocation_out_of_bounds"
    RESULT_OUT_OF_BOUNDS = "result_out_of_bounds"
    OUTPUT_TOO_LARGE = "output_too_large"
    TOO_MANY_STEPS = "too_many_steps"


class HostFaultKind(StrEnum):
    """Why a machine could not finish a run (section 7.6)."""

    WORKER_DIED = "worker_died"
    TIME_LIMIT = "time_limit"
    COMPILE_LIMIT = "compile_limit"
    ENGINE_FAILED = "engine_failed"


@dataclass(frozen=True, slots=True)
class Ok:
    """The run finished; its output is the blob ``output_id`` of ``output_size`` bytes."""

    output_id: BlobId
    output_size: int


@dataclass(frozen=True, slots=True)
class OutOfFuel:
    """The run used more fuel than it was given."""


@dataclass(frozen=True, slots=True)
class Trap:
    """The run broke a rule of WebAssembly or of section 7.3, as ``kind`` says."""

    kind: str


@dataclass(frozen=True, slots=True)
class Exited:
    """The run ended itself with ``code``: not 0, unless the shape is reactor."""

    code: int


@dataclass(frozen=True, slots=True)
class HostFault:
    """The machine failed, not the run, as ``kind`` says."""

    kind: str


Outcome: TypeAlias = Ok | OutOfFuel | Trap | Exited | HostFault


def agree(ours: tuple[Outcome, int], theirs: tuple[Outcome, int]) -> bool:
    """Tell whether two runs of the same order, each (outcome, fuel), have the same result.

    A host fault agrees with nothing, not even with the same host fault: it is not a result.
    """
    return ours == theirs and not isinstance(ours[0], HostFault)


def outcome_to_value(outcome: Outcome) -> Value:
    """Return the array that says ``outcome`` (section 7.6)."""
    match outcome:
        case Ok(output_id, output_size):
            return [0, output_id, output_size]
        case OutOfFuel():
            return [1]
        case Trap(kind):
            return [2, str(kind)]
        case Exited(code):
            return [3, code]
        case HostFault(kind):
            return [4, str(kind)]


def outcome_from_value(value: Value) -> Outcome:
    """Return the outcome that a decoded array says.

    Raises:
        RemoteProtocolError: it is not an outcome (section 7.6).
    """
    match value:
        case [int(tag), bytes(output_id), int(size)] if (
            _is(tag, 0) and len(output_id) == BLOB_ID_BYTES and _is_integer(size, OUTPUT_BYTES_MAX)
        ):
            return Ok(BlobId(output_id), size)
        case [int(tag)] if _is(tag, 1):
            return OutOfFuel()
        case [int(tag), str(kind)] if _is(tag, 2) and _is_kind(kind):
            return Trap(kind)
        case [int(tag), int(code)] if _is(tag, 3) and _is_integer(code, EXIT_CODE_MAX):
            return Exited(code)
        case [int(tag), str(kind)] if _is(tag, 4) and _is_kind(kind):
            return HostFault(kind)
        case _:
            raise RemoteProtocolError("not an outcome", rule="7.6")


def _is(tag: int, expected: int) -> bool:
    # A boolean is an int in Python, but another value on the wire.
    return tag == expected and not isinstance(tag, bool)


def _is_integer(value: int, largest: int) -> bool:
    return value <= largest and not isinstance(value, bool)


def _is_kind(kind: str) -> bool:
    return len(kind) <= KIND_BYTES_MAX and _KIND.fullmatch(kind) is not None
