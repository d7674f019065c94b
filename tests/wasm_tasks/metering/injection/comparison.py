"""Runs modules as they are and rewritten, on two engines, and compares all that can be seen.

``python -m tests.wasm_tasks.metering.injection.comparison FIRST COUNT`` does so with as many
generated modules as one has time for.
"""

import sys
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import wasmtime
from tests.wasm_tasks.metering.injection.generator import Generator
from tests.wasm_tasks.packages import translate

from fogbank_wasm_tasks.metering.injection import DEPTH_MAX, inject, pack_counter, read_counter
from fogbank_wasm_tasks.metering.injection.binary import (
    encode_sections,
    encode_unsigned,
    read_unsigned,
)
from fogbank_wasm_tasks.metering.injection.layout import EXPORTS, START, in_order, read_layout
from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.module.reserved import COUNTER, START_FUNCTION
from fogbank_wasm_tasks.sandbox.engine.configuration import configure

FUEL_MAX: Final = 10**7
TARGETS: Final = (None, "pulley64")


def make_engine(target: str | None, *, has_float_vectors: bool) -> wasmtime.Engine:
    """Return an engine for ``target``, with the settings of the sandbox."""
    config = configure(has_float_vectors=has_float_vectors)
    if target:
        config.target = target
    return wasmtime.Engine(config)


def make_reference() -> wasmtime.Engine:
    """Return an engine that counts by itself."""
    config = configure(has_float_vectors=True)
    config.consume_fuel = True
    # What it counts does not hang on it, and code that counts takes long to optimise.
    config.cranelift_opt_level = "none"
    return wasmtime.Engine(config)


_REFERENCE: Final = make_reference()
_ENGINES: Final = {
    (target, has_float_vectors): make_engine(target, has_float_vectors=has_float_vectors)
    for target in TARGETS
    for has_float_vectors in (False, True)
}


@dataclass(frozen=True)
class Seen:
    """What one run left behind."""

    trap: str | None
    memory: bytes
    """A hash of it, and its size."""

    fuel: int


def run_plain(module: bytes) -> Seen:
    """Run ``module`` as it is, in an engine that counts by itself."""
    store = wasmtime.Store(_REFERENCE)
    store.set_fuel(FUEL_MAX)
    code = wasmtime.Module(_REFERENCE, with_start_exported(module))
    exports = wasmtime.Instance(store, code, []).exports(store)
    # What the engine takes for making an instance is its own affair.
    store.set_fuel(FUEL_MAX)
    trap = call_run(store, exports)
    return Seen(trap, hash_memory(store, exports), FUEL_MAX - store.get_fuel())


def run_rewritten(module: bytes, target: str | None, *, is_precise: bool) -> Seen:
    """Run ``module`` with the counter in it."""
    injected = inject(module, is_precise=is_precise)
    engine = _ENGINES[target, injected.has_float_vectors]
    store = wasmtime.Store(engine)
    exports = wasmtime.Instance(store, wasmtime.Module(engine, injected.module), []).exports(store)
    counter = exports[COUNTER]
    assert isinstance(counter, wasmtime.Global)
    counter.set_value(store, wasmtime.Val.i64(pack_counter(FUEL_MAX, DEPTH_MAX)))
    trap = call_run(store, exports)
    reading = read_counter(int(counter.value(store)))
    if trap == "UNREACHABLE" and reading.is_too_deep:
        trap = "DEPTH"
    return Seen(trap, hash_memory(store, exports), FUEL_MAX - reading.fuel_left)


def complaint_about(module: bytes, *, shows_nans: bool) -> str | None:
    """Return what is wrong with the rewritten ``module``, or None.

    Where it ``shows_nans`` that are not the one, their bits differ from those of the module as it
    is, on purpose: such a module is compared with itself on another engine only.
    """
    check_module(module)
    quick = run_rewritten(module, None, is_precise=False)
    precise = run_rewritten(module, None, is_precise=True)
    portable = run_rewritten(module, "pulley64", is_precise=True)
    if precise != portable:
        return f"two engines differ: {precise} {portable}"
    if (quick.trap, quick.memory) != (precise.trap, precise.memory):
        return f"quick and precise differ: {quick} {precise}"
    if quick.trap is None and quick.fuel != precise.fuel:
        return f"quick and precise count differently: {quick} {precise}"
    if shows_nans:
        return None
    plain = run_plain(module)
    if plain.trap is None and plain != quick:
        return f"not as it was: {plain} {quick}"
    if (plain.trap, plain.memory) != (quick.trap, quick.memory):
        return f"not trapped as it was: {plain} {quick}"
    return None


def generate(seed: int) -> tuple[bytes, bool]:
    """Return the module of ``seed``, and whether it shows NaNs that are not the one.

    Of four seeds one has no floats, one has a single NaN, one has many, and one vectors as well.
    """
    kind = seed % 4
    text = Generator(
        seed, has_floats=kind != 0, has_vectors=kind == 3, has_one_nan=kind == 1
    ).module()
    return translate(text), kind > 1


def with_start_exported(module: bytes) -> bytes:
    """Return ``module`` with its start function exported instead, so that its fuel is seen."""
    sections = dict(read_layout(module).sections)
    start = sections.pop(START, None)
    if start is None:
        return module
    name = START_FUNCTION.encode("ascii")
    count, at = read_unsigned(sections[EXPORTS], 0)
    entry = encode_unsigned(len(name)) + name + b"\x00" + start
    sections[EXPORTS] = encode_unsigned(count + 1) + sections[EXPORTS][at:] + entry
    return encode_sections(in_order(sections))


def call_run(store: wasmtime.Store, exports: Any) -> str | None:
    """Start the module where it has something to start, call its ``run``; return how it trapped."""
    names = [START_FUNCTION] if any(name == START_FUNCTION for name in exports) else []
    try:
        for name in [*names, "run"]:
            function = exports[name]
            assert isinstance(function, wasmtime.Func)
            function(store)
    except wasmtime.Trap as trap:
        code = trap.trap_code
        assert code is not None
        return code.name
    return None


def hash_memory(store: wasmtime.Store, exports: Any) -> bytes:
    """Return a hash of all of the memory."""
    memory = exports["memory"]
    assert isinstance(memory, wasmtime.Memory)
    return blake2b(memory.read(store), digest_size=16).digest()


def main() -> None:
    """Compare as many modules as the command line says."""
    first, count = int(sys.argv[1]), int(sys.argv[2])
    wrong = 0
    for seed in range(first, first + count):
        module, shows_nans = generate(seed)
        complaint = complaint_about(module, shows_nans=shows_nans)
        if complaint:
            wrong += 1
            print(f"seed {seed}: {complaint}")
    print(f"{count} modules, {wrong} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
