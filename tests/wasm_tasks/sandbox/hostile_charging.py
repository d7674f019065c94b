"""Modules that want more than they pay for, or to end otherwise elsewhere, and what they get.

The fuel of each that ends is stated: it was counted by hand after SPEC.md section 7.5.
"""

from struct import pack

from tests.wasm_tasks.assembler import (
    HEADER,
    MEMORY,
    body,
    export,
    function_type,
    section,
    vector,
)
from tests.wasm_tasks.packages import command, reactor, wasi
from tests.wasm_tasks.sandbox.hostile import FD_READ, FD_WRITE, PROC_EXIT, Hostile, exit_with

from fogbank_wasm_tasks.limits import PARAMETERS_MAX
from fogbank_wasm_tasks.outcome import Exited, Ok, OutOfFuel, Trap, TrapKind

POLL = wasi("poll_oneoff", "(param i32 i32 i32 i32) (result i32)")
YIELD = wasi("sched_yield", "(result i32)")
FD_CLOSE = wasi("fd_close", "(param i32) (result i32)")
NAN_32 = 0x7FC0_0000
VECTOR = b"\x7b"


def deeper_than_the_counter() -> bytes:
    """Return a recursion of one function that takes more units than the counter's depth holds."""
    # Each pair counts 1,998 values; fewer than 16,800 of them make 2 to the 20th units.
    pair = b"\x10\x01\x10\x02"
    many = [VECTOR] * PARAMETERS_MAX
    code = b"\x10\x00\x00" + pair * 16_800
    return (
        HEADER
        + section(1, vector(function_type(), function_type(many), function_type([], many)))
        + section(3, vector(b"\0", b"\2", b"\1"))
        + MEMORY
        + section(7, vector(export("memory", 2, 0), export("_start", 0, 0)))
        + section(10, vector(body(code), body(b"\0"), body(b"")))
    )


def segment_beyond_memory() -> str:
    return (
        '(module (memory (export "memory") 1) (data (i32.const 65535) "ab")'
        '(func (export "_start") loop br 0 end))'
    )


def fan(targets: int) -> str:
    """Return code that takes each way out of ``targets`` blocks in turn."""
    return (
        "(local i32) loop "
        + "block " * targets
        + "(br_table "
        + " ".join(map(str, range(targets)))
        + " (local.get 0)) "
        + "end " * targets
        + "(local.set 0 (i32.add (local.get 0) (i32.const 1)))"
        + f"(br_if 0 (i32.lt_u (local.get 0) (i32.const {targets}))) end"
    )


CHARGING = [
    Hostile(
        "work behind a branch out of its block",
        command("block br 0 " + "i32.const 1 drop " * 5_000 + "end"),
        Ok,
        fuel=2,
    ),
    Hostile(
        "work behind unreachable",
        command("unreachable " + "i32.const 1 drop " * 5_000),
        Trap(TrapKind.UNREACHABLE),
        fuel=1,
    ),
    Hostile(
        "a branch into the middle of a sum",
        # The entry, two constants, a condition, br_if; then add and drop behind the block.
        command("i32.const 1 (block (result i32) i32.const 2 (br_if 0 (i32.const 1))) "
                "i32.add drop"),
        Ok,
        fuel=1 + 4 + 1,
    ),
    Hostile(
        "a trap before the work that was charged",
        command("(drop (i32.div_u (i32.const 1) (i32.const 0))) " + "i32.const 1 drop " * 100),
        Trap(TrapKind.DIVISION_BY_ZERO),
        fuel=1 + 3 + 100,
    ),
    Hostile(
        "a fan of a thousand targets",
        # A round: local.get and br_table, then seven operators behind the blocks.
        command(fan(1_000)),
        Ok,
        fuel=1 + 1_000 * (2 + 4 + 4),
    ),
    Hostile(
        "an endless fan",
        command("loop " + "(br_table " + "0 " * 5_000 + "0 (i32.const 7)) end"),
        OutOfFuel(),
    ),
    Hostile(
        "an endless loop that carries many values",
        command(
            "i32.const 1 i64.const 2 f32.const 3 (loop (param i32 i64 f32) (result i32 i64 f32) "
            "br 0) drop drop drop"
        ),
        OutOfFuel(),
    ),
    Hostile(
        "an endless loop whose only way back is a branch with a value",
        command("i32.const 1 (loop (param i32) (result i32) (br_if 0 (i32.const 1))) drop"),
        OutOfFuel(),
    ),
    Hostile(
        "a loop inside of blocks that is left and entered again",
        command("loop $out block block loop br 2 end end end br $out end"),
        OutOfFuel(),
    ),
    Hostile(
        "endless tail calls through a table",
        command(
            "(return_call_indirect (i32.const 0))",
            fields="(table 1 funcref) (elem (i32.const 0) $f) "
            "(func $f (return_call_indirect (i32.const 0)))",
        ),
        OutOfFuel(),
    ),
    Hostile(
        "two functions that tail call each other with all their parameters",
        command(
            "(return_call $f (i32.const 1) (i64.const 2) (f64.const 3))",
            fields="(func $f (param i32 i64 f64) (return_call $g (local.get 2) (local.get 0)))"
            "(func $g (param f64 i32) (return_call $f (local.get 1) (i64.const 1) (local.get 0)))",
        ),
        OutOfFuel(),
    ),
    Hostile(
        "recursion that only a tail call would give back",
        command(
            "call $f",
            fields="(func $f call $g) (func $g (return_call $f))",
        ),
        Trap(TrapKind.CALL_DEPTH),
    ),
    Hostile("a frame larger than all depth", deeper_than_the_counter(),
            Trap(TrapKind.CALL_DEPTH), fuel=2),
    Hostile(
        "the host called through a table",
        command(
            "loop (drop (call_indirect (result i32) (i32.const 0))) br 0 end",
            fields=YIELD + "(table 1 funcref) (elem (i32.const 0) $sched_yield)",
        ),
        OutOfFuel(),
    ),
    Hostile(
        "the host called by a tail call",
        command(
            "(drop (call $f)) (drop (call $f))", fields=YIELD + "(func $f (result i32) "
            "(return_call $sched_yield))",
        ),
        Ok,
        fuel=1 + 2 + 2 * (1 + 1 + 1_000),
    ),
    Hostile(
        "a function of the host as the module's own",
        f'(module {FD_CLOSE} (memory (export "memory") 1) (export "alloc" (func $fd_close))'
        '(func (export "run") (param i32 i32) (result i64) i64.const 0))',
        Ok,
        # fd_close(0), whose answer 0 is the address.
        fuel=1_000 + 2,
    ),
    Hostile(
        "a fill that is longer than the fuel",
        command("(memory.fill (i32.const 0) (i32.const 0) (i32.const -1))"),
        OutOfFuel(),
    ),
    Hostile(
        "a copy that is longer than the memory",
        command("(memory.copy (i32.const 0) (i32.const 0) (i32.const 65537))"),
        Trap(TrapKind.MEMORY_OUT_OF_BOUNDS),
        fuel=1 + 4 + 65_537,
    ),
    Hostile(
        "a copy of nothing from beyond the memory",
        command("(memory.copy (i32.const 65537) (i32.const 0) (i32.const 0))"),
        Trap(TrapKind.MEMORY_OUT_OF_BOUNDS),
        fuel=1 + 4,
    ),
    Hostile(
        "a segment that was dropped",
        command(
            "data.drop $d (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3))",
            fields='(data $d "abc")',
        ),
        Trap(TrapKind.MEMORY_OUT_OF_BOUNDS),
        fuel=1 + 5 + 3,
    ),
    Hostile(
        "growing that fails for ever",
        command("loop (drop (memory.grow (i32.const -1))) br 0 end"),
        OutOfFuel(),
        {"fuel_max": 10**6},
    ),
    Hostile(
        "a table's elements copied for ever",
        command(
            "loop (table.copy (i32.const 0) (i32.const 1) (i32.const 9999)) br 0 end",
            fields="(table 10000 funcref)",
        ),
        OutOfFuel(),
    ),
    Hostile(
        "a table that is grown and then called",
        command(
            "(drop (table.grow $t (ref.null func) (i32.const 9999)))"
            "(call_indirect (i32.const 9998))",
            fields="(table $t 1 funcref)",
        ),
        Trap(TrapKind.NULL_FUNCTION),
        fuel=1 + 3 + 2 + 9_999,
    ),
    Hostile(
        "a call of the counter's type by hand",
        # The rewritten callee takes and gives an i64 more; what says so itself is another type.
        command(
            "(drop (call_indirect (param i64) (result i64) (i64.const 0) (i32.const 0)))",
            fields="(table 1 funcref) (elem (i32.const 0) $f) (func $f)",
        ),
        Trap(TrapKind.WRONG_SIGNATURE),
        fuel=1 + 3,
    ),
    Hostile(
        "a global that is called the counter",
        command(
            "(global.set $g (i64.const 0x7fffffffffffffff)) loop br 0 end",
            fields='(global $g (export "counter") (mut i64) (i64.const 0))',
        ),
        OutOfFuel(),
    ),
    Hostile(
        "a thousand empty buffers to read into",
        command(
            "loop (drop (call $fd_read (i32.const 0) (i32.const 64) (i32.const 1024)"
            "(i32.const 8))) br 0 end",
            fields=FD_READ,
        ),
        OutOfFuel(),
        {"fuel_max": 10**7},
    ),
    Hostile(
        "a thousand buffers, the last of them outside",
        command(
            "(i32.store (i32.const 8248) (i32.const 65537)) loop (drop (call $fd_write "
            "(i32.const 1) (i32.const 64) (i32.const 1024) (i32.const 8))) br 0 end",
            fields=FD_WRITE,
        ),
        OutOfFuel(),
        {"fuel_max": 10**7},
    ),
    Hostile(
        "a thousand sleeps at once, for ever",
        command(
            "loop (drop (call $poll_oneoff (i32.const 0) (i32.const 65536) (i32.const 1024)"
            "(i32.const 4))) br 0 end",
            fields=POLL,
            memory="2",
        ),
        OutOfFuel(),
        {"fuel_max": 10**7},
    ),
    Hostile(
        "events written over the subscriptions",
        command(
            "(call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0)) drop",
            fields=POLL,
        ),
        Ok,
        fuel=1 + 5 + 1_000 + 3 * 500,
    ),
    Hostile(
        "the sign of what zero divided by zero is",
        command(
            exit_with("(i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0)))"),
            fields=PROC_EXIT,
        ),
        Exited(NAN_32),
    ),
    Hostile(
        "the bits of a NaN by way of a vector",
        command(
            exit_with(
                "(i32x4.extract_lane 2 (f32x4.div (v128.const f32x4 0 0 0 0) "
                "(v128.const f32x4 0 0 0 0)))"
            ),
            fields=PROC_EXIT,
        ),
        Exited(NAN_32),
    ),
    Hostile(
        "the sign of a NaN by way of copysign",
        command(
            exit_with(
                "(i32.reinterpret_f32 (f32.copysign (f32.const 1) "
                "(f32.sub (f32.const inf) (f32.const inf))))"
            ),
            fields=PROC_EXIT,
        ),
        Exited(int.from_bytes(pack("<f", 1.0), "little")),
    ),
    Hostile(
        "a NaN that no integer can hold",
        command("(drop (i32.trunc_f64_s (f64.const nan)))"),
        Trap(TrapKind.WRONG_CONVERSION),
        fuel=3,
    ),
    Hostile(
        "a result that lies over the input",
        # Address and length as given, one byte further and one shorter.
        reactor(
            "(i64.or (i64.shl (i64.extend_i32_u (i32.add (local.get 0) (i32.const 1))) "
            "(i64.const 32)) (i64.extend_i32_u (i32.sub (local.get 1) (i32.const 1))))"
        ),
        Ok,
        {"input": bytes(1_000)},
        output_size=999,
    ),
    Hostile(
        "an input over the module's own data, up to the end",
        reactor("(i64.const 0)", alloc="(i32.sub (i32.const 65536) (local.get 0))",
                fields='(data (i32.const 65530) "abcdef")'),
        Ok,
        {"input": bytes(65_536)},
    ),
    Hostile(
        "an input one byte beyond the end",
        reactor("(i64.const 0)", alloc="(i32.sub (i32.const 65537) (local.get 0))"),
        Trap(TrapKind.ALLOCATION_OUT_OF_BOUNDS),
        {"input": bytes(100)},
    ),
    Hostile("a segment beyond the memory", segment_beyond_memory(),
            Trap(TrapKind.MEMORY_OUT_OF_BOUNDS), fuel=0),
    Hostile(
        "a start function that grows and fills all memory",
        command("", fields="(func $s (drop (memory.grow (i32.const 511))) "
                "(memory.fill (i32.const 0) (i32.const 255) (i32.const 33554432))) (start $s)"),
        Ok,
        {"memory_bytes_max": 512 * 65_536, "fuel_max": 10**8},
        fuel=1 + 2 + 4 + 511 + 33_554_432 + 1,
    ),
    Hostile(
        "a start function that exits",
        command("loop br 0 end", fields=PROC_EXIT
                + "(func $s (call $proc_exit (i32.const 7))) (start $s)"),
        Exited(7),
        fuel=1 + 2 + 1_000,
    ),
]  # fmt: skip
"""Modules built to under-charge, to escape or to differ between machines."""
