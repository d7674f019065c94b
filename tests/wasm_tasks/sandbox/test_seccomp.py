"""The filter of system calls, run by an interpreter of its instructions."""

import struct

from fogbank_wasm_tasks.sandbox.seccomp import assemble

ARCHITECTURE = 0xC000003E
ALLOWED = [0, 1, 60, 231]
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000


def decide(program: bytes, architecture: int, number: int) -> int:
    """Return what the kernel would: the subset of BPF that the filter uses."""
    instructions = [struct.unpack_from("@HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator = place = 0
    while True:
        code, if_true, if_false, operand = instructions[place]
        place += 1
        match code:
            case 0x20:
                accumulator = {0: number, 4: architecture}[operand]
            case 0x15:
                place += if_true if accumulator == operand else if_false
            case 0x35:
                place += if_true if accumulator >= operand else if_false
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(code)


def test_calls_on_the_list_are_allowed_and_no_others() -> None:
    program = assemble(ARCHITECTURE, ALLOWED)

    for number in range(1_000):
        expected = ALLOW if number in ALLOWED else REFUSE
        assert decide(program, ARCHITECTURE, number) == expected


def test_the_other_numbering_is_refused() -> None:
    program = assemble(ARCHITECTURE, ALLOWED)

    for number in ALLOWED:
        assert decide(program, ARCHITECTURE, 0x40000000 + number) == REFUSE


def test_another_architecture_is_killed() -> None:
    program = assemble(ARCHITECTURE, ALLOWED)

    assert decide(program, 0x40000003, 0) == KILL
