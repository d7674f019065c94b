"""A liar that sells a run of a step task, and loses its stake for it: for tests and benchmarks."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import trio

from fogbank_agent.market.orders import Audit
from fogbank_agent.market.story import ResultArrived, ResultRefused, RunPlaced, StoryEvent
from fogbank_agent.trading.dispute_book import DisputeRecord
from fogbank_agent.trading.requestor import JobEvent
from fogbank_wasm_tasks.errors import SandboxBusy
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import Pace
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.requests import StepReport, StepRequest
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.terms import StepPlan

from .neighbourhood import Agent, Hasher, a_job, neighbourhood, settings, wait_until
from .test_moving import LONG

STAKE = 100_000
Bend = Callable[[StepReport], StepReport]


@dataclass
class Case:
    """A dispute that is over."""

    buyer: Agent
    record: DisputeRecord
    run_s: float
    """From the agreement to the result."""

    seconds: float
    """From the result found wrong to the dispute's end."""


class Bent(Hasher):
    """A sandbox whose owner changes what runs of step tasks come to."""

    def __init__(self, sandbox: Sandbox, bend: Bend, answers: bool) -> None:
        super().__init__()
        self._answers = answers
        self._sandbox = sandbox
        self._bend = bend

    async def execute_steps(
        self, package: Package, request: StepRequest, *, pace: Pace | None = None
    ) -> StepReport:
        if request.until is not None and not self._answers:
            raise SandboxBusy
        report = await self._sandbox.execute_steps(package, request, pace=pace)
        return report if report.report is None else self._bend(report)


def wrong_end(report: StepReport) -> StepReport:
    """Tell more fuel than there was."""
    ended = report.report
    assert ended is not None
    return replace(report, report=replace(ended, fuel=ended.fuel + 1))


def wrong_from(place: int) -> Bend:
    """Tell of other states than there were, from one checkpoint on."""

    def bend(report: StepReport) -> StepReport:
        wrong = [Digest(bytes([place % 256]) * 32)] * (len(report.roots) - place)
        return replace(report, roots=[*report.roots[:place], *wrong])

    return bend


def fewer_states(report: StepReport) -> StepReport:
    """Tell of two steps less than there were."""
    return replace(report, states=report.states - 2)


@asynccontextmanager
async def judged(
    folder: Path,
    bend: Bend,
    *,
    steps: int,
    unit: int,
    answers: bool = True,
    limit_s: float = 90,
) -> AsyncGenerator[Case]:
    """Have a run of ``steps`` sold by a liar, with a checkpoint every ``unit``, and judged.

    It ``answers`` questions about single steps as if it were honest, or not at all.
    """
    async with neighbourhood(folder, 3, limit_s=limit_s) as hood, trio.open_nursery() as nursery:
        sandboxes = [Sandbox(folder / f"sandbox{number}", workers=1) for number in range(3)]
        for sandbox in sandboxes:
            await nursery.start(sandbox.run)
            await sandbox.check()
        buyer = await hood.start(1, checks=sandboxes[0])
        await hood.start(2, checks=sandboxes[1])
        liar = await hood.start(
            3, sells=Bent(sandboxes[2], bend, answers), terms=settings(stake=STAKE, price=1_000)
        )
        await hood.wait_ready()
        await wait_until(lambda: buyer.requestor.stake_of(liar.node_id) > 0)
        job = await a_job(
            buyer,
            [steps.to_bytes(4, "little")],
            package_id=await buyer.blobs.put(LONG.data),
            plan=StepPlan(1, unit),
            fuel_max=10**11,
            price_max=10_000,
            verification=Audit(0),
            patience_s=20.0,
        )
        send, receive = trio.open_memory_channel[JobEvent](10_000)
        refused_at: list[float] = []
        at_ms: dict[type[StoryEvent], int] = {}

        async def listen() -> None:
            async for event in receive:
                at_ms.setdefault(type(event.what), event.at_ms)
                if isinstance(event.what, ResultRefused):
                    refused_at.append(trio.current_time())

        nursery.start_soon(listen)
        result = await buyer.requestor.buy(job, send)
        assert result.lies_caught == 1
        disputing = buyer.requestor.disputing
        await wait_until(lambda: any(one.state.is_over for one in disputing.records()))
        (record,) = disputing.records()
        run_s = (at_ms[ResultArrived] - at_ms[RunPlaced]) / 1_000
        yield Case(buyer, record, run_s, trio.current_time() - refused_at[0])
        nursery.cancel_scope.cancel()
