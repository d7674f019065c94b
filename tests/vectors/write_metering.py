"""What runs are billed, where NaN bits are seen, how deep calls nest (SPEC.md 7.4 and 7.5)."""

from collections.abc import Mapping
from typing import Any, Final

from tests.wasm_tasks.packages import command, translate, wasi

FD_WRITE: Final = wasi("fd_write", "(param i32 i32 i32 i32) (result i32)")
CLOCK: Final = wasi("clock_time_get", "(param i32 i64 i32) (result i32)")
FD_READ: Final = wasi("fd_read", "(param i32 i32 i32 i32) (result i32)")
POLL: Final = wasi("poll_oneoff", "(param i32 i32 i32 i32) (result i32)")
EXIT: Final = wasi("proc_exit", "(param i32)")
TABLE: Final = "(table $t 10 funcref) (func $g) (elem (i32.const 0) $g)"
WRITE_EIGHT_BYTES: Final = (
    "(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 8)) "
    "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
)
"""Costs 11 and, for the host, 1,008."""

OK: Final[list[int | str]] = [0]
OUT_OF_FUEL: Final[list[int | str]] = [1]
TOO_DEEP: Final[list[int | str]] = [2, "call_depth"]
DIVISION: Final[list[int | str]] = [2, "division_by_zero"]
MEMORY: Final[list[int | str]] = [2, "memory_out_of_bounds"]

DIVIDE: Final = "i32.const 1 i32.const 0 i32.div_u drop"
"""Traps, and costs 3."""

FIVE: Final = "i32.const 5 drop " * 5
"""Costs 5."""


def build() -> dict[str, Any]:
    """Return the vectors: runs with outcome and fuel; ``reject`` is empty."""
    return {
        "spec": "7.5",
        "accept": [*_segments(), *_lengths(), *_host_calls(), *_depths(), *_nans()],
        "reject": [],
    }


def _segments() -> list[dict[str, Any]]:
    countdown = (
        "(local i32) (local.set 0 (i32.const 5)) "
        "(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
    )
    return [
        _run("all of a segment is billed when it traps", f"{DIVIDE} {FIVE}", DIVISION, 9),
        _run("a nop and a drop cost nothing", f"nop nop {DIVIDE} nop", DIVISION, 4),
        _run("br_if ends a segment", f"{DIVIDE} (br_if 0 (i32.const 0)) {FIVE}", DIVISION, 6),
        _run("unreachable ends a segment", f"{DIVIDE} unreachable {FIVE}", DIVISION, 4),
        _run("return ends a segment", f"{DIVIDE} return {FIVE}", DIVISION, 4),
        _run("if ends a segment", f"{DIVIDE} (if (i32.const 0) (then {FIVE}))", DIVISION, 6),
        _run(
            "the arms of an if are segments",
            f"(if (i32.const 1) (then {DIVIDE} {FIVE}) (else {FIVE} {FIVE})) {FIVE}",
            DIVISION,
            11,
        ),
        _run(
            "else begins a segment",
            f"(if (i32.const 0) (then {FIVE}) (else {DIVIDE})) {FIVE}",
            DIVISION,
            6,
        ),
        _run("a block ends no segment", f"block {DIVIDE} end {FIVE}", DIVISION, 9),
        _run(
            "a block that is branched to ends one",
            f"block (br_if 0 (i32.const 0)) {DIVIDE} end {FIVE}",
            DIVISION,
            6,
        ),
        _run(
            "a branch that is never reached makes a target",
            f"block {DIVIDE} return br 0 end {FIVE}",
            DIVISION,
            4,
        ),
        _run("loop begins a segment", f"{DIVIDE} loop {FIVE} end", DIVISION, 4),
        _run("the end of a loop ends none", f"loop {DIVIDE} end {FIVE}", DIVISION, 9),
        _run("five rounds", countdown, OK, 3 + 5 * 5),
        _run(
            "a trap in the third of five rounds",
            "(local i32) (local.set 0 (i32.const 5)) (loop (drop (i32.div_u (i32.const 1) "
            "(i32.sub (local.get 0) (i32.const 3)))) (br_if 0 (local.tee 0 (i32.sub (local.get 0) "
            "(i32.const 1)))))",
            DIVISION,
            3 + 3 * 10,
        ),
        _run(
            "a call does not end a segment: the caller's is billed whole",
            f"call $f {FIVE}",
            DIVISION,
            1 + 1 + 5 + 4,
            fields=f"(func $f {DIVIDE})",
        ),
        _run(
            "an exit is billed the segment it is in",
            f"(call $proc_exit (i32.const 7)) {FIVE}",
            [3, 7],
            1 + 2 + 5 + 1_000,
            fields=EXIT,
        ),
        _run(
            "the clock tells the segment it is in",
            "(drop (call $clock_time_get (i32.const 2) (i64.const 0) (i32.const 64)))"
            + WRITE_EIGHT_BYTES,
            OK,
            16 + 1_000 + 1_008,
            fields=CLOCK + FD_WRITE,
            output=(1_016).to_bytes(8, "little"),
        ),
        _run(
            "tail calls end segments",
            f"(return_call $f) {FIVE}",
            DIVISION,
            1 + 1 + 4,
            fields=f"(func $f {DIVIDE})",
        ),
        _run("an endless loop", "loop br 0 end", OUT_OF_FUEL, 1_000),
        _run("all of the fuel", FIVE, OK, 6, fuel_max=6),
        _run("one too few", FIVE, OUT_OF_FUEL, 5, fuel_max=5),
        _run("a trap beyond the fuel", f"{DIVIDE} {FIVE}", OUT_OF_FUEL, 8, fuel_max=8),
    ]


def _lengths() -> list[dict[str, Any]]:
    fill = "(memory.fill (i32.const {}) (i32.const 0) (i32.const {}))"
    return [
        _run("a fill that fits", fill.format(0, 100), OK, 105),
        _run("a fill that does not is billed its length", fill.format(65_500, 100), MEMORY, 105),
        _run("a fill beyond the fuel", fill.format(0, -1), OUT_OF_FUEL, 1_000),
        _run("pages that are granted", "(drop (memory.grow (i32.const 10)))", OK, 13),
        _run("pages that are not", "(drop (memory.grow (i32.const -1)))", OK, 3),
        _run("a null function", "(call_indirect (i32.const 5))", [2, "null_function"], 3,
             fields=TABLE),
    ]  # fmt: skip


def _host_calls() -> list[dict[str, Any]]:
    def called(name: str, function: str, operands: str, charged: int) -> dict[str, Any]:
        constants = " ".join(f"(i32.const {each})" for each in operands.split())
        fields = {"fd_write": FD_WRITE, "fd_read": FD_READ, "poll_oneoff": POLL}[function]
        # The entry, four operands and the call.
        return _run(name, f"(drop (call ${function} {constants}))", OK, 6 + 1_000 + charged,
                    fields=fields)  # fmt: skip

    return [
        called("no buffer", "fd_write", "1 0 0 8", 0),
        called("one buffer is in the call's price", "fd_write", "1 0 1 8", 0),
        called("the second buffer", "fd_write", "1 0 2 32", 100),
        called("1,023 further buffers", "fd_write", "1 0 1024 16384", 102_300),
        called("too many buffers are not charged", "fd_write", "1 0 1025 16384", 0),
        called("nor those of a descriptor that is not open", "fd_write", "7 0 3 64", 0),
        called("buffers outside of the memory are", "fd_write", "1 -8 3 64", 200),
        called("further buffers to read into", "fd_read", "0 0 4 64", 300),
        called("too many to read into are not charged", "fd_read", "0 0 1025 16384", 0),
        called("one subscription is in the call's price", "poll_oneoff", "0 512 1 8192", 0),
        called("further subscriptions", "poll_oneoff", "0 512 3 8192", 1_000),
        called("no subscription is an error", "poll_oneoff", "0 512 0 8192", 0),
        called("too many subscriptions are not charged", "poll_oneoff", "0 512 1025 8192", 0),
        called("subscriptions outside of the memory are", "poll_oneoff", "-8 512 3 8192", 1_000),
    ]


def _depths() -> list[dict[str, Any]]:
    # A body of 4 bytes: no locals, the call, the end.
    return [
        _run(
            "a body of 4 bytes",
            "call $f",
            TOO_DEEP,
            # The caller takes one unit, so 65,535 more are entered, and one that is too deep.
            2 + 65_536 * 2,
            fields="(func $f call $f)",
        ),
        _run("a body of 63 bytes", "call $f", TOO_DEEP, 2 + 65_536 * 2,
             fields=f"(func $f {'nop ' * 59} call $f)"),
        _run("a body of 64 bytes", "call $f", TOO_DEEP, 2 + 32_768 * 2,
             fields=f"(func $f {'nop ' * 60} call $f)"),
        _run("locals weigh two bytes", "call $f", TOO_DEEP, 2 + 32_768 * 2,
             fields=f"(func $f (local {'i64 ' * 29}) call $f)"),
        _run("fewer locals", "call $f", TOO_DEEP, 2 + 65_536 * 2,
             fields=f"(func $f (local {'i64 ' * 28}) call $f)"),
        _run("values that a call takes and gives weigh two bytes", "call $f", TOO_DEEP,
             2 + 32_768 * 3,
             fields=f"(func $g (result {'i64 ' * 15}) unreachable)"
             f"(func $f call $f call $g {'drop ' * 15} {'nop ' * 13})"),
        _run("tail calls nest nothing", "call $f", OUT_OF_FUEL, 1_000_000, fuel_max=1_000_000,
             fields="(func $f return_call $f)"),
        _run("what calls nothing takes nothing", "call $f", TOO_DEEP, 1 + 1 + 65_536 * 3 + 65_535,
             fields="(func $g) (func $f call $g call $f)"),
    ]  # fmt: skip


def _nans() -> list[dict[str, Any]]:
    quiet = (0x7FF8 << 48).to_bytes(8, "little")
    own = (0xFFF0_0000_0000_0123).to_bytes(8, "little")
    fields = FD_WRITE

    def seen(name: str, store: str, fuel: int, output: bytes) -> dict[str, Any]:
        return _run(name, store + WRITE_EIGHT_BYTES, OK, fuel + 11 + 1_008, fields=fields,
                    output=output)  # fmt: skip

    return [
        seen("0/0 is stored as the NaN", "(f64.store (i32.const 64) (f64.div (f64.const 0) "
             "(f64.const 0)))", 6, quiet),
        seen("and reinterpreted as the NaN", "(i64.store (i32.const 64) (i64.reinterpret_f64 "
             "(f64.div (f64.const 0) (f64.const 0))))", 7, quiet),
        seen("a constant keeps its bits", "(f64.store (i32.const 64) "
             "(f64.const -nan:0x123))", 4, own),
        seen("but not through a local", "(local f64) (local.set 0 (f64.const -nan:0x123)) "
             "(f64.store (i32.const 64) (local.get 0))", 6, quiet),
        seen("nor past a nop", "i32.const 64 f64.const -nan:0x123 nop f64.store ", 4, quiet),
        seen("a copied sign is that of the NaN", "(f64.store (i32.const 64) (f64.copysign "
             "(f64.const 1) (f64.neg (f64.div (f64.const 0) (f64.const 0)))))", 9,
             (0x3FF0 << 48).to_bytes(8, "little")),
        seen("a splat shows the NaN", "(v128.store (i32.const 64) (f64x2.splat (f64.neg "
             "(f64.sqrt (f64.const -1)))))", 7, quiet),
        seen("a sum of vectors has the NaN in its lanes", "(v128.store (i32.const 64) (f64x2.sub "
             "(v128.const f64x2 inf inf) (v128.const f64x2 inf inf)))", 6, quiet),
        seen("a lane that is only negated keeps its bits", "(v128.store (i32.const 64) (f64x2.neg "
             "(v128.const f64x2 nan:0x123 0)))", 5, own),
    ]  # fmt: skip


def _run(
    name: str,
    code: str,
    outcome: list[int | str],
    fuel: int,
    *,
    fuel_max: int | None = None,
    fields: str = "",
    output: bytes = b"",
) -> dict[str, Any]:
    found: Mapping[str, Any] = {
        "name": name,
        "hex": translate(command(code, fields=fields)).hex(),
        "shape": "command",
        "input": "",
        "fuel_max": fuel_max or max(fuel, 1_000),
        "outcome": outcome,
        "output": output.hex(),
        "fuel": fuel,
    }
    return dict(found)
