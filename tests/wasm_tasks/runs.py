"""Runs modules in an engine of this process, as a worker and its pool do."""

from typing import Any

from tests.wasm_tasks.large_stack import on_large_stack

from fogbank_wasm_tasks.limits import MEMORY_BYTES_MAX
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.sandbox.engine import Engine
from fogbank_wasm_tasks.sandbox.messages import Ended, RunCommand


def run_command(shape: Shape = Shape.COMMAND, **fields: Any) -> RunCommand:
    """Return what runs a module with ``fields`` beside the usual."""
    merged: dict[str, Any] = {
        "key": b"",
        "shape": shape,
        "input": b"",
        "arguments": [],
        "environment": [],
        "seed": 0,
        "fuel_max": 10**7,
        "memory_bytes_max": MEMORY_BYTES_MAX,
        "output_bytes_max": 1_000,
        **fields,
    }
    return RunCommand(**merged)


def run_exactly(engine: Engine, module: bytes, order: RunCommand) -> Ended:
    """Run ``module``, and again where only the precise code knows the fuel."""

    def run_once(is_precise: bool) -> Ended:
        compiled = engine.compile(module, is_precise=is_precise)
        return on_large_stack(lambda: engine.run(engine.load(compiled), order))

    ended = run_once(is_precise=False)
    return ended if ended.is_exact else run_once(is_precise=True)
