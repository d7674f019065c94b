"""Step tasks that move: one provider begins, another ends, both are paid (SPEC.md 9.5)."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.wasm_tasks.packages import counting_steps, package

from fogbank_agent.market.job_request import JobRequest
from fogbank_agent.market.job_result import JobResult
from fogbank_agent.market.orders import Audit, NoVerification, Verification
from fogbank_agent.market.pricing import bill
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.story import StateKept
from fogbank_agent.trading.requestor import JobEvent
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.terms import StepPlan

from .neighbourhood import Agent, Neighbourhood, a_job, neighbourhood, settings, wait_until

pytestmark = pytest.mark.slow

LONG = package(counting_steps(400_000))
STEPS = 1_600


@dataclass
class Town:
    """A buyer and two sellers, each with a sandbox, all with channels."""

    hood: Neighbourhood
    buyer: Agent
    sellers: list[Agent]


@asynccontextmanager
async def town(folder: Path, prices: tuple[int, int] = (1_000, 1_500)) -> AsyncGenerator[Town]:
    """Give a town in which the first seller is cheaper."""
    async with neighbourhood(folder, 3, limit_s=90) as hood, trio.open_nursery() as nursery:
        sandboxes = [Sandbox(folder / f"sandbox{number}", workers=1) for number in range(3)]
        for sandbox in sandboxes:
            await nursery.start(sandbox.run)
            await sandbox.check()
        buyer = await hood.start(1, checks=sandboxes[0])
        sellers = [
            await hood.start(number + 2, sells=sandboxes[number + 1], terms=settings(price=price))
            for number, price in enumerate(prices)
        ]
        await hood.wait_ready()
        # A job so dear that nobody takes it opens the channels.
        await buyer.requestor.buy(await a_step_job(buyer, 1))
        await wait_until(lambda: sum(view.deposit > 0 for view in buyer.ledger.channels.all()) == 2)
        yield Town(hood, buyer, sellers)
        nursery.cancel_scope.cancel()


async def a_step_job(
    buyer: Agent, steps: int, verification: Verification | None = None
) -> JobRequest:
    return await a_job(
        buyer,
        [steps.to_bytes(4, "little")],
        package_id=await buyer.blobs.put(LONG.data),
        plan=StepPlan(1, 4),
        fuel_max=10**11,
        price_max=10_000,
        verification=verification or NoVerification(),
        patience_s=20.0,
    )


async def buy_and_disturb(
    one: Town, disturb: Callable[[Agent], Any], verification: Verification | None = None
) -> JobResult:
    """Buy a long run; once a state of it is handed out, ``disturb`` the seller that is at work.

    The sellers are then in the order in which they worked: whose bid comes in time is chance.
    """
    send, receive = trio.open_memory_channel[JobEvent](10_000)
    results: list[JobResult] = []

    async def buy() -> None:
        job = await a_step_job(one.buyer, STEPS, verification)
        results.append(await one.buyer.requestor.buy(job, send))
        send.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(buy)
        async for event in receive:
            if isinstance(event.what, StateKept):
                at_work = event.what.provider
                one.sellers.sort(key=lambda seller: seller.node_id != at_work)
                break
        disturb(one.sellers[0])
        async for _ in receive:
            pass
    return results[0]


async def test_a_state_that_is_on_its_way_when_the_job_is_cancelled_is_not_kept_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fogbank_agent.trading.requestor.OUTPUT_KEPT_S", 0.1)
    async with town(tmp_path) as one:
        blobs = one.buyer.blobs
        await wait_until(lambda: blobs.pinned_count == 0)
        job = await a_step_job(one.buyer, STEPS)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.buyer.requestor.buy, job)
            # The package, the input, and the first state.
            while blobs.pinned_count < 3:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        await wait_until(lambda: blobs.pinned_count == 0)


def check_moved(one: Town, result: JobResult, why: Reason) -> None:
    """Check that both sellers did their parts, and are paid for these."""
    (run,) = result.runs
    assert (run.reason, run.outcome) == (None, "ok")
    first, second = run.attempts
    assert (first.provider, first.failure) == (one.sellers[0].node_id, why)
    assert (second.provider, second.failure) == (one.sellers[1].node_id, None)
    story = "\n".join(one.buyer.journal.why(run.run_id))
    assert "goes on from step" in story
    totals = {line.provider: line for line in result.providers}
    begun, ended = (totals[seller.node_id] for seller in one.sellers)
    assert begun.paid > 0
    assert 0 < ended.fuel < run.fuel
    assert one.sellers[1].provider is not None
    assert ended.paid == bill(ended.fuel, one.sellers[1].provider.status().price, 1)


async def test_a_run_whose_provider_dies_is_ended_by_another(tmp_path: Path) -> None:
    async with town(tmp_path) as one:
        result = await buy_and_disturb(one, lambda seller: seller.scope.cancel())
        check_moved(one, result, Reason.PROVIDER_LOST)


async def test_a_run_whose_provider_is_paused_is_ended_by_another(tmp_path: Path) -> None:
    def pause(seller: Agent) -> None:
        assert seller.provider is not None
        seller.provider.pause()

    async with town(tmp_path) as one:
        result = await buy_and_disturb(one, pause, Audit(1_000_000))
        check_moved(one, result, Reason.PAUSED)
        assert "Run again here" in "\n".join(one.buyer.journal.why(result.runs[0].run_id))
