"""Runs at a pace: held after every slice, their states handed out on the way."""

import sys
from pathlib import Path

import pytest
import trio
from tests.wasm_tasks.packages import package, reactor
from tests.wasm_tasks.sandbox.processes import WORKER, children
from tests.wasm_tasks.sandbox.test_pool import order, running
from tests.wasm_tasks.verification.step_task import step_package

from fogbank_wasm_tasks.limits import FUEL_MAX
from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.run import Pace, Reached, RunRequest
from fogbank_wasm_tasks.verification.requests import StepRequest
from fogbank_wasm_tasks.verification.snapshot import decode_snapshot
from fogbank_wasm_tasks.verification.terms import StepPlan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]

LOOP = package(reactor("loop br 0 end i64.const 0"))


class _Unpaid(Exception):
    pass


async def test_a_run_that_never_calls_the_host_is_held_at_every_slice(tmp_path: Path) -> None:
    told: list[int] = []

    async def reach(reached: Reached) -> bool:
        told.append(reached.fuel)
        await trio.lowlevel.checkpoint()
        return False

    async with running(tmp_path) as sandbox:
        report = await sandbox.execute(LOOP, order(fuel_max=10_000), pace=Pace(1_000, reach))

    assert (report.outcome, report.fuel) == (OutOfFuel(), 10_000)
    assert len(told) >= 9
    # Each slice begins where the one before has ended, a segment later than it should.
    assert all(1_000 <= fuel - place * 1_000 <= 1_020 for place, fuel in enumerate(told))


async def test_what_holds_a_run_may_end_it(tmp_path: Path) -> None:
    async def reach(reached: Reached) -> bool:
        await trio.lowlevel.checkpoint()
        raise _Unpaid(reached)

    async with running(tmp_path) as sandbox:
        with pytest.raises(_Unpaid):
            await sandbox.execute(LOOP, order(fuel_max=FUEL_MAX), pace=Pace(10**6, reach))
        assert children(WORKER) == []


async def test_a_state_that_is_wanted_is_handed_out_at_the_next_checkpoint(tmp_path: Path) -> None:
    reached: list[Reached] = []

    async def reach(one: Reached) -> bool:
        reached.append(one)
        await trio.lowlevel.checkpoint()
        return True

    task, plan = step_package(), StepPlan(1, 2)
    request = RunRequest(input=b"\x14", fuel_max=10**6)
    async with running(tmp_path) as sandbox:
        whole = await sandbox.execute_steps(task, StepRequest(run=request, plan=plan))
        paced = await sandbox.execute_steps(
            task, StepRequest(run=request, plan=plan), pace=Pace(50, reach)
        )
        assert paced.report is not None
        assert whole.report is not None
        assert (paced.report.fuel, paced.roots) == (whole.report.fuel, whole.roots)
        snapshots = [one.snapshot for one in reached if one.snapshot]
        assert len(snapshots) > 2
        for snapshot in snapshots:
            state = decode_snapshot(snapshot)
            assert state.root() == whole.roots[state.head.steps // 2]
            part = await sandbox.execute_steps(
                task, StepRequest(run=request, plan=plan, snapshot=snapshot), pace=Pace(50, reach)
            )
            assert part.report is not None
            assert (part.report.outcome, part.report.fuel) == (
                whole.report.outcome,
                whole.report.fuel,
            )
