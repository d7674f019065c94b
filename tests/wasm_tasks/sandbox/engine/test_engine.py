"""The engine counts and traps as SPEC.md sections 7.3 to 7.5 say."""

import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.wasm_tasks.assembler import ECHO
from tests.wasm_tasks.packages import command, package, reactor, translate, wasi
from tests.wasm_tasks.runs import run_command, run_exactly

from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.outcome import Exited, OutOfFuel, Trap, TrapKind
from fogbank_wasm_tasks.sandbox.engine import Engine, EngineFailed, InvalidModule
from fogbank_wasm_tasks.sandbox.messages import Ended, Finished

Run = Callable[..., Ended]


@pytest.fixture(name="engine", scope="module")
def make_engine() -> Engine:
    return Engine(on_call=lambda _fuel: None)


@pytest.fixture(name="run")
def make_run(engine: Engine) -> Run:
    def run(module: str | bytes, **fields: Any) -> Ended:
        found = package(module)
        return run_exactly(engine, found.module, run_command(found.manifest.shape, **fields))

    return run


def test_a_reactor_answers_what_run_returns(run: Run) -> None:
    ended = run(ECHO, input=b"hello")

    assert (ended.ending, ended.output, ended.fuel) == (Finished(), b"hello", 10)
    assert ended.peak_memory_bytes == 65_536


FIELDS = """(table $t 10 funcref) (func $g) (elem (i32.const 0) $g) (elem $e funcref (ref.func $g))
    (data $d "abcdef") (global $x (mut i32) (i32.const 0))"""


@pytest.mark.parametrize(
    ("code", "fuel"),
    [
        ("", 1),
        ("nop", 1),
        ("i32.const 1 drop", 2),
        ("block end", 1),
        ("loop end", 1),
        ("block br 0 end", 2),
        ("block i32.const 0 br_if 0 end", 3),
        ("block i32.const 0 br_table 0 0 end", 3),
        ("i32.const 1 if nop else i32.const 1 drop end", 3),
        ("i32.const 0 if nop else i32.const 1 drop end", 4),
        ("return", 1),
        ("return i32.const 1 drop", 1),
        ("call $g", 3),
        ("return_call $g", 3),
        ("i32.const 0 call_indirect", 4),
        ("i32.const 0 return_call_indirect", 4),
        ("i32.const 1 i32.const 2 i32.add drop", 4),
        ("i32.const 1 i32.const 2 i32.const 3 select drop", 5),
        ("i32.const 3 global.set $x global.get $x drop", 4),
        ("i32.const 0 i32.const 7 i32.store i32.const 0 i64.load drop", 6),
        ("i32.const 0 i32.const 1 i32.const 100 memory.fill", 105),
        ("i32.const 0 i32.const 0 i32.const 100 memory.copy", 105),
        ("i32.const 0 i32.const 0 i32.const 6 memory.init $d", 11),
        ("i32.const 0 i32.const 0 i32.const 6 memory.init $d data.drop $d", 12),
        ("memory.size drop", 2),
        ("i32.const 10 memory.grow drop", 13),
        ("i32.const 1000 memory.grow drop", 1_003),
        ("i32.const 4095 memory.grow drop", 4_098),
        ("i32.const 4096 memory.grow drop", 3),
        ("i32.const -1 memory.grow drop", 3),
        ("i32.const 4094 memory.size i32.add memory.grow drop", 4_100),
        ("i32.const 4095 memory.size i32.add memory.grow drop", 5),
        ("ref.null func i32.const 10 table.grow $t drop", 14),
        ("ref.null func i32.const 9990 table.grow $t drop", 9_994),
        ("ref.null func i32.const 9991 table.grow $t drop", 4),
        ("ref.null func i32.const -1 table.grow $t drop", 4),
        ("table.size $t drop", 2),
        ("i32.const 0 ref.null func i32.const 10 table.fill $t", 15),
        ("i32.const 1 i32.const 0 i32.const 3 table.copy $t $t", 8),
        ("i32.const 1 i32.const 0 i32.const 1 table.init $t $e", 6),
        ("elem.drop $e", 2),
        ("i32.const 0 table.get $t ref.is_null drop", 4),
        ("i32.const 0 ref.func $g table.set $t", 4),
        ("v128.const i32x4 1 2 3 4 v128.const i32x4 1 2 3 4 i32x4.add drop", 4),
        ("f64.const 1.5 i32.trunc_sat_f64_s drop", 3),
        ("(local i64) i64.const 9 local.tee 0 local.set 0 local.get 0 drop", 5),
        ("(local i32) loop local.get 0 i32.const 1 i32.add local.tee 0 i32.const 5 "
         "i32.lt_u br_if 0 end", 36),
    ],
)  # fmt: skip
def test_operators_weigh_what_the_table_says(run: Run, code: str, fuel: int) -> None:
    ended = run(command(code, fields=FIELDS))

    assert (ended.ending, ended.fuel) == (Finished(), fuel)


def test_making_an_instance_costs_nothing_but_its_start_function_does(run: Run) -> None:
    fields = '(func $s i32.const 1 drop) (start $s) (data (i32.const 0) "abcdef")'

    assert run(command("", fields=fields)).fuel == 2 + 1


@pytest.mark.parametrize("fuel_max", [0, 1, 2, 3, 4])
def test_a_run_may_use_all_of_its_fuel_but_no_more(run: Run, fuel_max: int) -> None:
    ended = run(command("i32.const 1 drop i32.const 1 drop"), fuel_max=fuel_max)

    expected = Finished() if fuel_max >= 3 else OutOfFuel()
    assert (ended.ending, ended.fuel) == (expected, min(fuel_max, 3))


def test_a_run_that_traps_beyond_its_fuel_is_out_of_fuel(run: Run) -> None:
    code = "i32.const 1 drop i32.const 1 drop unreachable"

    assert run(command(code), fuel_max=3).ending == Trap(TrapKind.UNREACHABLE)
    assert run(command(code), fuel_max=2).ending == OutOfFuel()


def test_a_run_that_exits_beyond_its_fuel_is_out_of_fuel(run: Run) -> None:
    text = command("i32.const 3 call $proc_exit", fields=wasi("proc_exit", "(param i32)"))

    ended = run(text, fuel_max=1_003)
    assert (ended.ending, ended.fuel) == (Exited(3), 1_003)
    ended = run(text, fuel_max=1_002)
    assert (ended.ending, ended.fuel) == (OutOfFuel(), 1_002)


@pytest.mark.parametrize(
    ("code", "kind", "fuel"),
    [
        ("unreachable", TrapKind.UNREACHABLE, 1),
        ("i32.const 1 drop unreachable", TrapKind.UNREACHABLE, 2),
        ("i32.const 65533 i32.load drop", TrapKind.MEMORY_OUT_OF_BOUNDS, 3),
        ("call $g i32.const 65533 i32.load drop", TrapKind.MEMORY_OUT_OF_BOUNDS, 5),
        ("i32.const 65535 i32.const 0 i32.const 2 memory.fill", TrapKind.MEMORY_OUT_OF_BOUNDS, 7),
        # What comes after the trap in its segment is billed, what comes in the next one is not.
        (
            "i32.const 0 i32.load offset=65536 nop i32.const 1 br_if 0 i32.const 2 br_if 0 drop",
            TrapKind.MEMORY_OUT_OF_BOUNDS,
            5,
        ),
        (
            "block i32.const 1 i32.const 0 i32.rem_s br 0 end i32.const 1 drop",
            TrapKind.DIVISION_BY_ZERO,
            5,
        ),
        ("i32.const 10 table.get $t drop", TrapKind.TABLE_OUT_OF_BOUNDS, 3),
        ("i32.const 10 call_indirect", TrapKind.TABLE_OUT_OF_BOUNDS, 3),
        ("i32.const 9 call_indirect", TrapKind.NULL_FUNCTION, 3),
        ("i32.const 0 call_indirect (result i32) drop", TrapKind.WRONG_SIGNATURE, 3),
        ("i32.const 1 i32.const 0 i32.div_u drop", TrapKind.DIVISION_BY_ZERO, 4),
        ("i32.const 0x80000000 i32.const -1 i32.div_s drop", TrapKind.INTEGER_OVERFLOW, 4),
        ("f32.const nan i32.trunc_f32_s drop", TrapKind.WRONG_CONVERSION, 3),
        ("f32.const 1e30 i32.trunc_f32_s drop", TrapKind.INTEGER_OVERFLOW, 3),
    ],
)
def test_traps_have_a_kind_and_are_billed_all_segments_entered(
    run: Run, code: str, kind: TrapKind, fuel: int
) -> None:
    ended = run(command(code, fields=FIELDS))

    assert (ended.ending, ended.fuel) == (Trap(kind), fuel)


def test_a_length_is_charged_before_it_is_found_not_to_fit(run: Run) -> None:
    code = "i32.const 0 i32.const 0 i32.const -1 memory.fill"

    assert run(command(code), fuel_max=2**32 + 3).ending == OutOfFuel()
    ended = run(command(code), fuel_max=2**32 + 4)
    assert (ended.ending, ended.fuel) == (Trap(TrapKind.MEMORY_OUT_OF_BOUNDS), 2**32 + 4)


def test_a_segment_that_does_not_fit_traps_before_anything_counts(run: Run) -> None:
    ended = run(command("", fields='(data (i32.const 65535) "ab")'))
    assert (ended.ending, ended.fuel) == (Trap(TrapKind.MEMORY_OUT_OF_BOUNDS), 0)

    ended = run(command("", fields="(table 1 funcref) (func $g) (elem (i32.const 1) $g)"))
    assert (ended.ending, ended.fuel) == (Trap(TrapKind.TABLE_OUT_OF_BOUNDS), 0)


def test_endless_recursion_overflows_the_stack(run: Run) -> None:
    assert run(command("call $f", fields="(func $f call $f)")).ending == Trap(TrapKind.CALL_DEPTH)


RETURNS = "local.get 1 drop i64.const {}"


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (0xFFFFFFFF_00000001, TrapKind.RESULT_OUT_OF_BOUNDS),
        (0x00010000_00000001, TrapKind.RESULT_OUT_OF_BOUNDS),
        (0x0000FFFF_00000002, TrapKind.RESULT_OUT_OF_BOUNDS),
        (0x00000000_FFFFFFFF, TrapKind.RESULT_OUT_OF_BOUNDS),
        (0x00010001_00000000, TrapKind.RESULT_OUT_OF_BOUNDS),
        (0x00000000_000003E9, TrapKind.OUTPUT_TOO_LARGE),
    ],
)
def test_an_output_outside_the_memory_or_its_limit_traps(
    run: Run, result: int, kind: TrapKind
) -> None:
    assert run(reactor(RETURNS.format(result))).ending == Trap(kind)


@pytest.mark.parametrize("result", [0x0000FFFF_00000001, 0x00010000_00000000, 0, 1_000])
def test_an_output_up_to_the_last_byte_is_taken(run: Run, result: int) -> None:
    ended = run(reactor(RETURNS.format(result)))

    assert (ended.ending, len(ended.output)) == (Finished(), result & 0xFFFFFFFF)


@pytest.mark.parametrize("address", [-1, 65_536, 65_532])
def test_an_input_that_does_not_fit_where_alloc_says_traps(run: Run, address: int) -> None:
    ended = run(reactor("unreachable", alloc=f"i32.const {address}"), input=b"input")

    assert ended.ending == Trap(TrapKind.ALLOCATION_OUT_OF_BOUNDS)


def test_an_empty_input_is_allocated_too(run: Run) -> None:
    ended = run(reactor("unreachable", alloc="i32.const 65537"))

    assert ended.ending == Trap(TrapKind.ALLOCATION_OUT_OF_BOUNDS)


def test_a_reactor_is_initialised_first(run: Run) -> None:
    fields = (
        '(global $x (mut i64) (i64.const 0))(func (export "_initialize") i64.const 3 global.set $x)'
    )

    assert run(reactor("global.get $x", fields=fields)).output == bytes(3)


def test_a_reactor_that_exits_has_exited_whatever_its_code(run: Run) -> None:
    text = reactor(
        "i32.const 0 call $proc_exit i64.const 0", fields=wasi("proc_exit", "(param i32)")
    )

    assert run(text).ending == Exited(0)


def test_memory_grows_to_its_limit_and_no_further(run: Run) -> None:
    grow = (
        "i32.const 2 memory.grow drop i32.const 1 memory.grow i64.extend_i32_s i64.const 99 i64.and"
    )

    ended = run(reactor(grow), memory_bytes_max=3 * 65_536)
    assert (len(ended.output), ended.peak_memory_bytes) == (99, 3 * 65_536)
    ended = run(reactor(grow), memory_bytes_max=4 * 65_536 - 1)
    assert (len(ended.output), ended.peak_memory_bytes) == (99, 3 * 65_536)
    ended = run(reactor(grow), memory_bytes_max=4 * 65_536)
    assert (len(ended.output), ended.peak_memory_bytes) == (3, 4 * 65_536)


def test_every_run_has_a_fresh_instance(engine: Engine) -> None:
    text = reactor(
        "global.get $x i64.const 1 i64.add global.set $x global.get $x",
        fields="(global $x (mut i64) (i64.const 0))",
    )
    module = engine.load(engine.compile(translate(text)))
    order = run_command(Shape.REACTOR)

    assert [len(engine.run(module, order).output) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("code", "bits"),
    [
        ("f64.const 0 f64.const 0 f64.div i64.reinterpret_f64", 0x7FF8000000000000),
        ("f64.const nan:0x4000000000001 f64.const 1 f64.add i64.reinterpret_f64",
         0x7FF8000000000000),
        ("f32.const -1 f32.sqrt i32.reinterpret_f32 i64.extend_i32_u", 0x7FC00000),
        ("f64.const -nan:0x123 i64.reinterpret_f64", 0xFFF0000000000123),
    ],
)  # fmt: skip
def test_nans_have_one_form(run: Run, code: str, bits: int) -> None:
    # The bits are stored, and the eight bytes are the output.
    ended = run(
        command(
            f"i32.const 64 {code} i64.store "
            "(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 8)) "
            "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))",
            fields=wasi("fd_write", "(param i32 i32 i32 i32) (result i32)"),
        )
    )

    assert ended.output == bits.to_bytes(8, "little")


def test_the_clock_of_a_run_follows_its_fuel(run: Run) -> None:
    text = command(
        "(drop (call $clock_time_get (i32.const 2) (i64.const 0) (i32.const 64)))"
        "(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 8)) "
        "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))",
        fields=wasi("clock_time_get", "(param i32 i64 i32) (result i32)")
        + wasi("fd_write", "(param i32 i32 i32 i32) (result i32)"),
    )

    ended = run(text)

    # Entry, all sixteen operators of the only segment, and the host's thousand.
    assert int.from_bytes(ended.output, "little") == 1 + 15 + 1_000
    assert ended.fuel == 1_005 + 6 + 5 + 1_000 + 8


def test_a_host_call_from_the_start_function_is_answered(run: Run) -> None:
    fields = wasi("proc_exit", "(param i32)") + "(func $s i32.const 5 call $proc_exit) (start $s)"

    assert run(command("", fields=fields)).ending == Exited(5)


def test_a_module_that_does_not_validate_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidModule):
        engine.compile(ECHO[:-2] + b"\x6a\x0b")


def test_code_that_is_damaged_does_not_load(engine: Engine) -> None:
    with pytest.raises(EngineFailed):
        engine.load(b"no native code")


@pytest.mark.parametrize(
    "code",
    [
        "(drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))",
        "(call $proc_exit (i32.const 1))",
        "(call $proc_exit (i32.const 0))",
        "(drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))) "
        "unreachable",
        "loop (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))) br 0 "
        "end",
    ],
)
def test_what_a_run_was_given_goes_with_it_however_it_ended(run: Run, code: str) -> None:
    text = command(
        code,
        fields=wasi("fd_read", "(param i32 i32 i32 i32) (result i32)")
        + wasi("proc_exit", "(param i32)"),
    )
    data = bytes(1_000)
    gc.collect()
    gc.disable()
    try:
        before = sys.getrefcount(data)
        run(text, input=data)
        # It does not wait for a collection of garbage: a worker has room for few large inputs.
        assert sys.getrefcount(data) == before
    finally:
        gc.enable()
