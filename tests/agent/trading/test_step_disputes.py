"""Wrong runs of step tasks: one interval of checkpoints is the proof (SPEC.md section 9.10)."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from fogbank_agent.market.dispute import DisputeState
from fogbank_agent.market.orders import Audit
from fogbank_agent.trading.disputing import DisputeRecord
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import Pace
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof, decode_proof
from fogbank_wasm_tasks.verification.requests import StepReport, StepRequest
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.terms import StepPlan

from .neighbourhood import Agent, Hasher, a_job, neighbourhood, settings, wait_until
from .test_moving import LONG

pytestmark = pytest.mark.slow

STEPS, UNIT = 30, 4
STAKE = 100_000
Bend = Callable[[StepReport], StepReport]


class Bent(Hasher):
    """A sandbox whose owner changes what runs of step tasks come to."""

    def __init__(self, sandbox: Sandbox, bend: Bend) -> None:
        super().__init__()
        self._sandbox = sandbox
        self._bend = bend

    async def execute_steps(
        self, package: Package, request: StepRequest, *, pace: Pace | None = None
    ) -> StepReport:
        return self._bend(await self._sandbox.execute_steps(package, request, pace=pace))


def wrong_end(report: StepReport) -> StepReport:
    """Tell another output than there was."""
    ended = report.report
    assert ended is not None
    assert isinstance(ended.outcome, Ok)
    return replace(report, report=replace(ended, fuel=ended.fuel + 1))


def wrong_from(place: int) -> Bend:
    """Tell of other states than there were, from one checkpoint on."""

    def bend(report: StepReport) -> StepReport:
        wrong = [Digest(bytes([place]) * 32)] * (len(report.roots) - place)
        return replace(report, roots=[*report.roots[:place], *wrong])

    return bend


@asynccontextmanager
async def judged(folder: Path, bend: Bend) -> AsyncGenerator[tuple[Agent, DisputeRecord]]:
    """Give the buyer and its dispute, after a liar has sold it a run and lost its stake."""
    async with neighbourhood(folder, 3, limit_s=90) as hood, trio.open_nursery() as nursery:
        sandboxes = [Sandbox(folder / f"sandbox{number}", workers=1) for number in range(3)]
        for sandbox in sandboxes:
            await nursery.start(sandbox.run)
            await sandbox.check()
        buyer = await hood.start(1, checks=sandboxes[0], by_stake=True)
        await hood.start(2, checks=sandboxes[1])
        liar = await hood.start(
            3, sells=Bent(sandboxes[2], bend), terms=settings(stake=STAKE, price=1_000)
        )
        await hood.wait_ready()
        await wait_until(lambda: buyer.requestor.stake_of(liar.node_id) > 0)
        job = await a_job(
            buyer,
            [STEPS.to_bytes(4, "little")],
            package_id=await buyer.blobs.put(LONG.data),
            plan=StepPlan(1, UNIT),
            fuel_max=10**11,
            price_max=10_000,
            verification=Audit(0),
            patience_s=20.0,
        )
        result = await buyer.requestor.buy(job)
        assert result.lies_caught == 1
        disputing = buyer.requestor.disputing
        await wait_until(lambda: any(one.state.is_over for one in disputing.records()))
        (record,) = disputing.records()
        yield buyer, record
        nursery.cancel_scope.cancel()


async def proof_of(buyer: Agent, record: DisputeRecord) -> WrongResultProof:
    """Return the proof that the watch looked at."""
    return decode_proof(await buyer.blobs.read(record.opening.proof_id))


def positions(proof: WrongResultProof) -> tuple[int | None, int | None]:
    """Return where a proof begins and stops."""
    points: list[Any] = [proof.start, proof.stop]
    start, stop = [None if point is None else point.position for point in points]
    return start, stop


@pytest.mark.parametrize(
    ("bend", "begins", "stops"),
    [
        (wrong_end, 28, None),
        (wrong_from(3), 8, 12),
        (wrong_from(0), None, 0),
    ],
    ids=["the end", "a step", "the beginning"],
)
async def test_the_watch_repeats_the_first_wrong_interval_alone(
    tmp_path: Path, bend: Bend, begins: int | None, stops: int | None
) -> None:
    async with judged(tmp_path, bend) as (buyer, record):
        assert record.state is DisputeState.SEIZED
        assert positions(await proof_of(buyer, record)) == (begins, stops)
