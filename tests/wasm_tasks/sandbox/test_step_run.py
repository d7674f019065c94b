"""Runs by steps: interrupted anywhere, they end as if they had not been (SPEC.md section 7.8)."""

from collections.abc import Callable

import pytest
from tests.wasm_tasks.verification.step_task import step_package

from fogbank_wasm_tasks.limits import MEMORY_BYTES_MAX
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.sandbox.engine import Engine
from fogbank_wasm_tasks.sandbox.messages import Ended, RunCommand, StepCommand, Stepped
from fogbank_wasm_tasks.sandbox.step_run import StepRun
from fogbank_wasm_tasks.verification.snapshot import decode_snapshot

Steps = Callable[..., tuple[Ended, Stepped]]


@pytest.fixture(name="steps", scope="module")
def make_steps() -> Steps:
    engine = Engine(on_call=lambda _fuel: None)
    loaded = engine.load(engine.compile(step_package().module))

    def steps(
        data: bytes = b"\x0a",
        *,
        fuel_max: int = 10**6,
        step_size: int = 1,
        checkpoint_steps: int = 1,
        until: int | None = None,
        snapshot: bytes | None = None,
    ) -> tuple[Ended, Stepped]:
        run = RunCommand(
            key=b"",
            shape=Shape.STEP,
            input=data,
            arguments=[],
            environment=[],
            seed=0,
            fuel_max=fuel_max,
            memory_bytes_max=MEMORY_BYTES_MAX,
            output_bytes_max=1_000,
        )
        command = StepCommand(
            run=run,
            step_size=step_size,
            checkpoint_steps=checkpoint_steps,
            until=until,
            snapshot=snapshot,
        )
        played = StepRun(command, lambda _fuel: None)
        return engine.run(loaded, run, played.play), played.stepped()

    return steps


def test_x(steps: Steps) -> None:
    ended, stepped = steps()
    print(ended, stepped.states, len(stepped.roots))
    for p in range(12):
        e, s = steps(until=p)
        e2, s2 = steps(snapshot=s.snapshot)
        assert (e2.ending, e2.output, e2.fuel) == (ended.ending, ended.output, ended.fuel)
        assert s.roots + s2.roots == stepped.roots
        assert decode_snapshot(s.snapshot).root() == stepped.roots[32 * p : 32 * p + 32]
