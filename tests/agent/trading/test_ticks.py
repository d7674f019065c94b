"""Long runs between agents: paid while they go on, with real sandboxes (SPEC.md 9.5, 9.6)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from tests.wasm_tasks.packages import package, reactor

from fogbank_agent.market.job_request import JobRequest
from fogbank_agent.market.orders import NoVerification
from fogbank_agent.market.story import RunProgressed
from fogbank_agent.trading.requestor import JobEvent
from fogbank_wasm_tasks.sandbox.pool import Sandbox

from .neighbourhood import Agent, Neighbourhood, a_job, neighbourhood, settings, wait_until

pytestmark = pytest.mark.slow

PRICE = 1_000
LONG = package(reactor("loop br 0 end i64.const 0"))
"""It runs until its fuel is used up, and never calls the host."""


@asynccontextmanager
async def two_agents(folder: Path) -> AsyncGenerator[tuple[Neighbourhood, Agent, Agent]]:
    """Give a buyer and a seller with a sandbox, and a channel between them."""
    async with neighbourhood(folder, 2, limit_s=60) as hood:
        sandbox = Sandbox(folder / "sandbox", workers=1)
        async with trio.open_nursery() as nursery:
            await nursery.start(sandbox.run)
            await sandbox.check()
            buyer = await hood.start(1)
            seller = await hood.start(2, sells=sandbox, terms=settings(price=PRICE))
            await hood.wait_ready()
            yield hood, buyer, seller
            nursery.cancel_scope.cancel()


async def a_long_job(buyer: Agent, fuel: int) -> JobRequest:
    """Return a job of one run that uses ``fuel``."""
    return await a_job(
        buyer,
        [b"long"],
        package_id=await buyer.blobs.put(LONG.data),
        fuel_max=fuel,
        verification=NoVerification(),
    )


async def test_a_long_run_is_paid_while_it_goes_on(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (_, buyer, seller):
        send, receive = trio.open_memory_channel[JobEvent](10_000)
        fuel = 10**9
        result = await buyer.requestor.buy(await a_long_job(buyer, fuel), send)
        send.close()

        (run,) = result.runs
        assert (run.reason, run.outcome, run.fuel) == (None, "out of fuel", fuel)
        assert result.paid_total == PRICE + 1
        (attempt,) = run.attempts
        assert attempt.accepted
        assert (attempt.price, attempt.fuel, attempt.paid) == (PRICE, fuel, PRICE + 1)
        stated = [
            event.what.fuel async for event in receive if isinstance(event.what, RunProgressed)
        ]
        assert len(stated) > 2
        assert stated == sorted(stated)
        await wait_until(lambda: sum(one.paid for one in seller.journal.earnings()) == PRICE + 1)
        (earned,) = seller.journal.earnings()
        assert (earned.fuel, earned.unpaid) == (fuel, 0)
        assert "of the bill, due then" in "\n".join(buyer.journal.why(run.run_id))


async def test_a_cancelled_run_is_paid_as_far_as_it_was_stated(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (_, buyer, seller):
        send, receive = trio.open_memory_channel[JobEvent](10_000)
        async with trio.open_nursery() as nursery:
            job = await a_long_job(buyer, 10**12 // 2)
            nursery.start_soon(buyer.requestor.buy, job, send)
            stated = 0
            async for event in receive:
                if isinstance(event.what, RunProgressed):
                    stated = event.what.fuel
                    if stated > 2 * 10**8:
                        break
            nursery.cancel_scope.cancel()
        await wait_until(lambda: sum(one.paid for one in seller.journal.earnings()) > 0)
        await wait_until(lambda: sum(one.unpaid for one in seller.journal.earnings()) == 0)
        (earned,) = seller.journal.earnings()
        # One more statement may have been on its way.
        assert stated * PRICE // 10**9 <= earned.paid
        assert earned.paid == sum(
            buyer.requestor.given(view.id) for view in buyer.ledger.channels.all()
        )
