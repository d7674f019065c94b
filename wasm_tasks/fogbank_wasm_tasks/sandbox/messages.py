"""What the agent and its worker processes say to each other, over pipes.

Each message is a 4-byte length and a canonical array (SPEC.md section 2.1).  Both ends are this
program, but a worker runs hostile code: what it says is read as strictly as a peer's words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import TypeAlias

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError

from ..limits import (
    COMPILED_BYTES_MAX,
    DIAGNOSTICS_BYTES_MAX,
    INPUT_BYTES_MAX,
    MESSAGE_OVERHEAD_BYTES_MAX,
    MODULE_BYTES_MAX,
    OUTPUT_BYTES_MAX,
)
from ..module.facts import Shape
from ..outcome import Exited, HostFault, OutOfFuel, Trap, outcome_from_value, outcome_to_value

LENGTH_BYTES = 4
COMMAND_BYTES_MAX = (
    max(INPUT_BYTES_MAX, COMPILED_BYTES_MAX, MODULE_BYTES_MAX) + 256 * MESSAGE_OVERHEAD_BYTES_MAX
)
"""The longest message to a worker; arguments and environment may take 192 KiB."""

REPLY_BYTES_MAX = max(OUTPUT_BYTES_MAX, COMPILED_BYTES_MAX) + MESSAGE_OVERHEAD_BYTES_MAX
"""The longest message from a worker."""

_RULE = "7.6"

_COMPACT = b"\xc1"
"""Begins the messages of which there are thousands a second; no canonical value begins so."""

_AGAIN = Struct(">cQQ")
_FINISHED = Struct(">cQQQ")


@dataclass(frozen=True, slots=True)
class LoadCommand:
    """Keep this native code under ``key``."""

    key: bytes
    compiled: bytes


@dataclass(frozen=True, slots=True)
class CompileCommand:
    """Compile this module; only a compile child is told so."""

    module: bytes
    is_precise: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """Run the module kept under ``key`` once."""

    key: bytes
    shape: Shape
    input: bytes
    arguments: Sequence[str]
    environment: Sequence[tuple[str, str]]
    seed: int
    fuel_max: int
    memory_bytes_max: int
    output_bytes_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCommand:
    """Run a step task by steps, as ``run`` says, up to a position or the end."""

    run: RunCommand
    step_size: int
    checkpoint_steps: int
    until: int | None
    """The position to stop at with a snapshot; None for the end."""

    snapshot: bytes | None
    """The state to go on from; None for the beginning."""


@dataclass(frozen=True, slots=True)
class VerifyCommand:
    """Have the task check that ``claimed`` is an output of the input of ``run``."""

    run: RunCommand
    claimed: bytes


@dataclass(frozen=True, slots=True)
class ProfileCommand:
    """Compile ``module`` so that it counts by function, run it once, and tell; only a profile
    child is told so.
    """

    module: bytes
    run: RunCommand


@dataclass(frozen=True, slots=True)
class AgainCommand:
    """Run what was run last once more, with other input, seed and fuel."""

    input: bytes
    seed: int
    fuel_max: int


@dataclass(frozen=True, slots=True)
class SessionCommand:
    """Begin a session: an instance that is kept until the session ends (SPEC.md section 7.14)."""

    run: RunCommand
    """Whose input is empty."""


@dataclass(frozen=True, slots=True)
class CallCommand:
    """Call the instance of the session with ``input``."""

    input: bytes


Command: TypeAlias = (
    AgainCommand
    | LoadCommand
    | CompileCommand
    | RunCommand
    | StepCommand
    | VerifyCommand
    | ProfileCommand
    | SessionCommand
    | CallCommand
)


@dataclass(frozen=True, slots=True)
class Protection:
    """What holds a worker, as it found by trying right after it shut itself in."""

    no_new_privileges: bool
    seccomp: bool
    network_closed: bool
    files_closed: bool
    programs_closed: bool
    memory_limited: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker can take commands."""

    protection: Protection


@dataclass(frozen=True, slots=True)
class Unusable:
    """The machine cannot run tasks; ``reason`` is a sentence for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The module is kept; those under the keys ``forgotten`` had to go for it."""

    forgotten: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The code does not load, being of another version or damaged; ``forgotten`` went for it."""

    forgotten: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The module's native code."""

    compiled: bytes


@dataclass(frozen=True, slots=True)
class Invalid:
    """The module does not validate; ``message`` is the compiler's."""

    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The run has used ``fuel`` so far."""

    fuel: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The run came to its end and has an output."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a run by steps passed; ``Ended`` follows."""

    states: int
    """How many there were from the beginning, those before a snapshot included."""

    roots: bytes
    """The roots of those that are checkpoints and that this run passed itself, joined."""

    snapshot: bytes
    """Where it stopped; empty when it came to its end."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """Where the fuel of a run went; ``Ended`` follows."""

    functions: Sequence[tuple[int, int]]
    """Fuel and calls of each function with a body; empty when there was no instance."""

    host: Sequence[tuple[str, int, int]]
    """The name, the fuel and the calls of each host function that was called."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The beginning of a session, or a call, came to its end; the session goes on."""

    output: bytes
    fuel: int
    memory_bytes: int


Ending: TypeAlias = Finished | OutOfFuel | Trap | Exited | HostFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The run is over."""

    ending: Ending
    output: bytes
    fuel: int
    peak_memory_bytes: int
    wall_us: int
    diagnostics: bytes
    is_exact: bool
    """Whether ``fuel`` holds even if the module's code was not made precise."""


Reply: TypeAlias = (
    Ready
    | Unusable
    | Loaded
    | LoadFailed
    | Compiled
    | Invalid
    | Progress
    | Stepped
    | Profiled
    | Answered
    | Ended
)


def frame(message: bytes) -> bytes:
    """Return ``message`` with its length before it."""
    return len(message).to_bytes(LENGTH_BYTES, "big") + message


def encode_command(command: Command) -> bytes:
    """Return the message that says ``command``."""
    match command:
        case AgainCommand(input_data, seed, fuel_max):
            return _AGAIN.pack(_COMPACT, seed, fuel_max) + input_data
        case LoadCommand(key, compiled):
            return encode([1, key, compiled])
        case CompileCommand(module, is_precise):
            return encode([3, module, is_precise])
        case StepCommand(
            run=run,
            step_size=step_size,
            checkpoint_steps=checkpoint_steps,
            until=until,
            snapshot=snapshot,
        ):
            return encode([4, encode_command(run), step_size, checkpoint_steps, until, snapshot])
        case VerifyCommand(run, claimed):
            return encode([5, encode_command(run), claimed])
        case ProfileCommand(module, run):
            return encode([6, module, encode_command(run)])
        case SessionCommand(run):
            return encode([7, encode_command(run)])
        case CallCommand(input_data):
            return encode([8, input_data])
        case RunCommand():
            return encode(
                [
                    2,
                    command.key,
                    str(command.shape),
                    command.input,
                    list(command.arguments),
                    [[name, value] for name, value in command.environment],
                    command.seed,
                    command.fuel_max,
                    command.memory_bytes_max,
                    command.output_bytes_max,
                ]
            )


def decode_command(message: bytes) -> Command:
    """Return the command in a message from the agent, which is trusted to be well meant."""
    if message[:1] == _COMPACT:
        _, seed, fuel_max = _AGAIN.unpack_from(message)
        return AgainCommand(message[_AGAIN.size :], seed, fuel_max)
    match decode(message, bytes_max=COMMAND_BYTES_MAX):
        case [1, bytes(key), bytes(compiled)]:
            return LoadCommand(key, compiled)
        case [3, bytes(module), bool(is_precise)]:
            return CompileCommand(module, is_precise)
        case [
            2,
            bytes(key),
            str(shape),
            bytes(input_data),
            list(arguments),
            list(environment),
            int(seed),
            int(fuel_max),
            int(memory_bytes_max),
            int(output_bytes_max),
        ]:
            return RunCommand(
                key=key,
                shape=Shape(shape),
                input=input_data,
                arguments=[str(each) for each in arguments],
                environment=[_pair(each) for each in environment],
                seed=seed,
                fuel_max=fuel_max,
                memory_bytes_max=memory_bytes_max,
                output_bytes_max=output_bytes_max,
            )
        case [
            4,
            bytes(run),
            int(step_size),
            int(checkpoint_steps),
            (int() | None) as until,
            (bytes() | None) as snapshot,
        ]:
            return StepCommand(
                run=_decode_run(run),
                step_size=step_size,
                checkpoint_steps=checkpoint_steps,
                until=until,
                snapshot=snapshot,
            )
        case [5, bytes(run), bytes(claimed)]:
            return VerifyCommand(_decode_run(run), claimed)
        case [6, bytes(module), bytes(run)]:
            return ProfileCommand(module, _decode_run(run))
        case [7, bytes(run)]:
            return SessionCommand(_decode_run(run))
        case [8, bytes(input_data)]:
            return CallCommand(input_data)
        case _:
            raise RemoteProtocolError("not a command", rule=_RULE)


def _decode_run(message: bytes) -> RunCommand:
    command = decode_command(message)
    if not isinstance(command, RunCommand):
        raise RemoteProtocolError("not a run", rule=_RULE)
    return command


def _pair(value: Value) -> tuple[str, str]:
    match value:
        case [str(name), str(text)]:
            return name, text
        case _:
            raise RemoteProtocolError("not an entry of the environment", rule=_RULE)


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
        case Stepped(states, roots, snapshot):
            return encode([9, states, roots, snapshot])
        case Profiled(functions, host):
            return encode(
                [10, [[*each] for each in functions], [[*each] for each in host]],
            )
        case Answered(output, fuel, memory_bytes):
            return encode([11, output, fuel, memory_bytes])
        case Ended(ending=Finished(), diagnostics=b"", is_exact=True):
            return (
                _FINISHED.pack(_COMPACT, reply.fuel, reply.peak_memory_bytes, reply.wall_us)
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
    if message[:1] == _COMPACT:
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
        case [9, int(states), bytes(roots), bytes(snapshot)]:
            return Stepped(states, roots, snapshot)
        case [10, list(functions), list(host)]:
            return Profiled(
                [_function_total(each) for each in functions], [_host_total(each) for each in host]
            )
        case [11, bytes(output), int(fuel), int(memory_bytes)]:
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
            raise RemoteProtocolError("not a reply of a worker", rule=_RULE)


def _decode_finished(message: bytes) -> Ended:
    if len(message) < _FINISHED.size:
        raise RemoteProtocolError("not a reply of a worker", rule=_RULE)
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
            raise RemoteProtocolError("not the totals of a function", rule=_RULE)


def _host_total(value: Value) -> tuple[str, int, int]:
    match value:
        case [str(name), int(fuel), int(calls)]:
            return name, fuel, calls
        case _:
            raise RemoteProtocolError("not the totals of a host function", rule=_RULE)


def _key(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise RemoteProtocolError("not a key", rule=_RULE)
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
            raise RemoteProtocolError("not an ending", rule=_RULE)
