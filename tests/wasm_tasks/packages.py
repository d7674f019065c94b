"""Packages for tests, of modules written as text."""

import wasmtime

from fogbank_protocol.identity import Identity
from fogbank_wasm_tasks.limits import MEMORY_BYTES_MAX, OUTPUT_BYTES_MAX
from fogbank_wasm_tasks.package import Package, open_package, pack_module

AUTHOR = Identity.from_seed(b"author of the tests' packages...")


def translate(text: str) -> bytes:
    """Return the module that ``text`` says in the text format."""
    return bytes(wasmtime.wat2wasm(text))


def package(
    module: str | bytes,
    *,
    memory_bytes_max: int = MEMORY_BYTES_MAX,
    output_bytes_max: int = OUTPUT_BYTES_MAX,
) -> Package:
    """Return a package of ``module``, which may be text."""
    return open_package(
        pack_module(
            translate(module) if isinstance(module, str) else module,
            name="a-task",
            version="1.0",
            author=AUTHOR,
            memory_bytes_max=memory_bytes_max,
            output_bytes_max=output_bytes_max,
        )
    )


def command(code: str, *, fields: str = "", memory: str = "1") -> str:
    """Return the text of a command whose ``_start`` is ``code``; ``fields`` comes first."""
    return f'(module {fields} (memory (export "memory") {memory}) (func (export "_start") {code}))'


def reactor(run: str, *, alloc: str = "i32.const 1024", fields: str = "", memory: str = "1") -> str:
    """Return the text of a reactor with these bodies of ``run`` and ``alloc``."""
    return (
        f'(module {fields} (memory (export "memory") {memory}) '
        f'(func (export "alloc") (param i32) (result i32) {alloc}) '
        f'(func (export "run") (param i32 i32) (result i64) {run}))'
    )


def wasi(name: str, types: str) -> str:
    """Return the import of a host function as ``$name``; ``types`` as ``(param i32)``."""
    return f'(import "wasi_snapshot_preview1" "{name}" (func ${name} {types}))'


def counting_steps(turns: int) -> str:
    """Return the text of a step task that counts, ``turns`` times a step.

    Its input says how many steps to make, in 4 bytes, little-endian.
    """
    return f"""(module
      (memory (export "memory") 1)
      (global $left (mut i32) (i32.const 0))
      (global $sum (mut i64) (i64.const 0))
      (func (export "alloc") (param i32) (result i32) i32.const 1024)
      (func (export "init") (param i32 i32)
        (global.set $left (i32.load (local.get 0))))
      (func (export "step") (param i32) (result i32)
        (local $turns i32)
        (local.set $turns (i32.const {turns}))
        (loop $again
          (global.set $sum (i64.add (i64.mul (global.get $sum) (i64.const 31)) (i64.const 7)))
          (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
        (global.set $left (i32.sub (global.get $left) (i32.const 1)))
        (i32.eqz (global.get $left)))
      (func (export "result") (result i64)
        (i64.store (i32.const 16) (global.get $sum))
        (i64.const 0x1000000008)))"""
