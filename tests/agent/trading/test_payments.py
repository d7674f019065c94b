"""Payments over restarts: everything owed is paid once, and every provider hears of it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import trio

from fogbank_agent.limits import SETTLEMENT_RETRY_S
from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.purse import Purse
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.settlements import Settlement, decode_settlement
from fogbank_agent.trading.bill_book import BillBook
from fogbank_agent.trading.journal import Journal
from fogbank_agent.trading.payments import Payments, Transfer
from fogbank_dag_ledger.own_account import PaymentView
from fogbank_dag_ledger.service.failures import NotIssuing
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.vertex import VertexId
from fogbank_dag_ledger.wallet import AccountForked, InsufficientFunds, WindowFull
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.node import Node, PeerGone

OWN, ANN, BEN = (NodeId(letter * 32) for letter in (b"o", b"a", b"b"))
ONE, TWO, THREE = (AgreementId(bytes([number]) * 32) for number in (1, 2, 3))
RUN = b"r" * 16


@dataclass(slots=True)
class Ledger:
    """A ledger that pays at once, or says that it cannot."""

    made: list[PaymentView] = field(default_factory=list[PaymentView])
    works: bool = True
    refusal: Exception = field(default_factory=lambda: NotIssuing("silent"))
    """Why it does not."""

    knows: trio.Event = field(default_factory=lambda: _set(trio.Event()))
    """Set once the whole own chain is known; what it holds is hidden before."""

    dies: bool = False
    """The process ends right after the transfer, before anybody knows."""

    paid: trio.Event = field(default_factory=trio.Event)

    async def pay(self, payments: Sequence[tuple[NodeId, int]]) -> VertexId:
        """Make a transfer."""
        await trio.lowlevel.checkpoint()
        if not self.works:
            raise self.refusal
        vertex_id = VertexId(len(self.made).to_bytes(32, "big"))
        ((recipient, amount),) = payments
        self.made.append(PaymentView(vertex_id, OWN, recipient, amount, False, 0))
        self.paid.set()
        if self.dies:
            raise KeyboardInterrupt
        return vertex_id

    def payments(self, count: int = 50) -> Sequence[PaymentView]:
        """Return the last ones, newest first."""
        if not self.knows.is_set():
            return []
        return self.made[::-1][:count]

    async def wait_issuing(self) -> None:
        """Return when the own chain is known."""
        await self.knows.wait()


def _set(event: trio.Event) -> trio.Event:
    event.set()
    return event


@dataclass(slots=True)
class Peers:
    """Providers that answer settlements, when they are there."""

    node_id: NodeId = OWN
    here: bool = True
    told: list[tuple[NodeId, Settlement]] = field(default_factory=list[tuple[NodeId, Settlement]])

    async def request(self, peer: NodeId, method: str, body: bytes, *, timeout_s: float) -> bytes:
        """Answer a settlement."""
        assert method == "market.settle"
        await trio.lowlevel.checkpoint()
        if not self.here:
            raise PeerGone(peer)
        self.told.append((peer, decode_settlement(body)))
        return encode([])


@dataclass(slots=True)
class World:
    """One life of an agent's payments."""

    ledger: Ledger
    peers: Peers
    payments: Payments
    journal: Journal
    purse: Purse
    transfers: list[Transfer]


@asynccontextmanager
async def life(folder: Path, ledger: Ledger, peers: Peers) -> AsyncGenerator[World]:
    """Run payments; leaving ends that life."""
    journal = Journal(folder / "journal")
    transfers: list[Transfer] = []
    purse = Purse(lambda: 1_000)
    payments = Payments(
        cast("Node", peers),
        cast("LedgerService", ledger),
        BillBook(journal),
        purse,
        transfers.append,
    )
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(payments.run)
            yield World(ledger, peers, payments, journal, purse, transfers)
            nursery.cancel_scope.cancel()
    finally:
        journal.close()


async def test_bills_are_paid_in_one_transfer_and_told(tmp_path: Path) -> None:
    async with life(tmp_path, Ledger(), Peers()) as world:
        world.payments.owe(ONE, ANN, RUN, 10)
        world.payments.owe(TWO, ANN, RUN, 5)
        world.payments.owe(THREE, BEN, RUN, 0)
        assert world.purse.owed == 15
        await world.payments.wait_paid([(ONE, ANN), (TWO, ANN)])
        await trio.testing.wait_all_tasks_blocked()
        assert [(one.recipient, one.amount) for one in world.ledger.made] == [(ANN, 15)]
        assert [one.provider for one in world.transfers] == [ANN]
        assert world.peers.told == [(ANN, Settlement(bytes(32), (ONE, TWO), ()))]
        assert world.purse.owed == 0


@pytest.mark.parametrize(
    "refusal",
    [
        NotIssuing("silent"),
        InsufficientFunds(10, 5),
        WindowFull("64 are not final yet"),
        AccountForked("its key was used twice"),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
async def test_what_cannot_be_paid_now_is_paid_later_and_nobody_waits_for_it(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, refusal: Exception
) -> None:
    del autojump_clock
    async with life(tmp_path, Ledger(works=False, refusal=refusal), Peers()) as world:
        world.payments.owe(ONE, ANN, RUN, 10)
        await world.payments.wait_paid([(ONE, ANN)])
        assert (world.ledger.made, world.purse.owed) == ([], 10)
        world.ledger.works = True
        await trio.sleep(SETTLEMENT_RETRY_S + 1)
        # The journal writes in a thread, for which the clock of the test does not wait.
        await world.ledger.paid.wait()
        assert [one.amount for one in world.ledger.made] == [10]


async def test_the_next_life_pays_what_this_one_owes(tmp_path: Path) -> None:
    ledger, peers = Ledger(), Peers()
    async with life(tmp_path, ledger, peers) as world:
        world.payments.owe(ONE, ANN, RUN, 10)
    async with life(tmp_path, ledger, peers) as world:
        await world.payments.wait_paid([(ONE, ANN)])
        assert [one.amount for one in ledger.made] == [10]
    async with life(tmp_path, ledger, peers) as world:
        world.payments.want_now()
        await trio.testing.wait_all_tasks_blocked()
        assert len(ledger.made) == 1


async def test_a_transfer_that_a_crash_hid_is_found_in_the_ledger(tmp_path: Path) -> None:
    ledger, peers = Ledger(dies=True), Peers()
    with pytest.raises(BaseExceptionGroup) as crash:
        await _owe_and_die(tmp_path, ledger, peers)
    assert crash.value.subgroup(KeyboardInterrupt)
    ledger.dies = False
    async with life(tmp_path, ledger, peers) as world:
        await trio.testing.wait_all_tasks_blocked()
        world.payments.want_now()
        await trio.testing.wait_all_tasks_blocked()
        assert len(ledger.made) == 1, "paid twice"
        assert peers.told == [(ANN, Settlement(bytes(32), (ONE,), ()))]


async def test_a_transfer_that_a_crash_hid_is_looked_for_when_the_own_chain_is_known(
    tmp_path: Path,
) -> None:
    ledger, peers = Ledger(dies=True), Peers()
    with pytest.raises(BaseExceptionGroup):
        await _owe_and_die(tmp_path, ledger, peers)
    ledger.dies, ledger.knows = False, trio.Event()
    async with life(tmp_path, ledger, peers) as world:
        world.payments.want_now()
        await trio.testing.wait_all_tasks_blocked()
        assert (len(ledger.made), peers.told) == (1, []), "decided before anything was known"
        ledger.knows.set()
        await trio.testing.wait_all_tasks_blocked()
        world.payments.want_now()
        await trio.testing.wait_all_tasks_blocked()
        assert len(ledger.made) == 1, "paid twice"
        assert peers.told == [(ANN, Settlement(bytes(32), (ONE,), ()))]


async def _owe_and_die(folder: Path, ledger: Ledger, peers: Peers) -> None:
    async with life(folder, ledger, peers) as world:
        world.payments.owe(ONE, ANN, RUN, 10)
        world.payments.want_now()
        await trio.sleep_forever()


async def test_a_transfer_that_was_never_made_is_made_after_a_crash(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    book = BillBook(journal)
    book.owe(ONE, ANN, RUN, 10)
    await book.begin_payment([ONE])
    journal.close()
    # An older transfer of the same amount belongs to other bills.
    ledger = Ledger()
    await ledger.pay([(ANN, 10)])
    journal = Journal(tmp_path / "journal")
    book = BillBook(journal)
    book.owe(TWO, ANN, RUN, 10)
    book.end_payment([TWO], bytes(32))
    book.tell(Settlement(bytes(32), (TWO,), ()))
    journal.close()

    async with life(tmp_path, ledger, Peers()) as world:
        await trio.testing.wait_all_tasks_blocked()
        await world.payments.wait_paid([(ONE, ANN)])
    assert [one.amount for one in ledger.made] == [10, 10]


async def test_a_provider_that_is_away_is_told_when_it_comes_back(tmp_path: Path) -> None:
    peers = Peers(here=False)
    async with life(tmp_path, Ledger(), peers) as world:
        world.payments.refuse(ONE, ANN, Reason.WRONG_RESULT)
        await trio.testing.wait_all_tasks_blocked()
        assert peers.told == []
    async with life(tmp_path, Ledger(), peers) as world:
        peers.here = True
        world.payments.greet(ANN)
        await trio.testing.wait_all_tasks_blocked()
        assert peers.told == [(ANN, Settlement(None, (), ((ONE, Reason.WRONG_RESULT),)))]
    async with life(tmp_path, Ledger(), peers) as world:
        await trio.testing.wait_all_tasks_blocked()
        assert len(peers.told) == 1, "told again after it was answered"


async def test_a_bill_in_doubt_is_not_paid(tmp_path: Path) -> None:
    async with life(tmp_path, Ledger(), Peers()) as world:
        world.payments.owe(ONE, ANN, RUN, 10)
        world.payments.withdraw(ONE, ANN)
        world.payments.want_now()
        await trio.testing.wait_all_tasks_blocked()
        assert world.ledger.made == []
    async with life(tmp_path, Ledger(), Peers()) as world:
        world.payments.want_now()
        await trio.testing.wait_all_tasks_blocked()
        assert world.ledger.made == []
