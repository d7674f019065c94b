"""Every operator that tasks may use is counted as another engine counts it."""

import pytest
import wasmtime
from tests.wasm_tasks.metering.injection.comparison import complaint_about, run_plain
from tests.wasm_tasks.metering.injection.sweep import Operator, ask, operators, sweep

from fogbank_wasm_tasks.sandbox.engine.configuration import configure


@pytest.fixture(scope="module", name="found")
def find_operators() -> list[Operator]:
    engine = wasmtime.Engine(configure(has_float_vectors=True))
    return [ask(engine, code) for code in operators()]


@pytest.mark.slow
def test_each_operator_does_and_costs_the_same_when_rewritten(found: list[Operator]) -> None:
    module = sweep(found)
    plain = run_plain(module)

    assert plain.trap is None
    assert plain.fuel > 3 * len(found)
    assert complaint_about(module, shows_nans=False) is None


@pytest.mark.slow
def test_no_operator_is_left_out(found: list[Operator]) -> None:
    families = {
        "one byte": [each for each in found if each.code[0] < 0xFC],
        "bulk": [each for each in found if each.code[0] == 0xFC],
        "vectors": [each for each in found if each.code[0] == 0xFD],
    }

    # nop, drop, both select; locals, globals, tables; loads and stores; the size of the memory;
    # constants; comparisons, arithmetic, conversions and sign extensions; references.
    assert {name: len(each) for name, each in families.items()} == {
        "one byte": 4 + 7 + 23 + 2 + 4 + 128 + 3,
        "bulk": 8 + 10,
        "vectors": 236,
    }
