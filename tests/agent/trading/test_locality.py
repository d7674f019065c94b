"""Who has a large input already is preferred, over a real network (SPEC.md section 9.3)."""

from dataclasses import replace
from pathlib import Path

import pytest

from fogbank_agent.market.orders import NoVerification
from fogbank_agent.market.story import RunPlaced
from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import Pace, RunReport, RunRequest

from .neighbourhood import Agent, Hasher, a_job, neighbourhood, settings, wait_until

pytestmark = pytest.mark.slow

LARGE = bytes(4_000_000)
PRICE = 1_000


class Flat(Hasher):
    """Uses the same fuel for every input."""

    async def execute(
        self, package: Package | bytes, request: RunRequest, *, pace: Pace | None = None
    ) -> RunReport:
        return replace(await super().execute(package, request, pace=pace), fuel=10**8)


async def provider_of(agent: Agent, data: bytes) -> NodeId:
    """Buy a run and return who did it."""
    job = await a_job(agent, [data], verification=NoVerification(), price_max=PRICE)
    result = await agent.requestor.buy(job)
    assert result.runs[0].reason is None
    [placed] = [
        event
        for _, event in agent.journal.story(result.runs[0].run_id)
        if isinstance(event, RunPlaced)
    ]
    return placed.provider


async def test_the_one_that_has_the_input_beats_a_cheaper_one(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        near = await hood.start(1, sells=Flat(), terms=settings(price=PRICE))
        buyer = await hood.start(2)
        await hood.wait_ready()
        assert await provider_of(buyer, LARGE) == near.node_id

        cheap = await hood.start(3, sells=Flat(), terms=settings(price=PRICE - 1))
        await hood.wait_ready()
        job = await a_job(buyer, [b"warm up"], verification=NoVerification(), price_max=PRICE)
        await buyer.requestor.buy(job)
        await wait_until(lambda: buyer.node_id in buyer.ledger.channel_funds(cheap.node_id))
        assert await provider_of(buyer, b"little") == cheap.node_id
        assert await provider_of(buyer, LARGE) == near.node_id
