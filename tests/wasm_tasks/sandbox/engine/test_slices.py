"""Runs in slices of fuel end as those that never wait (SPEC.md section 7.5)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.wasm_tasks.large_stack import on_large_stack
from tests.wasm_tasks.runs import run_command

from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.sandbox.engine import Engine, LoadedModule
from fogbank_wasm_tasks.sandbox.messages import Ended, RunCommand

VECTORS = Path(__file__).parents[3] / "vectors"
CASES = [
    case
    for topic in ("modules", "metering")
    for case in json.loads((VECTORS / f"{topic}.json").read_text("utf-8"))["accept"]
]


class Slices:
    """An engine whose runs are told to go on at the end of every slice."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self._engine = Engine(on_call=lambda _fuel: None, on_slice=self.told.append)
        self._loaded: dict[tuple[bytes, bool], LoadedModule] = {}

    def run(self, module: bytes, command: RunCommand) -> Ended:
        """Run ``module``, which can wait if the command has slices."""
        named = module, command.slice_fuel > 0
        if named not in self._loaded:
            compiled = self._engine.compile(module, is_paced=named[1])
            self._loaded[named] = self._engine.load(compiled)
        return on_large_stack(lambda: self._engine.run(self._loaded[named], command))


@pytest.fixture(name="slices", scope="module")
def make_slices() -> Slices:
    return Slices()


@pytest.mark.slow
def test_slices_change_nothing_of_a_run(slices: Slices) -> None:
    for case in CASES:
        fields: dict[str, Any] = {
            "input": bytes.fromhex(case["input"]),
            "fuel_max": case["fuel_max"],
        }
        module, shape = bytes.fromhex(case["hex"]), Shape(case["shape"])
        plain = slices.run(module, run_command(shape, **fields))
        for slice_fuel in (1, 1_000):
            slices.told.clear()
            parts = slices.run(module, run_command(shape, slice_fuel=slice_fuel, **fields))

            # At a trap of the engine neither of the two knows its fuel.
            fuel = parts.fuel if plain.is_exact else plain.fuel
            same = replace(parts, wall_us=plain.wall_us, fuel=fuel)
            assert same == plain, case["name"]
            assert slices.told == sorted(slices.told)
            assert all(fuel <= fields["fuel_max"] for fuel in slices.told)
