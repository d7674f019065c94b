"""Stakes behind results, among real agents (SPEC.md section 9.9)."""

from pathlib import Path

import pytest

from fogbank_agent.market.orders import Audit
from fogbank_agent.trading.staking import StakeRefused

from .neighbourhood import (
    BALANCE,
    Agent,
    Hasher,
    a_job,
    identity,
    neighbourhood,
    settings,
    wait_until,
)

pytestmark = pytest.mark.slow

STAKE = 50_000
WORTH = STAKE * 9 // 10
INPUT = bytes(20)


async def buy(agent: Agent, runs: int) -> None:
    """Buy ``runs``, audited as rarely as the record and the stake allow."""
    result = await agent.requestor.buy(await a_job(agent, [INPUT] * runs, verification=Audit(0)))
    assert [run.reason for run in result.runs] == [None] * runs


async def test_a_stake_is_opened_at_the_start_and_counts_until_it_leaves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "fogbank_agent.trading.staking")
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1, checks=Hasher())
        ben = await hood.start(2, sells=Hasher(), terms=settings(stake=STAKE))
        await hood.wait_ready()
        assert ben.provider is not None
        await wait_until(lambda: ann.requestor.stake_of(ben.node_id) == WORTH)
        staking = ben.provider.staking
        assert [view.amount for view in staking.stakes()] == [STAKE]
        assert ben.ledger.wallet().balance == BALANCE - STAKE
        assert ann.requestor.stake_of(ann.node_id) == 0
        assert "50,000 drops are at stake now" in caplog.text

        assert await staking.withdraw() == 1

        await wait_until(lambda: ann.requestor.stake_of(ben.node_id) == 0)
        assert staking.place() is None
        assert await staking.withdraw() == 0


async def test_after_a_restart_the_stake_is_the_same(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1, checks=Hasher())
        ben = await hood.start(2, sells=Hasher(), terms=settings(stake=STAKE))
        await wait_until(lambda: ann.requestor.stake_of(ben.node_id) == WORTH)
        ben.scope.cancel()
        await ben.ended.wait()
        await wait_until(lambda: ann.requestor.stake_of(ben.node_id) == 0)

        ben = await hood.start(2, sells=Hasher(), terms=settings(stake=2 * STAKE))

        assert ben.provider is not None
        await wait_until(lambda: ann.requestor.stake_of(ben.node_id) == WORTH)
        await buy(ann, 1)
        assert [view.amount for view in ben.provider.staking.stakes()] == [STAKE]


async def test_with_nothing_at_stake_every_result_is_audited_and_with_much_few_are(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        checks = Hasher()
        ann = await hood.start(1, checks=checks)
        ben = await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        assert ben.provider is not None
        for runs in (100, 1, 1, 1):
            await buy(ann, runs)
        assert checks.runs == 103

        await ben.provider.staking.open(STAKE)

        await wait_until(lambda: ann.requestor.stake_of(ben.node_id) == WORTH)
        # One in 103 and less: that all of the ten are drawn will not happen.
        for _ in range(10):
            await buy(ann, 1)
        assert checks.runs < 113


async def test_a_stake_that_cannot_be_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        await hood.start(1)
        ben = await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        assert ben.provider is not None
        with pytest.raises(StakeRefused, match="at least 1,000 drops"):
            await ben.provider.staking.open(999)
        with pytest.raises(StakeRefused, match="cannot be opened"):
            await ben.provider.staking.open(BALANCE + 1)


async def test_alone_nothing_can_be_staked(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 1) as hood:
        ann = await hood.start(1, sells=Hasher(), terms=settings(stake=STAKE))
        await ann.ledger.wait_issuing()
        assert ann.provider is not None
        with pytest.raises(StakeRefused, match="nobody could watch"):
            await ann.provider.staking.open(STAKE)


async def test_less_than_twice_the_stake_stays_free(tmp_path: Path) -> None:
    poor = identity(3).node_id
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1, checks=Hasher())
        await hood.start(2)
        cat = await hood.start(3, sells=Hasher(), terms=settings(stake=STAKE))
        await hood.wait_ready()
        await ann.ledger.pay([(poor, 2 * STAKE - 1)])
        await wait_until(lambda: cat.ledger.wallet().balance == 2 * STAKE - 1)
        assert cat.provider is not None
        assert not cat.provider.staking.stakes()

        await ann.ledger.pay([(poor, 1)])

        await wait_until(lambda: ann.requestor.stake_of(poor) == WORTH)
        assert cat.ledger.wallet().balance == STAKE
