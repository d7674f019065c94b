"""The ledger's service, several in one run: real files, real SQLite, a network in memory."""

from io import BytesIO
from pathlib import Path

import pytest
import trio

from fogbank_dag_ledger.messages import VERTICES, encode_vertices
from fogbank_dag_ledger.own_account import PaymentFinal, PaymentReceived
from fogbank_dag_ledger.own_log_format import read_records
from fogbank_dag_ledger.participation.issuing_state import (
    Issuing,
    IssuingChanged,
    Silent,
    Stopped,
)
from fogbank_dag_ledger.service.disk import OWN_LOG_NAME, STORE_NAME
from fogbank_dag_ledger.service.failures import LogUnusable, NeverFinal, NotIssuing
from fogbank_dag_ledger.service.store import VertexStore
from fogbank_dag_ledger.service.views import LedgerNews
from fogbank_dag_ledger.vertex import VertexId
from fogbank_dag_ledger.vertex_codec import decode_vertex, encode_vertex
from fogbank_dag_ledger.wallet import ImpossiblePayment, InsufficientFunds
from fogbank_protocol.node.services import OneWayService

from .services import neighbourhood, wait_all_issuing, wait_equal, wait_until


@pytest.mark.slow
async def test_a_payment_becomes_final_everywhere_and_is_claimed_by_itself(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        payer, payee = services[0], services[1]
        paid = await payer.pay([(agents.name(1), 30), (agents.name(2), 12)])
        for service in services:
            await service.wait_final(paid)
            assert service.is_final(paid)
        await wait_until(lambda: payee.wallet().balance == 1_030)
        await wait_equal(services)
        wallet = payer.wallet()
        assert (wallet.balance, wallet.pending_out) == (958, 0)
        seen = payer.statistics()
        assert (seen.payments_made, seen.payments_final) == (2, 2)
        assert seen.supply_held == seen.supply == agents.community.genesis.supply
        assert [(view.recipient, view.amount, view.is_final) for view in payer.payments()] == [
            (agents.name(2), 12, True),
            (agents.name(1), 30, True),
        ]
        assert [view.amount for view in payee.payments()] == [30]


@pytest.mark.slow
async def test_concurrent_payments_never_fork_the_own_chain(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        paid: list[VertexId] = []

        async def pay(number: int) -> None:
            paid.append(await services[0].pay([(agents.name(1 + number % 3), 1)]))

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(pay, number)
        for vertex_id in paid:
            await services[3].wait_final(vertex_id)
        await wait_equal(services)
        assert len(set(paid)) == 40
        assert services[3].statistics().forked == ()
        assert services[0].wallet().balance == 960


@pytest.mark.slow
async def test_what_an_own_vertex_refers_to_is_on_disk_before_it(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        network = agents.community.network
        for number in range(20):
            paid = await services[0].pay([(agents.name(1 + number % 3), 1)])
            log = (agents.folder(0) / OWN_LOG_NAME).read_bytes()
            own = [decode_vertex(wire, network) for wire in read_records(BytesIO(log), len(log))]
            (vertex,) = [one for one in own if one.id == paid]
            others = [edge for edge in vertex.edges if edge != vertex.prev]
            store = VertexStore.reading(agents.folder(0) / STORE_NAME, network)
            assert set(store.find(others)) == set(others)
            store.close()


@pytest.mark.slow
async def test_a_payment_larger_than_the_balance_takes_what_can_be_claimed(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        paid = await services[0].pay([(agents.name(1), 500)])
        await services[1].wait_final(paid)
        spent = await services[1].pay([(agents.name(2), 1_500)])
        await services[0].wait_final(spent)
        with pytest.raises(InsufficientFunds):
            await services[1].pay([(agents.name(2), 1)])
        with pytest.raises(ImpossiblePayment):
            await services[0].pay([(agents.name(2), 1), (agents.name(2), 1)])
        with pytest.raises(ImpossiblePayment):
            await services[0].pay([(agents.name(0), 1)])


@pytest.mark.slow
async def test_news_tells_of_what_became_final(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        (payer,) = await agents.start(0)
        async with payer.watch() as own_news:
            services = [payer, *await agents.start(1, 2, 3)]
            async with services[1].watch() as news:
                await wait_all_issuing(services)
                paid = await payer.pay([(agents.name(1), 7)])
                received = await _until(news, PaymentReceived)
                assert received[-1] == PaymentReceived(paid, agents.name(0), 7)
            sent = await _until(own_news, PaymentFinal)
            assert sent[0] == IssuingChanged(Issuing())
            assert sent[-1] == PaymentFinal(paid, ((agents.name(1), 7),))


async def _until(
    news: trio.abc.ReceiveChannel[LedgerNews], kind: type[LedgerNews]
) -> list[LedgerNews]:
    """Return the news up to the first of ``kind``."""
    items = [await news.receive()]
    while not isinstance(items[-1], kind):
        items.append(await news.receive())
    return items


@pytest.mark.slow
async def test_a_restart_loses_nothing_and_goes_on_above(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        paid = [await services[0].pay([(agents.name(1), 3)]) for _ in range(5)]
        await services[0].wait_final(paid[-1])
        before = services[0].statistics()
        await agents.stop(0)
        (again,) = await agents.start(0)
        await again.wait_issuing()
        await wait_equal([again, *services[1:]])
        assert again.statistics().vertices >= before.vertices
        assert again.statistics().payments_made == 5
        assert again.wallet().balance == 985
        more = await again.pay([(agents.name(2), 1)])
        await services[3].wait_final(more)
        assert again.statistics().forked == ()


@pytest.mark.slow
async def test_a_fresh_node_learns_everything(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        paid = [await services[number % 4].pay([(agents.name(4), 2)]) for number in range(20)]
        for vertex_id in paid:
            await services[0].wait_final(vertex_id)
        (fresh,) = await agents.start(4)
        for vertex_id in paid:
            await fresh.wait_final(vertex_id)
        await fresh.wait_issuing()
        await wait_until(lambda: fresh.wallet().balance == 40)


@pytest.mark.slow
async def test_vertices_that_were_not_pushed_are_found_by_comparing_frontiers(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        for other in (0, 1, 2):
            agents.network.separate(agents.name(3), agents.name(other))
        paid = await services[0].pay([(agents.name(3), 5)])
        await services[1].wait_final(paid)
        assert not services[3].is_final(paid)
        agents.network.join(agents.name(3), agents.name(1))
        await services[3].wait_final(paid)


async def test_whoever_waits_for_what_lost_its_place_is_told(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, seats=1, others=3) as agents:
        (alone,) = await agents.start(0)
        await alone.wait_issuing()
        one, other = (agents.community.vertex(2, pays={to: 5}) for to in (0, 1))
        ended: list[VertexId] = []

        async def wait(vertex_id: VertexId) -> None:
            with pytest.raises(NeverFinal, match="two different vertices in one place"):
                await alone.wait_final(vertex_id)
            ended.append(vertex_id)

        (push,) = (
            offered
            for offered in alone.services()
            if isinstance(offered, OneWayService) and offered.method == VERTICES
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, other.id)
            await push.handler(agents.name(1), encode_vertices([encode_vertex(one)]))
            await alone.wait_final(one.id)
        await wait(other.id)
        assert ended == [other.id, other.id]


@pytest.mark.slow
async def test_nothing_is_issued_before_enough_seats_have_answered(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1)
        assert services[0].wallet().issuing == Silent(weight_needed=2, edges_missing=0)
        with pytest.raises(NotIssuing, match="too few seats"):
            await services[0].pay([(agents.name(1), 1)])
        services += await agents.start(2)
        await wait_all_issuing(services)
        assert services[0].wallet().issuing == Issuing()


async def test_a_network_of_one_seat_issues_at_once(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, seats=1, others=2) as agents:
        (alone,) = await agents.start(0)
        await alone.wait_issuing()
        paid = await alone.pay([(agents.name(1), 5)])
        await alone.wait_final(paid)
        assert alone.statistics().weight_connected == 1


@pytest.mark.slow
async def test_a_node_that_lost_everything_continues_above_what_the_others_hold(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        for _ in range(2):
            await services[0].pay([(agents.name(1), 10)])
        paid = await services[0].pay([(agents.name(1), 10)])
        await services[2].wait_final(paid)
        await agents.stop(0)
        for file in agents.folder(0).iterdir():
            file.unlink()
        (again,) = await agents.start(0)
        await again.wait_issuing()
        assert again.is_final(paid)
        more = await again.pay([(agents.name(1), 10)])
        await services[2].wait_final(more)
        assert services[2].statistics().forked == ()
        await agents.stop(0)
        for file in agents.folder(0).glob("vertices.sqlite*"):
            file.unlink()
        (again,) = await agents.start(0)
        await again.wait_issuing()
        assert again.is_final(more)


@pytest.mark.slow
async def test_a_corrupted_store_is_set_aside_said_and_rebuilt(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        paid = await services[0].pay([(agents.name(1), 10)])
        await services[2].wait_final(paid)
        await agents.stop(0)
        for file in agents.folder(0).glob("vertices.sqlite*"):
            file.write_bytes(b"this is no database" * 500)
        (again,) = await agents.start(0)
        (notice,) = again.notices()
        assert str(agents.folder(0) / "vertices.sqlite.corrupt-1") in notice
        await again.wait_issuing()
        assert again.is_final(paid)
        await again.pay([(agents.name(1), 1)])


@pytest.mark.slow
async def test_the_same_identity_on_two_machines_is_stopped(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        twin = agents.community.vertex(0, pays={1: 5}, kind=1)
        (push,) = (
            offered
            for offered in services[0].services()
            if isinstance(offered, OneWayService) and offered.method == VERTICES
        )
        await push.handler(agents.name(1), encode_vertices([encode_vertex(twin)]))
        await wait_until(lambda: isinstance(services[0].wallet().issuing, Stopped))
        with pytest.raises(NotIssuing, match="used on"):
            await services[0].pay([(agents.name(1), 1)])
        with pytest.raises(NotIssuing):
            await services[0].wait_issuing()


async def test_a_folder_in_use_or_of_another_identity_is_refused(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        await agents.start(0)
        with pytest.RaisesGroup(LogUnusable, flatten_subgroups=True, allow_unwrapped=True):
            await agents.start(0)
    (tmp_path / "0").rename(tmp_path / "1")
    async with neighbourhood(tmp_path) as agents:
        with pytest.RaisesGroup(LogUnusable, flatten_subgroups=True, allow_unwrapped=True):
            await agents.start(1)
