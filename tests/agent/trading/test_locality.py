"""Who has a large input already is preferred, over a real network (SPEC.md section 9.3)."""

from dataclasses import replace
from pathlib import Path

import pytest

from fogbank_agent.limits import SPEED_GUESS_FUEL_PER_S
from fogbank_agent.market.orders import NoVerification
from fogbank_agent.market.story import BidSeen, RunPlaced
from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import Pace, RunReport, RunRequest

from .neighbourhood import Agent, Hasher, a_job, neighbourhood, settings, wait_until

pytestmark = pytest.mark.slow

LARGE = [bytes([number]) * 4_000_000 for number in range(4)]
PRICE = 1_000
FUEL = 10**8


class Flat(Hasher):
    """Uses the same fuel for every input, at the speed that offers guess: nobody seems faster."""

    async def execute(
        self, package: Package | bytes, request: RunRequest, *, pace: Pace | None = None
    ) -> RunReport:
        report = await super().execute(package, request, pace=pace)
        return replace(report, fuel=FUEL, wall_s=FUEL / SPEED_GUESS_FUEL_PER_S)


async def buy(agent: Agent, data: bytes) -> tuple[NodeId, set[NodeId]]:
    """Buy a run; return who did it, and who else bid for it in time."""
    job = await a_job(agent, [data], verification=NoVerification(), price_max=PRICE)
    result = await agent.requestor.buy(job)
    assert result.runs[0].reason is None
    story = [event for _, event in agent.journal.story(result.runs[0].run_id)]
    [placed] = [event for event in story if isinstance(event, RunPlaced)]
    bids = {event.provider for event in story if isinstance(event, BidSeen)}
    return placed.provider, bids - {placed.provider}


async def test_the_one_that_has_the_input_beats_a_cheaper_one(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        near = await hood.start(1, sells=Flat(), terms=settings(price=PRICE))
        buyer = await hood.start(2)
        await hood.wait_ready()
        for data in LARGE:
            assert await buy(buyer, data) == (near.node_id, set())

        cheap = await hood.start(3, sells=Flat(), terms=settings(price=PRICE * 99 // 100))
        await hood.wait_ready()
        job = await a_job(buyer, [b"warm up"], verification=NoVerification(), price_max=PRICE)
        await buyer.requestor.buy(job)
        await wait_until(lambda: buyer.node_id in buyer.ledger.channel_funds(cheap.node_id))
        # On a busy machine one of the two may be late with its bid.
        small = [await buy(buyer, bytes([number])) for number in range(len(LARGE))]
        large = [await buy(buyer, data) for data in LARGE]
        assert (cheap.node_id, {near.node_id}) in small
        assert (near.node_id, {cheap.node_id}) not in small
        assert (near.node_id, {cheap.node_id}) in large
        assert (cheap.node_id, {near.node_id}) not in large
