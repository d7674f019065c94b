"""Payments over restarts: everything owed is paid once, and every provider hears of it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import trio
from tests.full_disk import full_disk

from fogbank_agent.limits import CHANNELS_LOOK_S, PROVIDER_ABSENT_S, SETTLEMENT_RETRY_S
from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.purse import Purse
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.settlements import Settlement, decode_settlement
from fogbank_agent.market.tally import Bill
from fogbank_agent.trading.bill_book import BillBook
from fogbank_agent.trading.journal import Journal
from fogbank_agent.trading.paying_channels import PayingChannels
from fogbank_agent.trading.payments import Payments, VoucherGiven
from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.own_objects import ChannelView, ObjectState
from fogbank_dag_ledger.participation.issuing_state import Issuing
from fogbank_dag_ledger.service.views import LedgerNews, WalletView
from fogbank_dag_ledger.statements import is_voucher
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import Identity, NetworkId, NodeId
from fogbank_protocol.node.node import CallRefused, Node, PeerGone

from .channel_views import NETWORK, Views, a_channel
from .neighbourhood import wait_until

PAYER = Identity.from_seed(b"a" * 32)
OWN, ANN, BEN = PAYER.node_id, NodeId(b"a" * 32), NodeId(b"b" * 32)
AUTHOR = NodeId(b"w" * 32)
ONE, TWO, THREE = (AgreementId(bytes([number]) * 32) for number in (1, 2, 3))
LOT = b"l" * 16


@dataclass(slots=True)
class Wallet:
    """An account about which there is no news."""

    balance: int = 0

    def wallet(self) -> WalletView:
        return WalletView(self.balance, 0, 0, 0, Issuing())

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[trio.MemoryReceiveChannel[LedgerNews]]:
        send, receive = trio.open_memory_channel[LedgerNews](1)
        async with send, receive:
            yield receive

    async def wait_final(self, vertex_id: VertexId) -> None:
        await trio.lowlevel.checkpoint()


@dataclass(slots=True)
class Peers:
    """Providers that answer settlements, when they are there."""

    node_id: NodeId = OWN
    network: NetworkId = NETWORK
    here: bool = True
    refuses: set[ObjectId] = field(default_factory=set[ObjectId])
    """Channels whose vouchers do not count any more."""

    told: list[tuple[NodeId, Settlement]] = field(default_factory=list[tuple[NodeId, Settlement]])

    def peers(self) -> list[SimpleNamespace]:
        """Return who is connected."""
        return [SimpleNamespace(node_id=ANN), SimpleNamespace(node_id=BEN)] if self.here else []

    async def request(self, peer: NodeId, method: str, body: bytes, *, timeout_s: float) -> bytes:
        """Answer a settlement."""
        assert method == "market.settle"
        await trio.lowlevel.checkpoint()
        if not self.here:
            raise PeerGone(peer)
        settlement = decode_settlement(body)
        if settlement.payment is not None and settlement.payment.channel in self.refuses:
            raise CallRefused("refused", "bad_voucher")
        self.told.append((peer, settlement))
        return encode([])

    def totals(self) -> list[tuple[NodeId, int]]:
        """Return whom which vouchers were shown."""
        return [(peer, one.payment.voucher.total) for peer, one in self.told if one.payment]


@dataclass(slots=True)
class World:
    """One life of an agent's payments."""

    peers: Peers
    views: Views
    payments: Payments
    channels: PayingChannels
    purse: Purse
    given: list[VoucherGiven]


def views(*providers: NodeId) -> Views:
    return Views(
        [a_channel(OWN, provider, bytes([number])) for number, provider in enumerate(providers)]
    )


@asynccontextmanager
async def life(
    folder: Path, ledger: Views, peers: Peers, balance: int = 0
) -> AsyncGenerator[World]:
    """Run payments; leaving ends that life."""
    journal = Journal(folder / "journal")
    given: list[VoucherGiven] = []
    purse = Purse(lambda: 1_000)
    channels = PayingChannels(
        cast("Node", peers),
        Wallet(balance),
        ledger,
        PAYER,
        journal,
        deposit=1_000,
        beats=10,
        on_change=lambda: None,
    )
    payments = Payments(cast("Node", peers), channels, BillBook(journal), purse, given.append)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(channels.run)
            await nursery.start(payments.run)
            yield World(peers, ledger, payments, channels, purse, given)
            nursery.cancel_scope.cancel()
    finally:
        journal.close()


async def test_bills_are_paid_with_one_voucher_and_told(tmp_path: Path) -> None:
    async with life(tmp_path, views(ANN), Peers()) as world:
        world.payments.owe(ANN, LOT, Bill(ONE, 10))
        world.payments.owe(ANN, LOT, Bill(TWO, 5, AUTHOR, 2))
        world.payments.owe(BEN, LOT, Bill(THREE, 0))
        assert world.purse.owed == 15
        await world.payments.wait_settled()
        ((peer, settlement),) = world.peers.told
        assert (peer, settlement.accepted) == (ANN, (ONE, TWO))
        assert settlement.payment is not None
        voucher = settlement.payment.voucher
        assert (voucher.total, voucher.count, voucher.split) == (15, 1, ((AUTHOR, 2),))
        assert is_voucher(OWN, NETWORK, settlement.payment.channel, voucher)
        assert [one.provider for one in world.given] == [ANN]
        assert (world.purse.owed, world.channels.left(ANN)) == (0, 985)


async def test_what_has_no_channel_is_paid_when_there_is_one(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    async with life(tmp_path, views(), Peers()) as world:
        world.payments.owe(ANN, LOT, Bill(ONE, 10))
        world.payments.want_now()
        await trio.sleep(1)
        assert (world.peers.told, world.purse.owed) == ([], 10)
        world.views.channels.append(a_channel(OWN, ANN))
        world.channels.look()
        await trio.sleep(SETTLEMENT_RETRY_S)
        # The journal writes in a thread, for which the clock of the test does not wait.
        await wait_until(lambda: world.peers.totals() == [(ANN, 10)])


async def test_what_is_owed_when_no_job_is_left_gets_a_channel_of_its_own(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    async with life(tmp_path, Views(opens=OWN), Peers(), balance=80) as world:
        world.payments.owe(ANN, LOT, Bill(ONE, 30))
        await world.payments.wait_paid([(ONE, ANN)])
        # Not an eighth of the wallet, but what is owed.
        assert [view.deposit for view in world.views.channels] == [30]


async def test_no_more_is_paid_than_the_channel_has(tmp_path: Path) -> None:
    async with life(tmp_path, views(ANN), Peers()) as world:
        world.payments.owe(ANN, LOT, Bill(ONE, 600))
        world.payments.owe(ANN, LOT, Bill(TWO, 600))
        world.payments.want_now()
        await wait_until(lambda: world.peers.totals() == [(ANN, 600)])
        assert world.purse.owed == 600


async def test_the_next_life_pays_what_this_one_owes_and_nothing_twice(tmp_path: Path) -> None:
    ledger, peers = views(ANN), Peers()
    async with life(tmp_path, views(), peers) as world:
        world.payments.owe(ANN, LOT, Bill(ONE, 10, AUTHOR, 3))
    async with life(tmp_path, ledger, peers) as world:
        await world.payments.wait_settled()
    async with life(tmp_path, ledger, peers) as world:
        world.payments.owe(ANN, LOT, Bill(ONE, 10, AUTHOR, 3))
        world.payments.owe(ANN, LOT, Bill(TWO, 5, AUTHOR, 1))
        await world.payments.wait_settled()
        assert world.channels.left(ANN) in (975, 985)
    assert peers.totals()[0] == (ANN, 10)
    counts = [one.payment.voucher.count for _, one in peers.told if one.payment]
    assert counts == sorted(set(counts)), "two vouchers of one count"


async def test_a_voucher_that_nobody_was_told_of_is_told_in_the_next_life(tmp_path: Path) -> None:
    ledger, peers = views(ANN), Peers(here=False)
    async with life(tmp_path, ledger, peers) as world:
        for number, one in enumerate((ONE, TWO, THREE), start=1):
            world.payments.owe(ANN, LOT, Bill(one, number))
            await world.payments.wait_paid([(one, ANN)])
        assert [given.payment.voucher.total for given in world.given] == [1, 3, 6]
    peers.here = True
    async with life(tmp_path, ledger, peers) as world:
        await world.payments.wait_settled()
        assert world.given == [], "nothing is signed anew"
        ((_, settlement),) = peers.told
        assert settlement.accepted == (ONE, TWO, THREE)
        assert peers.totals() == [(ANN, 6)]


async def test_no_voucher_leaves_before_it_is_on_disk(tmp_path: Path) -> None:
    async with life(tmp_path, views(ANN), Peers()) as world:
        with full_disk(1):
            world.payments.owe(ANN, LOT, Bill(ONE, 10))
            await world.payments.wait_paid([(ONE, ANN)])
            await trio.testing.wait_all_tasks_blocked()
            assert world.peers.told == []
        world.payments.greet(ANN)
        await world.payments.wait_settled()
        assert world.peers.totals() == [(ANN, 10)]


async def test_a_provider_that_is_away_is_told_when_it_comes_back(tmp_path: Path) -> None:
    peers = Peers(here=False)
    async with life(tmp_path, views(ANN), peers) as world:
        world.payments.refuse(ONE, ANN, Reason.WRONG_RESULT)
        await trio.testing.wait_all_tasks_blocked()
        # Nobody waits for one that is away.
        await world.payments.wait_settled()
        assert peers.told == []
    async with life(tmp_path, views(ANN), peers) as world:
        peers.here = True
        world.payments.greet(ANN)
        await world.payments.wait_settled()
        assert peers.told == [(ANN, Settlement(None, (), ((ONE, Reason.WRONG_RESULT),)))]
    async with life(tmp_path, views(ANN), peers) as world:
        await world.payments.wait_settled()
        assert len(peers.told) == 1, "told again after it was answered"


async def test_a_bill_in_doubt_is_not_paid(tmp_path: Path) -> None:
    for _ in range(2):
        async with life(tmp_path, views(ANN), Peers()) as world:
            world.payments.owe(ANN, LOT, Bill(ONE, 10))
            world.payments.withdraw(ONE, ANN)
            await world.payments.wait_settled()
            assert world.given == []


def settled(channel: ChannelView, paid: int) -> ChannelView:
    return replace(channel, state=ObjectState.SETTLED, paid=paid)


async def test_what_a_channel_was_settled_without_is_paid_over_the_next(tmp_path: Path) -> None:
    """Its provider has closed it between the last two vouchers, of which it knew the first."""
    ledger, peers = views(ANN), Peers()
    (first,) = ledger.channels
    async with life(tmp_path, ledger, peers) as world:
        world.payments.owe(ANN, LOT, Bill(ONE, 10))
        await world.payments.wait_settled()
        peers.refuses.add(first.id)
        world.payments.owe(ANN, LOT, Bill(TWO, 5, AUTHOR, 2))
        await world.payments.wait_paid([(TWO, ANN)])
        world.payments.refuse(THREE, ANN, Reason.WRONG_RESULT)
    ledger.channels[:] = [settled(first, 10), a_channel(OWN, ANN, b"d")]
    async with life(tmp_path, ledger, peers) as world:
        await world.payments.wait_settled()
    async with life(tmp_path, ledger, peers) as world:
        await world.payments.wait_settled()
        assert world.given == []
    (_, before), (_, refusal), (_, after) = peers.told
    assert (before.accepted, refusal.refused) == ((ONE,), ((THREE, Reason.WRONG_RESULT),))
    assert after.accepted == (TWO,)
    assert after.payment is not None
    voucher = after.payment.voucher
    assert (voucher.total, voucher.split) == (5, ((AUTHOR, 2),))
    assert after.payment.channel == ledger.channels[1].id


async def test_what_a_channel_was_settled_with_is_paid_though_nobody_said_so(
    tmp_path: Path,
) -> None:
    ledger, peers = views(ANN), Peers()
    (first,) = ledger.channels
    async with life(tmp_path, ledger, peers) as world:
        peers.refuses.add(first.id)
        world.payments.owe(ANN, LOT, Bill(ONE, 10))
        await world.payments.wait_paid([(ONE, ANN)])
        ledger.channels[:] = [settled(first, 10), a_channel(OWN, ANN, b"d")]
        world.channels.look()
        world.payments.greet(ANN)
        await world.payments.wait_settled()
        assert (len(world.given), world.purse.owed, peers.told) == (1, 0, [])


async def test_a_voucher_that_is_refused_while_its_channel_is_open_is_shown_again(
    tmp_path: Path,
) -> None:
    ledger, peers = views(ANN), Peers()
    async with life(tmp_path, ledger, peers) as world:
        peers.refuses.add(ledger.channels[0].id)
        world.payments.owe(ANN, LOT, Bill(ONE, 10))
        await world.payments.wait_paid([(ONE, ANN)])
        await trio.testing.wait_all_tasks_blocked()
        assert peers.told == []
        peers.refuses.clear()
        world.payments.greet(ANN)
        await world.payments.wait_settled()
        assert peers.totals() == [(ANN, 10)]


async def test_a_channel_of_a_provider_that_is_gone_is_reclaimed_with_what_it_was_given(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    ledger, peers = views(ANN, BEN), Peers()
    async with life(tmp_path, ledger, peers) as world:
        world.payments.owe(ANN, LOT, Bill(ONE, 10, AUTHOR, 2))
        await world.payments.wait_paid([(ONE, ANN)])
        world.channels.want("a job", [BEN])
        await trio.sleep(2 * PROVIDER_ABSENT_S)
        assert ledger.reclaimed == [], "both are here"

        peers.here = False
        await trio.sleep(PROVIDER_ABSENT_S - CHANNELS_LOOK_S)
        assert ledger.reclaimed == []
        await trio.sleep(3 * CHANNELS_LOOK_S)

        # It is asked again for as long as the ledger does not show it; nobody else's channel is.
        assert set(ledger.reclaimed) == {ledger.channels[0].id}
        assert [(one.total, one.split) for one in ledger.posted[:1]] == [(10, ((AUTHOR, 2),))]
