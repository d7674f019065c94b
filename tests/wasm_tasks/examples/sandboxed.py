"""Example tasks run in the real engine, in this process."""

from collections.abc import Sequence
from functools import cache

from tests.wasm_tasks.packages import package

from fogbank_wasm_tasks.examples import module_bytes
from fogbank_wasm_tasks.limits import MEMORY_BYTES_MAX, OUTPUT_BYTES_MAX
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.sandbox.engine import Engine, LoadedModule
from fogbank_wasm_tasks.sandbox.messages import Ended, RunCommand
from fogbank_wasm_tasks.sandbox.verify_run import verify


@cache
def example(name: str) -> tuple[Package, Engine, LoadedModule]:
    found = package(module_bytes(name))
    engine = Engine(on_call=lambda _fuel: None)
    return found, engine, engine.load(engine.compile(found.module))


def run(
    name: str,
    data: bytes,
    *,
    claimed: bytes | None = None,
    seed: int = 0,
    arguments: Sequence[str] = (),
) -> Ended:
    """Run the task ``name``, or have it check ``claimed``."""
    found, engine, loaded = example(name)
    command = RunCommand(
        key=b"",
        shape=found.manifest.shape,
        input=data,
        arguments=arguments,
        environment=[],
        seed=seed,
        fuel_max=10**11,
        memory_bytes_max=MEMORY_BYTES_MAX,
        output_bytes_max=OUTPUT_BYTES_MAX,
    )
    if claimed is None:
        return engine.run(loaded, command)
    return engine.run(loaded, command, lambda instance, _meter: verify(instance, data, claimed))
