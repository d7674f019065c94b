"""The runner of the official suites passes what is right and finds what is wrong."""

from pathlib import Path

import pytest
from tests.conformance.instance import Mode
from tests.conformance.script import Script, Tally

MODES = [Mode(is_precise=False, target=None), Mode(is_precise=True, target="pulley64")]
RIGHT = r"""
;; A comment (; and another (; inside ;) ;)
(module $first
  (table $t 2 externref) (memory 1)
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "both") (result f64 i64) (f64.const -0x1.8p-1) (i64.const -1))
  (func (export "nan") (result f32) (f32.div (f32.const 0) (f32.const 0)))
  (func (export "lanes") (param v128) (result v128) (i32x4.add (local.get 0) (local.get 0)))
  (func (export "keep") (param externref) (result externref)
    (table.set $t (i32.const 0) (local.get 0)) (table.get $t (i32.const 0)))
  (func (export "divide\20it") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func $deep (export "deep") (call $deep)))
(assert_return (invoke "add" (i32.const 2) (i32.const -3)) (i32.const -1))
(assert_return (invoke "both") (f64.const -0.75) (i64.const 0xffff_ffff_ffff_ffff))
(assert_return (invoke "nan") (f32.const nan:canonical))
(assert_return (invoke "lanes" (v128.const i32x4 1 2 3 -4)) (v128.const i32x4 2 4 6 -8))
(assert_return (invoke "keep" (ref.extern 7)) (ref.extern 7))
(assert_return (invoke "keep" (ref.null extern)) (ref.null extern))
(assert_trap (invoke "divide it" (i32.const 0)) "integer divide by zero")
(assert_exhaustion (invoke $first "deep") "call stack exhausted")
(assert_trap (module (memory 1) (data (i32.const 65536) "a")) "out of bounds memory access")
(assert_invalid (module (func (result i32) (i64.const 0))) "type mismatch")
(assert_malformed (module binary "\00asm\02\00\00\00") "unknown binary version")
(module (memory 1 1 shared))
(assert_return (invoke "add" (i32.const 1) (i32.const 1)) (i32.const 9))
"""


def run(path: Path, text: str, mode: Mode) -> Tally:
    script = path / "script.wast"
    script.write_text(text, encoding="utf-8")
    return Script(script, mode).run()


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_what_is_right_passes_and_what_is_refused_is_not_tried(tmp_path: Path, mode: Mode) -> None:
    tally = run(tmp_path, RIGHT, mode)

    assert tally.failed == []
    assert tally.passed == {
        "module": 1,
        "assert_return": 6,
        "assert_trap": 2,
        "assert_exhaustion": 1,
        "assert_invalid": 1,
        "assert_malformed": 1,
    }
    assert tally.refused == {"it uses shared memory": 1}
    assert tally.skipped == {"calls of refused modules": 1}


@pytest.mark.parametrize(
    "claim",
    [
        '(assert_return (invoke "f" (i32.const 1)) (i32.const 2))',
        '(assert_return (invoke "f" (i32.const 1)))',
        '(assert_trap (invoke "f" (i32.const 1)) "unreachable")',
        '(assert_trap (invoke "f" (i32.const 0)) "integer overflow")',
        '(assert_return (invoke "f" (i32.const 0)) (i32.const 0))',
        '(assert_invalid (module (func)) "wrong")',
        "(module (func $s unreachable) (start $s))",
        '(assert_return (invoke "g") (f32.const nan:canonical))',
        '(assert_return (invoke "g") (f32.const 0x1.000002p0))',
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, claim: str) -> None:
    module = (
        '(module (func (export "f") (param i32) (result i32) (i32.div_u (i32.const 1) '
        '(local.get 0))) (func (export "g") (result f32) (f32.const 1)))'
    )
    tally = run(tmp_path, module + claim, MODES[0])

    assert len(tally.failed) == 1
    assert tally.failed[0].startswith("script.wast:1: ")
