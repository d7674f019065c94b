"""A small step task for tests: its state is in memory, in a global of each type, and in growth."""

from functools import cache

from tests.wasm_tasks.packages import package

from fogbank_wasm_tasks.package import Package

TEXT = """(module
  (memory (export "memory") 1 4)
  (global $left (mut i32) (i32.const 0))
  (global $sum (mut i64) (i64.const 7))
  (global $ratio (mut f64) (f64.const 1.5))
  (global $constant i32 (i32.const 5))
  (func (export "alloc") (param i32) (result i32) i32.const 1024)
  (func (export "init") (param $at i32) (param $length i32)
    ;; the first byte of the input says how many steps there are
    (if (i32.eqz (local.get $length)) (then unreachable))
    (global.set $left (i32.load8_u (local.get $at))))
  (func (export "step") (param $n i32) (result i32)
    (loop $again
      (if (i32.eqz (global.get $left)) (then (return (i32.const 1))))
      (global.set $left (i32.sub (global.get $left) (i32.const 1)))
      (global.set $sum
        (i64.mul (i64.add (global.get $sum) (i64.extend_i32_u (global.get $left)))
          (i64.const 6364136223846793005)))
      (global.set $ratio (f64.mul (global.get $ratio) (f64.const 1.0625)))
      (i64.store (i32.and (i32.wrap_i64 (i64.shr_u (global.get $sum) (i64.const 40)))
          (i32.const 0xfff8)) (global.get $sum))
      ;; memory grows once on the way, and what is new is written to
      (if (i32.eq (global.get $left) (i32.const 3))
        (then (drop (memory.grow (i32.const 1))) (i64.store (i32.const 70000) (i64.const -1))))
      ;; the byte 0xEE at 2000 makes it trap
      (if (i32.eq (i32.load8_u (i32.const 2000)) (i32.const 0xEE)) (then unreachable))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    i32.const 0)
  (func (export "result") (result i64)
    (i64.store (i32.const 16) (global.get $sum))
    (f64.store (i32.const 24) (global.get $ratio))
    (i64.const 0x1000000010))
  (func (export "verify") (param i32 i32 i32 i32) (result i32)
    (i32.eq (local.get 3) (i32.const 16))))"""


@cache
def step_package() -> Package:
    """Return the task's package."""
    return package(TEXT)
