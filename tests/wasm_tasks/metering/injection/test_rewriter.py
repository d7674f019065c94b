"""The rewritten module is valid whatever the module refers to."""

import pytest
import wasmtime
from tests.wasm_tasks.assembler import command
from tests.wasm_tasks.metering.injection.comparison import complaint_about
from tests.wasm_tasks.packages import translate, wasi

from fogbank_wasm_tasks.metering.injection import inject
from fogbank_wasm_tasks.sandbox.engine import Engine, InvalidModule

MEMORY = '(memory (export "memory") 1)'


def test_a_function_that_only_an_export_names_may_still_be_referred_to() -> None:
    text = f'(module {MEMORY} (func $f (export "f")) (func (export "run") ref.func $f drop))'

    assert complaint_about(translate(text), shows_nans=False) is None


def test_references_to_imported_functions_carry_the_counter() -> None:
    text = (
        f"(module {wasi('sched_yield', '(result i32)')} {MEMORY} (table $t 4 funcref)"
        "(elem (i32.const 0) $sched_yield) (elem $e funcref (ref.func $sched_yield))"
        "(global $g funcref (ref.func $sched_yield))"
        '(func (export "run") (drop (call_indirect (result i32) (i32.const 0)))'
        "(table.set (i32.const 1) (ref.func $sched_yield)) (return_call $r))"
        "(func $r (drop (call $sched_yield))))"
    )
    wasmtime.Module.validate(wasmtime.Engine(), inject(translate(text), is_precise=False).module)


@pytest.mark.parametrize(
    ("code", "has_float_vectors"),
    [
        ("(drop (f64.add (f64.const 1) (f64.const 2)))", False),
        ("(drop (i32x4.add (v128.const i64x2 1 2) (v128.const i64x2 1 2)))", False),
        # The bytes of a float operator, inside of a constant.
        ("(drop (i64.const 0x3ffffe4fd))", False),
        ("(drop (f32x4.add (v128.const i64x2 1 2) (v128.const i64x2 1 2)))", True),
        ("(drop (f64x2.sqrt (v128.const i64x2 1 2)))", True),
        ("(drop (f64x2.promote_low_f32x4 (v128.const i64x2 1 2)))", True),
        ("(drop (f32x4.floor (v128.const i64x2 1 2)))", True),
    ],
)
def test_vectors_of_floats_are_left_to_the_engine(code: str, has_float_vectors: bool) -> None:
    injected = inject(translate(f"(module (func {code}))"), is_precise=False)

    assert injected.has_float_vectors is has_float_vectors


@pytest.mark.parametrize(
    "body",
    [
        # local.get 0, drop: there is no local, but the counter would be there.
        b"\x20\x00\x1a",
        # A result too many, or one of the counter's type.
        b"\x42\x00",
    ],
)
def test_what_is_invalid_does_not_become_valid(body: bytes) -> None:
    with pytest.raises(InvalidModule):
        Engine(on_call=lambda _fuel: None).compile(command(body))
