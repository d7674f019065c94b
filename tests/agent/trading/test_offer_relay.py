"""A provider that a requestor only hears of, and dials when it has work (SPEC.md section 9.1)."""

from pathlib import Path

import pytest

from fogbank_agent.market.orders import NoVerification

from .neighbourhood import Hasher, a_job, identity, neighbourhood, wait_until

pytestmark = pytest.mark.slow


async def test_an_offer_reaches_a_neighbours_neighbour_who_buys_from_it(tmp_path: Path) -> None:
    members = [identity(number).node_id for number in (2, 3)]
    async with neighbourhood(tmp_path, 1, limit_s=60, rich=members) as hood:
        middle = await hood.start(1)
        # It accepts no channels, so that the provider cannot find it; and it asked for peers before
        # the provider came, and asks again in a minute.
        ann = await hood.start(2, listens=False)
        await wait_until(lambda: middle.node.is_connected(ann.node_id))
        ben = await hood.start(3, sells=Hasher())
        await wait_until(lambda: middle.node.is_connected(ben.node_id))
        for agent in hood.agents:
            await agent.ledger.wait_issuing()
        job = await a_job(ann, [b"x"], verification=NoVerification(), patience_s=40.0)
        result = await ann.requestor.buy(job)
        assert result.completed == 1
        assert ann.node.is_connected(ben.node_id)
