"""Modules that mean harm, each with what has to come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.wasm_tasks.assembler import (
    HEADER,
    MEMORY,
    body,
    export,
    function_type,
    section,
    u32,
    vector,
)
from tests.wasm_tasks.packages import command, reactor, wasi

from fogbank_wasm_tasks.limits import FUEL_MAX
from fogbank_wasm_tasks.outcome import Exited, HostFault, Ok, Outcome, OutOfFuel, Trap, TrapKind

FD_WRITE = wasi("fd_write", "(param i32 i32 i32 i32) (result i32)")
FD_READ = wasi("fd_read", "(param i32 i32 i32 i32) (result i32)")
RANDOM_GET = wasi("random_get", "(param i32 i32) (result i32)")
PROC_EXIT = wasi("proc_exit", "(param i32)")
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Hostile:
    """A module, how it is run, and the outcome; ``Ok`` stands for any output of that size."""

    name: str
    module: str | bytes
    outcome: Outcome | type[Ok]
    request: Mapping[str, Any] = field(default_factory=dict[str, Any])
    output_size: int = 0
    fuel: int | None = None
    """The exact fuel, where it is stated."""


def write_all(pointer: int, length: int) -> str:
    """Return code that writes one buffer to standard output and drops the answer."""
    return (
        f"(i32.store (i32.const 0) (i32.const {pointer}))"
        f"(i32.store (i32.const 4) (i32.const {length}))"
        "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
    )


def exit_with(call: str) -> str:
    """Return code that exits with the answer of ``call``."""
    return f"(call $proc_exit {call})"


def compile_bomb_of_functions() -> bytes:
    """Return thousands of functions that call each other."""
    count = 3_000
    return (
        HEADER
        + section(1, vector(function_type()))
        + section(3, u32(count + 1) + bytes(count + 1))
        + MEMORY
        + section(7, vector(export("memory", 2, 0), export("_start", 0, 0)))
        + section(
            10,
            u32(count + 1) + body(b"") + b"".join(body(b"\x10" + u32(i)) for i in range(count)),
        )
    )


def nested_blocks(opening: bytes, depth: int, times: int) -> bytes:
    """Return a command with ``times`` stacks of ``depth`` nested blocks."""
    code = (opening * depth + b"\x0b" * depth) * times
    return (
        HEADER
        + section(1, vector(function_type()))
        + section(3, vector(b"\0"))
        + MEMORY
        + section(7, vector(export("memory", 2, 0), export("_start", 0, 0)))
        + section(10, vector(body(code)))
    )


CORPUS = [
    Hostile("an endless loop", command("loop br 0 end"), OutOfFuel()),
    Hostile(
        "an endless loop in the start function",
        command("", fields="(func $s loop br 0 end) (start $s)"),
        OutOfFuel(),
    ),
    Hostile(
        "endless tail calls", command("return_call $f", fields="(func $f return_call $f)"),
        OutOfFuel(),
    ),
    Hostile(
        "endless recursion", command("call $f", fields="(func $f call $f)"),
        Trap(TrapKind.CALL_DEPTH),
    ),
    Hostile(
        "recursion that calls the host at every depth",
        command(
            "call $f",
            fields=RANDOM_GET
            + "(func $f (drop (call $random_get (i32.const 0) (i32.const 8))) call $f)",
        ),
        Trap(TrapKind.CALL_DEPTH),
        {"fuel_max": 10**10},
    ),
    Hostile(
        "as much memory as there is",
        command("loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))) end"),
        Ok,
        {"memory_bytes_max": 64 * MEBIBYTE},
    ),
    Hostile(
        "all memory, written",
        command(
            "loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))) end "
            "(memory.fill (i32.const 0) (i32.const 1) (i32.mul (memory.size) (i32.const 65536)))"
        ),
        Ok,
        {"memory_bytes_max": 32 * MEBIBYTE, "fuel_max": 10**9},
    ),
    Hostile(
        "growing memory for ever",
        command("loop (drop (memory.grow (i32.const 1))) br 0 end"),
        OutOfFuel(),
        {"fuel_max": 10**6},
    ),
    Hostile(
        "growing tables for ever",
        command(
            "loop (drop (table.grow $t (ref.null func) (i32.const 1000))) br 0 end",
            fields="(table $t 1 funcref)",
        ),
        OutOfFuel(),
        {"fuel_max": 10**6},
    ),
    Hostile("unreachable", command("unreachable"), Trap(TrapKind.UNREACHABLE)),
    Hostile("a result before the memory", reactor("i64.const -1"), Trap("result_out_of_bounds")),
    Hostile(
        "a result that ends beyond the memory",
        reactor(f"i64.const {(65_535 << 32) + 2}"),
        Trap(TrapKind.RESULT_OUT_OF_BOUNDS),
    ),
    Hostile(
        "a result that lies about its length",
        reactor(f"i64.const {(1_024 << 32) + 2**32 - 1}"),
        Trap(TrapKind.RESULT_OUT_OF_BOUNDS),
    ),
    Hostile(
        "the whole memory as the result",
        reactor("i64.const 65536"),
        Ok,
        output_size=65_536,
    ),
    Hostile(
        "a larger result than allowed",
        reactor("i64.const 65536"),
        Trap(TrapKind.OUTPUT_TOO_LARGE),
        {"output_bytes_max": 65_535},
    ),
    Hostile(
        "an input address outside", reactor("i64.const 0", alloc="i32.const -4"),
        Trap(TrapKind.ALLOCATION_OUT_OF_BOUNDS),
    ),
    Hostile(
        "an endless allocation", reactor("i64.const 0", alloc="loop br 0 end unreachable"),
        OutOfFuel(),
    ),
    Hostile(
        "the same pages as output for ever",
        command(f"loop {write_all(0, 65_536)} br 0 end", fields=FD_WRITE),
        Trap(TrapKind.OUTPUT_TOO_LARGE),
        {"output_bytes_max": MEBIBYTE, "fuel_max": 10**8},
    ),
    Hostile(
        "output until the fuel ends",
        command(f"loop {write_all(0, 1)} br 0 end", fields=FD_WRITE),
        OutOfFuel(),
        {"fuel_max": 10**6},
    ),
    Hostile(
        "random bytes until the fuel ends",
        command(
            "loop (drop (call $random_get (i32.const 0) (i32.const 65536))) br 0 end",
            fields=RANDOM_GET,
        ),
        OutOfFuel(),
        {"fuel_max": 10**7},
    ),
    Hostile(
        "a write from outside",
        command(
            exit_with(
                "(call $fd_write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 8))"
            ),
            fields=FD_WRITE + PROC_EXIT,
        ),
        Exited(21),
    ),
    Hostile(
        "a write of two billion buffers",
        command(
            exit_with(
                "(call $fd_write (i32.const 1) (i32.const 0) (i32.const 0x7fffffff) (i32.const 8))"
            ),
            fields=FD_WRITE + PROC_EXIT,
        ),
        Exited(28),
    ),
    Hostile(
        "a write to another process's descriptor",
        command(
            exit_with("(call $fd_write (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 8))"),
            fields=FD_WRITE + PROC_EXIT,
        ),
        Exited(8),
    ),
    Hostile(
        "a read into the table of buffers itself",
        command(
            "(i32.store (i32.const 0) (i32.const 0)) (i32.store (i32.const 4) (i32.const 100))"
            + exit_with("(call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4))"),
            fields=FD_READ + PROC_EXIT,
        ),
        Ok,
        {"input": b"\xff" * 50},
    ),
    Hostile(
        "opening a file",
        command(
            exit_with(
                "(call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) "
                "(i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 0))"
            ),
            fields=wasi(
                "path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"
            )
            + PROC_EXIT,
        ),
        Exited(8),
    ),
    Hostile(
        "the largest exit code",
        command(exit_with("(i32.const -1)"), fields=PROC_EXIT),
        Exited(2**32 - 1),
    ),
    Hostile(
        "sleeping for a century",
        command(
            "(i64.store (i32.const 24) (i64.const 0x7fffffffffffffff))"
            "(drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))",
            fields=wasi("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
        ),
        Ok,
    ),
    Hostile(
        "more time than there is",
        command("loop br 0 end"),
        HostFault("time_limit"),
        {"fuel_max": FUEL_MAX, "wall_s_max": 0.3},
    ),
    Hostile("thousands of functions", compile_bomb_of_functions(), Ok),
    Hostile("blocks nested deep", nested_blocks(b"\x02\x40", 250, 30), Ok),
    Hostile("ifs nested deep", nested_blocks(b"\x41\x00\x04\x40", 250, 30), Ok),
    Hostile("many loops", nested_blocks(b"\x03\x40", 16, 60), Ok),
    Hostile(
        "an addition of twenty thousand numbers",
        command("i32.const 0 " + "i32.const 1 i32.add " * 20_000 + " drop"),
        Ok,
    ),
    Hostile(
        "a division of the smallest number",
        command("(drop (i64.rem_s (i64.const 0x8000000000000000) (i64.const -1)))"),
        Ok,
    ),
    Hostile(
        "ten thousand live locals",
        command("(local " + "v128 " * 10_000 + ") call $g", fields="(func $g)"),
        Ok,
    ),
]  # fmt: skip
"""Modules that want to stay, or to take all there is."""
