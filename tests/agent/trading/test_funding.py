"""Somebody with few drops buys from several providers (SPEC.md section 9.6, *Channels*)."""

from pathlib import Path

import pytest

from fogbank_agent.market.orders import NoVerification, Quorum
from fogbank_protocol.identity import NodeId

from .neighbourhood import Agent, Hasher, a_job, neighbourhood, settings, wait_until

pytestmark = pytest.mark.slow

LITTLE = 1_600


def funds(buyer: Agent) -> dict[NodeId, int]:
    """Return what is in the channels of ``buyer``, by provider."""
    return {view.terms.provider: view.deposit for view in buyer.ledger.channels.all()}


async def test_a_newcomer_with_little_buys_from_all_that_are_there(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 1, limit_s=60) as hood:
        rich = await hood.start(1, sells=Hasher())
        for number in (3, 4):
            await hood.start(number, sells=Hasher())
        poor = await hood.start(2)
        await hood.wait_ready()
        await rich.ledger.pay([(poor.node_id, LITTLE)])
        await wait_until(lambda: poor.ledger.wallet().spendable == LITTLE)

        result = await poor.requestor.buy(await a_job(poor, [b"x"], verification=Quorum(2)))

        assert [run.reason for run in result.runs] == [None]
        await wait_until(lambda: list(funds(poor).values()) == [LITTLE // 8] * 3)


async def test_a_bill_larger_than_its_channel_is_paid_all_the_same(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 1, limit_s=60) as hood:
        seller = await hood.start(1, sells=Hasher(), terms=settings(price=1_000))
        poor = await hood.start(2)
        await hood.wait_ready()
        await seller.ledger.pay([(poor.node_id, LITTLE)])
        await wait_until(lambda: poor.ledger.wallet().spendable == LITTLE)
        # 300 million fuel at 1,000 drops: more than the eighth that is in the channel.
        job = await a_job(poor, [bytes(300)], verification=NoVerification())

        result = await poor.requestor.buy(job)

        assert result.paid_total == 301
        assert funds(poor)[seller.node_id] >= 301
