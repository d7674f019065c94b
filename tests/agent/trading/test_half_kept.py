"""What a provider has on its disk when it is killed between two steps (SPEC.md 9.5, 9.6)."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from tests.one_thread import one_thread

from fogbank_agent.market.run_messages import (
    RunEnded,
    decode_run_item,
    encode_run_opening,
)
from fogbank_agent.market.settlements import Payment, Settlement, encode_settlement
from fogbank_dag_ledger.own_objects import ChannelView
from fogbank_dag_ledger.service.disk import VOUCHERS_NAME
from fogbank_dag_ledger.statements import sign_voucher
from fogbank_protocol.node.node import CallTimedOut

from .neighbourhood import (
    BALANCE,
    Agent,
    Hasher,
    Neighbourhood,
    example_package,
    neighbourhood,
    wait_until,
)
from .test_hostile_peers import MALLORY, Customer, open_channel, raw_node

pytestmark = pytest.mark.slow


@dataclass
class Shop:
    """A seller, its customer, and the channel between them."""

    hood: Neighbourhood
    customer: Customer
    seller: Agent
    folder: Path
    """The seller's."""

    @property
    def channel(self) -> ChannelView:
        (view,) = self.seller.ledger.channels.all()
        return view

    def settlement(self, drops: int) -> bytes:
        """Return a voucher of so many drops for nothing in particular."""
        named, network = self.channel.id, self.hood.genesis.network
        voucher = sign_voucher(
            MALLORY, network, named, lane=0, total=drops, count=1, root=bytes(32), split=[]
        )
        return encode_settlement(Settlement(Payment(named, voucher), (), ()))

    async def settle(self, drops: int, *, timeout_s: float = 5) -> None:
        """Show it to the seller."""
        await self.customer.node.request(
            self.seller.node_id, "market.settle", self.settlement(drops), timeout_s=timeout_s
        )

    def due(self) -> int:
        """Return how many bills are due by the seller's disk, and not its memory."""
        with closing(sqlite3.connect(self.folder / "journal.sqlite")) as file:
            ((count,),) = file.execute("SELECT count(*) FROM dues").fetchall()
            assert isinstance(count, int)
            return count


@asynccontextmanager
async def a_shop(folder: Path) -> AsyncGenerator[Shop]:
    async with (
        neighbourhood(folder, 1, rich=(MALLORY.node_id,)) as hood,
        trio.open_nursery() as nursery,
    ):
        seller = await hood.start(1, sells=Hasher())
        await seller.blobs.put(example_package())
        node = await raw_node(hood, nursery)
        await open_channel(hood, nursery, node, seller, folder / "mallory")
        yield Shop(hood, Customer(hood, node, seller), seller, folder / seller.node_id.hex()[:8])
        nursery.cancel_scope.cancel()


async def wait_closed(seller: Agent, drops: int) -> None:
    """Have ``seller`` close its channels, and wait until they brought so many ``drops``."""
    assert seller.provider is not None
    await seller.provider.close_channels()
    await wait_until(lambda: seller.ledger.wallet().balance == BALANCE + drops)


async def test_what_is_earned_is_on_disk_before_the_receipt_leaves(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        customer = shop.customer
        opening = customer.opening(*await customer.ask(customer.order()))
        body = encode_run_opening(opening)
        async with customer.node.stream(
            shop.seller.node_id, "market.run", body, timeout_s=5
        ) as items:
            async for item in items:
                if isinstance(decode_run_item(item), RunEnded):
                    assert shop.due() == 1
                    return
        raise AssertionError


async def test_nothing_is_due_for_a_receipt_that_is_cancelled_before_it_leaves(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path) as shop:
        customer, who = shop.customer, MALLORY.node_id
        assert shop.seller.provider is not None
        debts = shop.seller.provider.debts

        async def open_run(salt: bytes) -> bytes:
            order = customer.order(salt=salt)
            return encode_run_opening(customer.opening(*await customer.ask(order)))

        opening = await open_run(b"0" * 16)
        async with customer.node.stream(
            shop.seller.node_id, "market.run", opening, timeout_s=5
        ) as items:
            last = [decode_run_item(item) async for item in items][-1]
        assert isinstance(last, RunEnded)
        due = debts.debt(who)
        assert due > 0, "it has left, so it is due"

        opening = await open_run(b"1" * 16)
        with one_thread() as thread:
            async with thread:
                async with customer.node.stream(
                    shop.seller.node_id, "market.run", opening, timeout_s=5
                ):
                    await wait_until(lambda: debts.debt(who) > due)
                await trio.testing.wait_all_tasks_blocked()
            await wait_until(lambda: debts.debt(who) == due)
        await wait_until(lambda: shop.due() == 1)


async def test_a_voucher_counts_though_the_seller_was_killed_before_its_ledger_had_it(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path) as shop:
        await shop.settle(700)
        shop.seller.scope.cancel()
        await shop.seller.ended.wait()
        (shop.folder / "ledger" / VOUCHERS_NAME).unlink()
        again = await shop.hood.start(1, sells=Hasher())
        await again.ledger.wait_issuing()
        await wait_closed(again, 700)


async def test_a_voucher_counts_though_its_payer_did_not_wait_for_the_answer(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path) as shop:
        with one_thread() as thread:
            async with thread:
                with pytest.raises(CallTimedOut):
                    await shop.settle(700, timeout_s=0.1)
                await trio.testing.wait_all_tasks_blocked()
        await wait_closed(shop.seller, 700)
