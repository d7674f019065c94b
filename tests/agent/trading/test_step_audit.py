"""The bundled step task, bought and audited: honest and lied about (SPEC.md sections 7.8, 9.4)."""

import struct
from pathlib import Path
from random import Random

import pytest
import trio

from fogbank_agent.demo.liar import LyingRunner
from fogbank_agent.market.job_result import JobResult
from fogbank_agent.market.orders import Audit
from fogbank_agent.trading.interfaces import LotRunner
from fogbank_protocol.blobs.naming import blob_id
from fogbank_wasm_tasks.examples import module_bytes
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import open_package, pack_module
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.terms import StepPlan

from .neighbourhood import AUTHOR, a_job, neighbourhood

pytestmark = pytest.mark.slow

AUTOMATON = pack_module(
    module_bytes("cellular_automaton"), name="cellular-automaton", version="1", author=AUTHOR
)
ORDER = struct.pack("<5I", 1, 7, 40, 2, 16)
"""Forty generations of 16 rows of 128 cells."""


async def buy(folder: Path, sandbox: Sandbox, seller: LotRunner) -> tuple[JobResult, str]:
    """Have ``seller`` run the task, and every result of it run again; return the story as well."""
    async with neighbourhood(folder, 2, limit_s=60) as hood:
        ann = await hood.start(1, checks=sandbox)
        await hood.start(2, sells=seller)
        await hood.wait_ready()
        job = await a_job(
            ann,
            [ORDER],
            package_id=await ann.blobs.put(AUTOMATON),
            plan=StepPlan(1, 4),
            verification=Audit(1_000_000),
            patience_s=3.0,
        )
        result = await ann.requestor.buy(job)
        return result, "\n".join(ann.journal.why(result.runs[0].run_id))
    raise AssertionError


@pytest.mark.parametrize("lies", [False, True])
async def test_a_step_task_is_audited_by_its_buyer(tmp_path: Path, lies: bool) -> None:
    async with trio.open_nursery() as nursery:
        sandbox = Sandbox(tmp_path / "sandbox", workers=1)
        await nursery.start(sandbox.run)
        request = RunRequest(input=ORDER, fuel_max=10**9)
        honest = await sandbox.execute(open_package(AUTOMATON), request)
        seller = LyingRunner(sandbox, 1_000_000, Random(1)) if lies else sandbox
        result, story = await buy(tmp_path, sandbox, seller)
        nursery.cancel_scope.cancel()

    assert isinstance(honest.outcome, Ok)
    assert "Run again here: ok" in story
    (run,) = result.runs
    if lies:
        assert (result.lies_caught, result.paid_total) == (1, 0)
    else:
        assert (run.reason, run.output) == (None, blob_id(honest.output))
        assert (result.lies_caught, result.completed) == (0, 1)
        assert result.paid_total > 0
