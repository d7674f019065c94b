"""The host sees the mutable globals of step tasks, and of nothing else (SPEC.md section 7.9)."""

import wasmtime
from tests.wasm_tasks.assembler import ECHO
from tests.wasm_tasks.packages import translate
from tests.wasm_tasks.verification.step_task import TEXT

from fogbank_wasm_tasks.module.global_exports import export_globals


def exports_of(module: bytes) -> dict[str, str]:
    compiled = wasmtime.Module(wasmtime.Engine(), module)
    return {each.name: str(type(each.type).__name__) for each in compiled.exports}


def test_the_mutable_globals_of_a_step_task_are_exported_in_order() -> None:
    module = translate(TEXT)

    exports = exports_of(export_globals(module))

    added = [f"fogbank:global:{place}" for place in range(3)]
    assert exports == exports_of(module) | dict.fromkeys(added, "GlobalType")


def test_a_step_task_without_globals_has_none_to_show() -> None:
    module = translate(
        """(module (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32) i32.const 0)
        (func (export "init") (param i32 i32))
        (func (export "step") (param i32) (result i32) i32.const 1)
        (func (export "result") (result i64) i64.const 0))"""
    )

    assert exports_of(export_globals(module)) == exports_of(module)


def test_other_modules_stay_as_they_are() -> None:
    assert export_globals(ECHO) == ECHO
    assert export_globals(b"\0asm\x01\0\0\0") == b"\0asm\x01\0\0\0"
