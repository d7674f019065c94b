"""Totals by function: they sum to the fuel, and change nothing else."""

from pathlib import Path

import pytest
import wasmtime
from tests.wasm_tasks.metering.injection.comparison import (
    FUEL_MAX,
    call_run,
    generate,
    run_rewritten,
)
from tests.wasm_tasks.packages import translate

from fogbank_wasm_tasks.metering.injection import DEPTH_MAX, inject, pack_counter, read_counter
from fogbank_wasm_tasks.module.reserved import CALLS, COUNTER, FUEL
from fogbank_wasm_tasks.sandbox.engine.configuration import configure

pytestmark = pytest.mark.slow

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.wasm"))


def profile(module: bytes, fuel_max: int = FUEL_MAX) -> tuple[int, list[int], list[int]]:
    """Return the fuel of a run of ``module``, and fuel and calls of each of its functions."""
    injected = inject(module, is_precise=True, is_profiled=True)
    engine = wasmtime.Engine(configure(has_float_vectors=injected.has_float_vectors))
    store = wasmtime.Store(engine)
    exports = wasmtime.Instance(store, wasmtime.Module(engine, injected.module), []).exports(store)

    def value(name: str) -> int:
        found = exports[name]
        assert isinstance(found, wasmtime.Global)
        return int(found.value(store))

    def values(prefix: str) -> list[int]:
        return [value(name) for name in exports if name.startswith(prefix)]

    counter = exports[COUNTER]
    assert isinstance(counter, wasmtime.Global)
    counter.set_value(store, wasmtime.Val.i64(pack_counter(fuel_max, DEPTH_MAX)))
    call_run(store, exports)
    return fuel_max - read_counter(value(COUNTER)).fuel_left, values(FUEL), values(CALLS)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_totals_of_real_programs_sum_to_their_fuel(path: Path) -> None:
    module = path.read_bytes()
    fuel, by_function, calls = profile(module)
    assert fuel == run_rewritten(module, None, is_precise=True).fuel
    assert sum(by_function) == fuel
    assert [bool(each) for each in by_function] == [bool(each) for each in calls]


def test_the_totals_of_generated_modules_sum_to_their_fuel_however_they_end() -> None:
    for seed in range(24):
        module, _ = generate(seed)
        fuel, by_function, _ = profile(module)
        assert sum(by_function) == fuel, seed
        assert min(fuel, FUEL_MAX) == run_rewritten(module, None, is_precise=True).fuel, seed


def test_each_function_has_its_own_fuel_and_calls() -> None:
    module = translate(
        """(module (memory (export "memory") 1)
             (func $leaf (memory.fill (i32.const 0) (i32.const 1) (i32.const 100)))
             (func $unused)
             (func (export "run") (local $i i32)
               (loop (call $leaf)
                 (br_if 0 (i32.lt_u
                   (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 7))))))"""
    )
    fuel, [leaf, unused, run], calls = profile(module)
    # Entry, three constants, the operator itself, and a unit a byte.
    assert leaf == 7 * (1 + 3 + 1 + 100)
    assert (unused, run) == (0, fuel - leaf)
    assert calls == [7, 0, 1]
    # Out of fuel in the third call: what it would have cost is told as well.
    assert profile(module, 300)[1][0] == 3 * 105
