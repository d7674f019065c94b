"""What a step task may not have is refused by name (SPEC.md section 7.3)."""

import pytest
from tests.wasm_tasks.packages import package, translate, wasi

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.limits import STEP_MEMORY_BYTES_MAX
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.package import manifest_from_value, manifest_to_value

EVERY_KIND = """block (br_table 0 0 (i32.const 0)) end
    (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3)))
    (drop (i64.const -1)) (drop (f32.const 1)) (drop (f64.const 1)) (drop (ref.null func))
    (drop (ref.func $g)) (call_indirect (i32.const 0)) (drop (table.get $t (i32.const 0)))
    (drop (table.size $t)) (if (i32.const 0) (then nop) (else nop))
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
    (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0))
    (drop (memory.grow (i32.const 0)))
    (drop (v128.load8_lane 3 (i32.const 0) (v128.const i32x4 1 2 3 4)))
    (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
      (v128.const i32x4 38 38 38 38) (v128.const i32x4 1 2 3 4)))
    (drop (i32x4.extract_lane 0 (v128.const i32x4 1 2 3 4)))
    (drop (i32.trunc_sat_f64_s (f64.const 1)))"""


def step_task(code: str = "", *, imports: str = "", fields: str = "") -> str:
    return f"""(module {imports} (memory (export "memory") 1) (table $t 2 funcref)
      (func $g) (elem (i32.const 0) $g) (elem $e funcref (ref.func $g)) (data $d "abc") {fields}
      (func (export "alloc") (param i32) (result i32) i32.const 0)
      (func (export "init") (param i32 i32))
      (func (export "step") (param i32) (result i32) (local i32 f64) {code} i32.const 1)
      (func (export "result") (result i64) i64.const 0))"""


def test_a_step_task_is_told_by_its_exports() -> None:
    assert package(step_task(EVERY_KIND)).manifest.shape is Shape.STEP
    assert package(step_task()).manifest.memory_bytes_max == STEP_MEMORY_BYTES_MAX


@pytest.mark.parametrize("before", ["", EVERY_KIND])
@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("(table.set $t (i32.const 0) (ref.null func))", "table.set"),
        ("(drop (table.grow $t (ref.null func) (i32.const 1)))", "table.grow"),
        ("(table.fill $t (i32.const 0) (ref.null func) (i32.const 0))", "table.fill"),
        ("(table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 0))", "table.copy"),
        ("(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 0))", "table.init"),
        ("(elem.drop $e)", "elem.drop"),
        ("(data.drop $d)", "data.drop"),
    ],
)
def test_state_outside_of_snapshots_is_refused_by_name(before: str, code: str, name: str) -> None:
    with pytest.raises(RemoteProtocolError, match=f"it uses {name}, and that state") as caught:
        package(step_task(before + code))
    assert caught.value.rule == "7.3"


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("random_get", "(param i32 i32) (result i32)"),
        ("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
        ("fd_close", "(param i32) (result i32)"),
    ],
)
def test_host_functions_that_remember_are_refused_by_name(name: str, types: str) -> None:
    with pytest.raises(RemoteProtocolError, match=f"it imports {name}"):
        package(step_task(imports=wasi(name, types)))


def test_host_functions_that_do_not_remember_are_allowed() -> None:
    package(step_task(imports=wasi("clock_time_get", "(param i32 i64 i32) (result i32)")))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("(global (mut i32) (i32.const 0))" * 257, "257 mutable globals"),
        ("(global (mut funcref) (ref.null func))", "holds a reference"),
        ("(global (mut externref) (ref.null extern))", "holds a reference"),
    ],
)
def test_globals_that_no_snapshot_holds_are_refused(fields: str, problem: str) -> None:
    with pytest.raises(RemoteProtocolError, match=problem):
        package(step_task(fields=fields))


def test_constants_may_be_many_and_of_any_type() -> None:
    package(
        step_task(
            fields="(global (mut i32) (i32.const 0))" * 256
            + "(global i32 (i32.const 0))" * 300
            + "(global funcref (ref.null func))"
        )
    )


@pytest.mark.parametrize("name", ["verify", "_initialize"])
def test_an_optional_export_of_another_type_is_refused(name: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        package(step_task(fields=f'(func (export "{name}") (param i64))'))
    assert caught.value.rule == "7.3"


def test_a_manifest_with_more_memory_than_a_snapshot_holds_is_refused() -> None:
    fields = list(manifest_to_value(package(step_task()).manifest))  # type: ignore[arg-type]
    fields[7] = STEP_MEMORY_BYTES_MAX + 1

    with pytest.raises(RemoteProtocolError):
        manifest_from_value(fields)


def test_the_operators_of_other_shapes_are_free() -> None:
    translated = translate(step_task("(data.drop $d)")).replace(b"\x04step", b"\x04stop")

    with pytest.raises(RemoteProtocolError, match="no task"):
        package(translated)
