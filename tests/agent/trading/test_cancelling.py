"""What a cancelled job leaves behind: no debt that nobody knows of (SPEC.md 9.5, 9.6)."""

from pathlib import Path

import pytest
import trio

from fogbank_agent.market.orders import NoVerification

from .neighbourhood import Agent, Hasher, a_job, neighbourhood, settings, wait_until

pytestmark = pytest.mark.slow

INPUT = bytes(300)
JOBS = 8


async def buy(buyer: Agent, data: bytes) -> None:
    await buyer.requestor.buy(await a_job(buyer, [data], verification=NoVerification()))


async def test_an_honest_requestor_that_cancels_often_has_no_debt_in_the_end(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        buyer = await hood.start(1)
        seller = await hood.start(2, sells=Hasher(), terms=settings(price=1_000))
        await hood.wait_ready()
        assert seller.provider is not None
        debts = seller.provider.debts
        await buy(buyer, INPUT)
        await wait_until(lambda: debts.debt(buyer.node_id) == 0)

        for number in range(JOBS):
            before = debts.debt(buyer.node_id)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(buy, buyer, INPUT + bytes([number]))
                with trio.move_on_after(3):
                    # Cancelled as soon as the bill is written down, before the receipt is used.
                    while debts.debt(buyer.node_id) <= before:
                        await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            await wait_until(lambda: seller.journal.earned()[1] == 0)

        # What had left is refused, and made up for by later payments.
        for number in range(JOBS):
            await buy(buyer, INPUT + bytes([JOBS + number]))
        await wait_until(lambda: debts.debt(buyer.node_id) == 0)
