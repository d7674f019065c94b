"""Calls are nested too deep before any engine's stack is full (SPEC.md section 7.5)."""

from collections.abc import Sequence

import pytest
import wasmtime
from tests.wasm_tasks.large_stack import on_large_stack
from tests.wasm_tasks.metering.injection.comparison import run_rewritten
from tests.wasm_tasks.packages import translate

from fogbank_wasm_tasks.metering.injection.counter import (
    DEPTH_BITS,
    DEPTH_MAX,
    Reading,
    pack_counter,
    read_counter,
)
from fogbank_wasm_tasks.metering.injection.frame import FRAME_SIZE_PER_UNIT, Frame


def _repeat(code: str, count: int) -> str:
    return " ".join(code.replace("@", str(place)) for place in range(count))


def _giving(count: int) -> str:
    """Return a function of which each call gives ``count`` vectors, and one that takes them."""
    vectors = "v128 " * count
    constants = "(v128.const i64x2 1 2) " * count
    return f"(func $give (result {vectors}) {constants}) (func $take (param {vectors}))"


def _parameters(count: int) -> str:
    code = _repeat("local.get @", count)
    return (
        f"(func $f (param {'i64 ' * count}) {code} call $f)"
        f'(func (export "run") {"i64.const 1 " * count} call $f)'
    )


def _live_locals(count: int) -> str:
    return (
        f'(func $f (export "run") (local {"v128 " * count})'
        + _repeat("(local.set @ (v128.load (i32.const @)))", count)
        + "call $f"
        + _repeat("(v128.store (i32.const @) (local.get @))", count)
        + ")"
    )


RECURSIONS = {
    "the smallest body": '(func $f (export "run") call $f)',
    "indirect calls": '(table 1 funcref) (elem (i32.const 0) $f) (func $f (export "run") '
    "(call_indirect (i32.const 0)))",
    "two functions": '(func $g call $f) (func $f (export "run") call $g)',
    "999 parameters": _parameters(999),
    "20 parameters": _parameters(20),
    "999 live values of one call": _giving(999)
    + '(func $f (export "run") call $give call $f call $take)',
    "20 live values of one call": _giving(20)
    + '(func $f (export "run") call $give call $f call $take)',
    "999 results that are never there": f"(func $f (result {'v128 ' * 999}) call $f)"
    f'(func (export "run") call $f {"drop " * 999})',
    "2,000 live locals": _live_locals(2_000),
    "10 live locals": _live_locals(10),
    "49,000 locals": f'(func $f (export "run") (local {"v128 " * 49_000}) call $f)',
    "8,000 live operands": '(func $f (export "run") '
    + "(v128.load (i32.const 0)) " * 8_000
    + "call $f"
    + " i8x16.add" * 7_999
    + " drop)",
}


@pytest.mark.slow
@pytest.mark.parametrize("target", [None, "pulley64"])
@pytest.mark.parametrize("name", RECURSIONS)
def test_every_recursion_ends_at_its_depth_and_not_at_the_end_of_the_stack(
    name: str, target: str | None
) -> None:
    module = translate(f'(module (memory (export "memory") 1) {RECURSIONS[name]})')

    seen = on_large_stack(lambda: run_rewritten(module, target, is_precise=False))

    assert seen.trap == "DEPTH"


def test_what_a_function_takes_never_reaches_around_the_counter() -> None:
    # 16,800 calls that take and give 999 values each: a little over 2 to the 20th units.
    frame = Frame(b"\0\x0b", 0, 2, 0)
    frame.add_values(16_800 * 2 * 999)

    assert 1 + frame.size // FRAME_SIZE_PER_UNIT > 1 << DEPTH_BITS
    assert read_counter(pack_counter(7, DEPTH_MAX) - frame.depth_units) == Reading(
        7, is_too_deep=True
    )


def test_the_same_recursion_fills_the_stack_of_an_engine_that_is_left_alone() -> None:
    store = wasmtime.Store()
    module = wasmtime.Module(store.engine, '(module (func $f (export "run") call $f))')
    function: Sequence[object] | object = wasmtime.Instance(store, module, []).exports(store)["run"]
    assert isinstance(function, wasmtime.Func)

    with pytest.raises(wasmtime.Trap) as caught:
        function(store)
    assert caught.value.trap_code is wasmtime.TrapCode.STACK_OVERFLOW
