"""Somebody with few drops buys from several providers (SPEC.md section 9.6, *Channels*)."""

from pathlib import Path

import pytest

from fogbank_agent.market.orders import NoVerification, Quorum
from fogbank_dag_ledger.own_objects import ObjectState
from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.package import pack_module

from .neighbourhood import (
    BALANCE,
    EXAMPLES,
    Agent,
    Hasher,
    a_job,
    identity,
    neighbourhood,
    settings,
    wait_until,
)

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


async def test_the_authors_that_find_no_room_in_a_channel_are_paid_over_the_next(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 2, limit_s=60) as hood:
        buyer = await hood.start(1)
        seller = await hood.start(2, sells=Hasher(), terms=settings(price=1_000))
        await hood.wait_ready()
        module = (EXAMPLES / "sensor_statistics" / "sensor_statistics.wasm").read_bytes()
        for number in range(18):
            author = identity(100 + number)
            package = pack_module(
                module, name="task", version="1", author=author, royalty_ppm=100_000
            )
            job = await a_job(
                buyer,
                [bytes(300)],
                package_id=await buyer.blobs.put(package),
                verification=NoVerification(),
            )

            result = await buyer.requestor.buy(job)

            assert (result.paid_total, result.royalties_total) == (301, 30)

        # The first channel is given up by itself, and what was left in it comes back.
        await wait_until(lambda: len(states(buyer)) == 2 and ObjectState.SETTLED in states(buyer))
        old, new = buyer.ledger.channels.all()
        assert (old.paid, new.state) == (16 * 301, ObjectState.OPEN)
        await wait_until(lambda: buyer.ledger.wallet().balance == BALANCE - 16 * 301 - new.deposit)
        assert [one.unpaid for one in seller.journal.earnings()] == [0]


async def test_a_channel_that_is_closed_after_the_job_stays_closed_until_the_next(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 2, limit_s=60) as hood:
        buyer = await hood.start(1)
        seller = await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        job = await a_job(buyer, [b"x"], verification=NoVerification())
        assert (await buyer.requestor.buy(job)).completed == 1
        (channel,) = buyer.ledger.channels.all()
        assert seller.provider is not None
        await wait_until(lambda: seller.journal.earnings()[0].unpaid == 0)

        await seller.provider.close_channels()
        await buyer.ledger.channels.wait_settled(channel.id)
        # Any news of the account makes the buyer look at its channels.
        for _ in range(3):
            await buyer.ledger.wait_final(await buyer.ledger.pay([(seller.node_id, 1)]))
        assert states(buyer) == [ObjectState.SETTLED]

        assert (await buyer.requestor.buy(job)).completed == 1
        assert ObjectState.OPEN in states(buyer)


def states(buyer: Agent) -> list[ObjectState]:
    return [view.state for view in buyer.ledger.channels.all()]
