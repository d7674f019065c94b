"""Commands as bytes."""

from struct import Struct

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError

from ...limits import (
    COMPILED_BYTES_MAX,
    INPUT_BYTES_MAX,
    MESSAGE_OVERHEAD_BYTES_MAX,
    MODULE_BYTES_MAX,
)
from ...module.facts import Shape
from .commands import (
    AgainCommand,
    CallCommand,
    Command,
    CompileCommand,
    GoOn,
    LoadCommand,
    ProfileCommand,
    RunCommand,
    SessionCommand,
    StepCommand,
    VerifyCommand,
)
from .framing import COMPACT, RULE

COMMAND_BYTES_MAX = (
    max(INPUT_BYTES_MAX, COMPILED_BYTES_MAX, MODULE_BYTES_MAX) + 256 * MESSAGE_OVERHEAD_BYTES_MAX
)
"""The longest message to a worker; arguments and environment may take 192 KiB."""

_AGAIN = Struct(">cQQ")


def encode_command(command: Command) -> bytes:
    """Return the message that says ``command``."""
    match command:
        case AgainCommand(input_data, seed, fuel_max):
            return _AGAIN.pack(COMPACT, seed, fuel_max) + input_data
        case LoadCommand(key, compiled):
            return encode([1, key, compiled])
        case CompileCommand(module, is_precise, is_paced):
            return encode([3, module, is_precise, is_paced])
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
        case GoOn(wants_snapshot):
            return encode([7, wants_snapshot])
        case SessionCommand(run):
            return encode([8, encode_command(run)])
        case CallCommand(input_data):
            return encode([9, input_data])
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
                    command.slice_fuel,
                ]
            )


def decode_command(message: bytes) -> Command:
    """Return the command in a message from the agent, which is trusted to be well meant."""
    if message[:1] == COMPACT:
        _, seed, fuel_max = _AGAIN.unpack_from(message)
        return AgainCommand(message[_AGAIN.size :], seed, fuel_max)
    match decode(message, bytes_max=COMMAND_BYTES_MAX):
        case [1, bytes(key), bytes(compiled)]:
            return LoadCommand(key, compiled)
        case [3, bytes(module), bool(is_precise), bool(is_paced)]:
            return CompileCommand(module, is_precise, is_paced)
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
            int(slice_fuel),
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
                slice_fuel=slice_fuel,
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
        case [7, bool(wants_snapshot)]:
            return GoOn(wants_snapshot)
        case [8, bytes(run)]:
            return SessionCommand(_decode_run(run))
        case [9, bytes(input_data)]:
            return CallCommand(input_data)
        case _:
            raise RemoteProtocolError("not a command", rule=RULE)


def _decode_run(message: bytes) -> RunCommand:
    command = decode_command(message)
    if not isinstance(command, RunCommand):
        raise RemoteProtocolError("not a run", rule=RULE)
    return command


def _pair(value: Value) -> tuple[str, str]:
    match value:
        case [str(name), str(text)]:
            return name, text
        case _:
            raise RemoteProtocolError("not an entry of the environment", rule=RULE)
