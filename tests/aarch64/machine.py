"""Runs tasks on the machine that this is, and tells all that can be seen of them.

``python -m tests.aarch64.machine < tasks > seen``, both JSON.  It needs of this repository the
packages of tasks and protocol, of others wasmtime and msgpack only: what an emulated machine has.
"""

import json
import platform
import sys
import threading
from hashlib import blake2b
from typing import Any

from fogbank_wasm_tasks.limits import MEMORY_BYTES_MAX, WORKER_STACK_BYTES
from fogbank_wasm_tasks.metering.meter import Meter
from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.sandbox.engine import Engine
from fogbank_wasm_tasks.sandbox.messages import Ending, Finished, RunCommand, StepCommand
from fogbank_wasm_tasks.sandbox.shapes import Instance, Play, begin
from fogbank_wasm_tasks.sandbox.step_run import StepRun

FUEL_MAX = 10**9
START = "_start"


def see(engine: Engine, task: dict[str, Any]) -> dict[str, Any]:
    """Return outcome, fuel and output of one task.

    Of plain commands also the hash of the memory, and of step tasks that of all checkpoints' roots.
    """
    module = bytes.fromhex(task["module"])
    check_module(module)
    order = RunCommand(
        key=b"",
        shape=Shape(task["shape"]),
        input=bytes.fromhex(task["input"]),
        arguments=task.get("arguments", ["one", "two"]),
        environment=[("NAME", "value")],
        seed=7,
        fuel_max=task.get("fuel_max", FUEL_MAX),
        memory_bytes_max=MEMORY_BYTES_MAX,
        output_bytes_max=1 << 24,
    )
    hashes: list[str] = []

    def play(instance: Instance, _meter: Meter) -> tuple[Ending, bytes]:
        begin(instance)
        try:
            instance.call(START)
        finally:
            memory = instance.memory
            content = memory.read(0, memory.size())
            hashes.append(blake2b(content, digest_size=16).hexdigest())
        return Finished(), b""

    is_plain = task.get("is_plain", False)
    how: Play | None = play if is_plain else None
    steps: StepRun | None = None
    for is_precise in (False, True):
        loaded = engine.load(engine.compile(module, is_precise=is_precise))
        if "checkpoint_steps" in task:
            steps = _by_steps(order, task["checkpoint_steps"])
            how = steps.play
        ended = engine.run(loaded, order, how)
        if ended.is_exact:
            break
    if steps is not None:
        passed = steps.stepped()
        hashes.append(f"{passed.states} {blake2b(passed.roots, digest_size=16).hexdigest()}")
    return {
        "outcome": str(ended.ending),
        "fuel": ended.fuel,
        "output": blake2b(ended.output, digest_size=16).hexdigest(),
        "memory": hashes[-1] if hashes else None,
        "pages": ended.peak_memory_bytes,
    }


def _by_steps(order: RunCommand, checkpoint_steps: int) -> StepRun:
    command = StepCommand(
        run=order, step_size=1, checkpoint_steps=checkpoint_steps, until=None, snapshot=None
    )
    return StepRun(command, tell=lambda _fuel: None)


def main() -> None:
    """Run the tasks of standard input."""
    tasks = json.load(sys.stdin)
    seen: dict[str, Any] = {"machine": platform.machine()}

    def run() -> None:
        engine = Engine(on_call=lambda _fuel: None)
        seen["tasks"] = {name: see(engine, task) for name, task in tasks.items()}

    threading.stack_size(WORKER_STACK_BYTES)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
