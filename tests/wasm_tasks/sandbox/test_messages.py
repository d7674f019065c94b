"""What agent and workers say to each other: a worker's words are read strictly."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_protocol.encoding import encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.outcome import Exited, HostFault, OutOfFuel, Trap
from fogbank_wasm_tasks.sandbox.messages import (
    AgainCommand,
    Answered,
    CallCommand,
    Command,
    CompileCommand,
    Compiled,
    Ended,
    Ending,
    Finished,
    GoOn,
    Invalid,
    LoadCommand,
    Loaded,
    LoadFailed,
    ProfileCommand,
    Profiled,
    Progress,
    Protection,
    Ready,
    Reply,
    RunCommand,
    SessionCommand,
    SliceDone,
    StepCommand,
    Stepped,
    Unusable,
    VerifyCommand,
    decode_command,
    decode_reply,
    encode_command,
    encode_reply,
)

RUN = RunCommand(
    key=b"k" * 32,
    shape=Shape.COMMAND,
    input=b"input",
    arguments=["a", "b"],
    environment=[("NAME", "value")],
    seed=7,
    fuel_max=8,
    memory_bytes_max=9,
    output_bytes_max=10,
)


def ended(ending: Ending) -> Ended:
    return Ended(
        ending=ending,
        output=b"out",
        fuel=1,
        peak_memory_bytes=2,
        wall_us=3,
        diagnostics=b"d",
        is_exact=True,
    )


COMMANDS: list[Command] = [
    AgainCommand(b"input", 7, 8),
    AgainCommand(b"", 0, 0),
    LoadCommand(b"k" * 32, b"native"),
    CompileCommand(b"module", True),
    GoOn(wants_snapshot=True),
    RUN,
    StepCommand(run=RUN, step_size=2, checkpoint_steps=3, until=None, snapshot=b"state"),
    StepCommand(run=RUN, step_size=2, checkpoint_steps=3, until=4, snapshot=None),
    VerifyCommand(RUN, b"claimed"),
    ProfileCommand(b"module", RUN),
    SessionCommand(RUN),
    CallCommand(b"input"),
]
REPLIES: list[Reply] = [
    Ready(Protection(True, False, True, False, True, False)),
    Unusable("buy another machine"),
    Loaded([b"k" * 32]),
    LoadFailed([]),
    Compiled(b"native"),
    Invalid("type mismatch"),
    Progress(12),
    SliceDone(7, b"state"),
    Stepped(3, b"r" * 64, b"state"),
    Profiled([(3, 1), (0, 0)], [("fd_write", 1_005, 1)]),
    Answered(b"output", 7, 65_536),
    ended(Finished()),
    replace(ended(Finished()), diagnostics=b""),
    replace(ended(Finished()), diagnostics=b"", is_exact=False),
    ended(OutOfFuel()),
    ended(Trap("unreachable")),
    ended(Exited(3)),
    ended(HostFault("worker_died")),
]


def test_every_kind_of_message_is_among_the_examples() -> None:
    assert {type(each) for each in COMMANDS} == set(get_args(Command))
    assert {type(each) for each in REPLIES} == set(get_args(Reply))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: type(each).__name__)
def test_a_command_is_understood(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


@pytest.mark.parametrize("reply", REPLIES, ids=lambda each: type(each).__name__)
def test_a_reply_is_understood(reply: Reply) -> None:
    assert decode_reply(encode_reply(reply)) == reply


@pytest.mark.parametrize(
    "message",
    [
        encode([9]),
        encode([]),
        encode(1),
        encode([1, True]),
        encode([3, ["text"]]),
        encode([5, "fuel"]),
        encode([6, [9], b"", 0, 0, 0, b""]),
        encode([6, [0, bytes(32), 0], b"", 0, 0, 0, b""]),
        encode([6, [0], b"", 0, 0, 0, bytes(4_097)]),
        b"",
        b"\xc1",
        b"\xc1" + bytes(23),
    ],
)
def test_what_is_no_reply_is_refused(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_reply(message)


@settings(max_examples=200, deadline=None)
@given(reply=st.sampled_from(REPLIES), place=st.integers(0, 60), value=st.integers(0, 255))
def test_a_changed_reply_is_another_reply_or_refused(reply: Reply, place: int, value: int) -> None:
    message = bytearray(encode_reply(reply))
    message[place % len(message)] = value
    try:
        understood = decode_reply(bytes(message))
    except RemoteProtocolError:
        return
    assert isinstance(understood, get_args(Reply))
