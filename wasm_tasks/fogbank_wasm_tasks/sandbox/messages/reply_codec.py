"""Replies as bytes, which come from a process that may have been taken over."""

from struct import Struct

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError

from ...limits import (
    COMPILED_BYTES_MAX,
    DIAGNOSTICS_BYTES_MAX,
    MESSAGE_OVERHEAD_BYTES_MAX,
    OUTPUT_BYTES_MAX,
)
from ...outcome import Exited, HostFault, OutOfFuel, Trap, outcome_from_value, outcome_to_value
from .framing import COMPACT, RULE
from .replies import (
    Answered,
    Compiled,
    Ended,
    Ending,
    Finished,
    Invalid,
    Loaded,
    LoadFailed,
    Profiled,
    Progress,
    Protection,
    Ready,
    Reply,
    SliceDone,
    Stepped,
    Unusable,
)

REPLY_BYTES_MAX = max(OUTPUT_BYTES_MAX, COMPILED_BYTES_MAX) + MESSAGE_OVERHEAD_BYTES_MAX
"""The longest message from a worker."""

_FINISHED = Struct(">cQQQ")


def encode_reply(reply: Reply) -> bytes:
    """Return the message that says ``reply``."""
    match reply:
        case Ready(protection):
            return encode(
                [
                    1,
                    protection.no_new_privileges,
                    protection.seccomp,
                    protection.network_closed,
                    protection.files_closed,
                    protection.programs_closed,
                    protection.memory_limited,
                ]
            )
        case Unusable(reason):
            return encode([2, reason])
        case Loaded(forgotten):
            return encode([3, list(forgotten)])
        case LoadFailed(forgotten):
            return encode([4, list(forgotten)])
        case Compiled(compiled):
            return encode([7, compiled])
        case Invalid(message):
            return encode([8, message])
        case Progress(fuel):
            return encode([5, fuel])
        case SliceDone(fuel, snapshot):
            return encode([11, fuel, snapshot])
        case Stepped(states, roots, snapshot):
            return encode([9, states, roots, snapshot])
        case Profiled(functions, host):
            return encode(
                [10, [[*each] for each in functions], [[*each] for each in host]],
            )
        case Answered(output, fuel, memory_bytes):
            return encode([12, output, fuel, memory_bytes])
        case Ended(ending=Finished(), diagnostics=b"", is_exact=True):
            return (
                _FINISHED.pack(COMPACT, reply.fuel, reply.peak_memory_bytes, reply.wall_us)
                + reply.output
            )
        case Ended():
            return encode(
                [
                    6,
                    _ending_to_value(reply.ending),
                    reply.output,
                    reply.fuel,
                    reply.peak_memory_bytes,
                    reply.wall_us,
                    reply.diagnostics,
                    reply.is_exact,
                ]
            )


def decode_reply(message: bytes) -> Reply:
    """Return the reply in a message from a worker.

    Raises:
        RemoteProtocolError: it is none: the worker was taken over or is broken.
    """
    if message[:1] == COMPACT:
        return _decode_finished(message)
    match decode(message, bytes_max=REPLY_BYTES_MAX):
        case [
            1,
            bool(no_new_privileges),
            bool(seccomp),
            bool(network_closed),
            bool(files_closed),
            bool(programs_closed),
            bool(memory_limited),
        ]:
            return Ready(
                Protection(
                    no_new_privileges=no_new_privileges,
                    seccomp=seccomp,
                    network_closed=network_closed,
                    files_closed=files_closed,
                    programs_closed=programs_closed,
                    memory_limited=memory_limited,
                )
            )
        case [2, str(reason)]:
            return Unusable(reason)
        case [3, list(forgotten)]:
            return Loaded([_key(each) for each in forgotten])
        case [4, list(forgotten)]:
            return LoadFailed([_key(each) for each in forgotten])
        case [7, bytes(compiled)]:
            return Compiled(compiled)
        case [8, str(complaint)]:
            return Invalid(complaint)
        case [5, int(fuel)]:
            return Progress(fuel)
        case [11, int(fuel), bytes(snapshot)]:
            return SliceDone(fuel, snapshot)
        case [9, int(states), bytes(roots), bytes(snapshot)]:
            return Stepped(states, roots, snapshot)
        case [10, list(functions), list(host)]:
            return Profiled(
                [_function_total(each) for each in functions], [_host_total(each) for each in host]
            )
        case [12, bytes(output), int(fuel), int(memory_bytes)]:
            return Answered(output, fuel, memory_bytes)
        case [
            6,
            ending,
            bytes(output),
            int(fuel),
            int(peak_memory_bytes),
            int(wall_us),
            bytes(diagnostics),
            bool(is_exact),
        ] if len(diagnostics) <= DIAGNOSTICS_BYTES_MAX:
            return Ended(
                ending=_ending_from_value(ending),
                output=output,
                fuel=fuel,
                peak_memory_bytes=peak_memory_bytes,
                wall_us=wall_us,
                diagnostics=diagnostics,
                is_exact=is_exact,
            )
        case _:
            raise RemoteProtocolError("not a reply of a worker", rule=RULE)


def _decode_finished(message: bytes) -> Ended:
    if len(message) < _FINISHED.size:
        raise RemoteProtocolError("not a reply of a worker", rule=RULE)
    _, fuel, peak_memory_bytes, wall_us = _FINISHED.unpack_from(message)
    return Ended(
        ending=Finished(),
        output=message[_FINISHED.size :],
        fuel=fuel,
        peak_memory_bytes=peak_memory_bytes,
        wall_us=wall_us,
        diagnostics=b"",
        is_exact=True,
    )


def _function_total(value: Value) -> tuple[int, int]:
    match value:
        case [int(fuel), int(calls)]:
            return fuel, calls
        case _:
            raise RemoteProtocolError("not the totals of a function", rule=RULE)


def _host_total(value: Value) -> tuple[str, int, int]:
    match value:
        case [str(name), int(fuel), int(calls)]:
            return name, fuel, calls
        case _:
            raise RemoteProtocolError("not the totals of a host function", rule=RULE)


def _key(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise RemoteProtocolError("not a key", rule=RULE)
    return value


def _ending_to_value(ending: Ending) -> Value:
    return [0] if isinstance(ending, Finished) else outcome_to_value(ending)


def _ending_from_value(value: Value) -> Ending:
    if value == [0]:
        return Finished()
    match outcome_from_value(value):
        case OutOfFuel() | Trap() | Exited() | HostFault() as ending:
            return ending
        case _:
            raise RemoteProtocolError("not an ending", rule=RULE)
