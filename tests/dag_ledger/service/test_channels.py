"""Objects of the own account through the service (SPEC.md sections 8.12 to 8.17)."""

from pathlib import Path

import pytest
import trio
from tests.one_thread import one_thread
from trio.testing import wait_all_tasks_blocked

from fogbank_dag_ledger.checkpointing import Pace
from fogbank_dag_ledger.operations import ObjectId, StakeTerms, Unstake, Voucher
from fogbank_dag_ledger.own_objects import ObjectState, ShareView
from fogbank_dag_ledger.service import LedgerService
from fogbank_dag_ledger.service.disk import VOUCHERS_NAME
from fogbank_dag_ledger.service.voucher_store import VoucherStore
from fogbank_dag_ledger.statements import sign_voucher
from fogbank_dag_ledger.wallet import ImpossibleAct, InsufficientFunds
from fogbank_protocol.identity import NodeId

from .services import Neighbourhood, neighbourhood, wait_all_issuing, wait_equal, wait_until

ANN, BOB, CAT = 0, 1, 2


def voucher(
    agents: Neighbourhood,
    channel: ObjectId,
    total: int,
    count: int,
    *,
    lane: int = 0,
    split: tuple[tuple[NodeId, int], ...] = (),
) -> Voucher:
    """Return a voucher of Ann's."""
    community = agents.community
    return sign_voucher(
        community.identities[ANN],
        community.network,
        channel,
        lane=lane,
        total=total,
        count=count,
        root=bytes(32),
        split=split,
    )


async def opened(
    agents: Neighbourhood, services: list[LedgerService], deposit: int, *, lanes: int = 1
) -> ObjectId:
    """Open a channel from Ann to Bob, who does not reclaim for a second."""
    channel, vertex = await services[ANN].channels.open_channel(
        agents.name(BOB), deposit, beats=1, lanes=lanes
    )
    await services[ANN].wait_final(vertex)
    await services[BOB].wait_final(vertex)
    return channel


async def wait_balance(service: LedgerService, balance: int) -> None:
    await wait_until(lambda: service.wallet().balance == balance)


@pytest.mark.slow
async def test_a_channel_pays_with_vouchers_and_everybody_gets_theirs(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        ann, bob, cat = services[ANN], services[BOB], services[CAT]
        channel = await opened(agents, services, 600)
        await bob.wait_final(await ann.channels.top_up(channel, 100))
        best = voucher(agents, channel, 650, 2, split=((agents.name(CAT), 50),))
        await bob.channels.remember_voucher(channel, best)
        await bob.channels.remember_voucher(channel, voucher(agents, channel, 10, 1))
        view = bob.channels.get(channel)
        assert view is not None
        assert (view.deposit, view.state) == (700, ObjectState.OPEN)

        await bob.channels.close(channel)

        await ann.channels.wait_settled(channel)
        await wait_balance(bob, 1_600)
        await wait_balance(ann, 350)
        await wait_balance(cat, 1_050)
        await wait_equal(services)
        (view,) = ann.channels.all()
        assert (view.state, view.paid, view.owed) == (ObjectState.SETTLED, 650, 0)
        seen = ann.statistics()
        assert seen.supply_held == seen.supply


@pytest.mark.slow
async def test_many_lanes_are_closed_by_vouchers_posted_before(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        channel = await opened(agents, services, 800, lanes=8)
        shares = tuple((agents.name(who), 1) for who in (CAT, 3))
        lanes = [voucher(agents, channel, 90, 1, lane=lane, split=shares) for lane in range(8)]
        await services[BOB].channels.close(channel, lanes)
        await wait_balance(services[BOB], 1_000 + 8 * 88)
        await wait_balance(services[ANN], 1_000 - 720)


@pytest.mark.slow
async def test_a_reclaim_is_answered_and_finished_without_anyone_asking(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        channel = await opened(agents, services, 500)
        await services[BOB].channels.remember_voucher(channel, voucher(agents, channel, 70, 1))
        # What was remembered is on disk: the provider may be restarted.
        await agents.stop(BOB)
        (services[BOB],) = await agents.start(BOB)
        await services[BOB].wait_issuing()

        await services[ANN].channels.reclaim(channel)

        await wait_balance(services[ANN], 930)
        await wait_balance(services[BOB], 1_070)
        await wait_equal(services)


def _leaves(service: LedgerService, stake: ObjectId) -> bool:
    seen = service.stake(stake)
    assert seen is not None
    return seen.is_leaving or seen.is_settled


@pytest.mark.slow
async def test_a_stake_comes_back_after_its_beats(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        ann = services[ANN]
        stake, vertex = await ann.channels.open(400, StakeTerms((agents.name(CAT),), 1, 1, 40))
        await ann.wait_final(vertex)
        await services[BOB].wait_final(vertex)
        seen = services[BOB].stake(stake)
        assert seen is not None
        assert (seen.opening, seen.amount, seen.is_final) == (vertex, 400, True)
        assert [seen.is_leaving, seen.is_slashed, seen.is_settled] == [False] * 3
        await ann.channels.act(stake, Unstake())
        await wait_until(lambda: _leaves(services[BOB], stake))
        await wait_balance(ann, 1_000)
        (view,) = services[CAT].channels.others()
        assert (view.state, view.is_seized) == (ObjectState.SETTLED, False)


@pytest.mark.slow
async def test_what_would_break_a_rule_is_refused_before_it_is_signed(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        ann, bob = services[ANN], services[BOB]
        with pytest.raises(InsufficientFunds):
            await ann.channels.open_channel(agents.name(BOB), 1_001, beats=1)
        with pytest.raises(ImpossibleAct) as caught:
            await ann.channels.open_channel(agents.name(ANN), 10, beats=1)
        assert caught.value.rule == "8.13.1"
        channel = await opened(agents, services, 100)
        with pytest.raises(ImpossibleAct) as caught:
            await bob.channels.close(channel, [voucher(agents, channel, 101, 1)])
        assert caught.value.rule == "8.13.4"
        with pytest.raises(ImpossibleAct, match="no such object"):
            await services[CAT].channels.reclaim(channel)
        # The own chain is as good as before.
        await bob.wait_final(await bob.pay([(agents.name(CAT), 1)]))


@pytest.mark.slow
async def test_vouchers_of_a_settled_channel_are_not_kept(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        bob = services[BOB]
        channel = await opened(agents, services, 100)
        await bob.channels.remember_voucher(channel, voucher(agents, channel, 10, 1))
        await bob.channels.close(channel)
        await bob.channels.wait_settled(channel)
        await wait_balance(bob, 1_010)
        await agents.stop(BOB)
        (bob,) = await agents.start(BOB)
        await agents.stop(BOB)
        store = VoucherStore(agents.folder(BOB) / VOUCHERS_NAME)
        assert list(store.all()) == []
        store.close()


@pytest.mark.slow
async def test_a_channel_is_closed_by_the_voucher_that_is_on_its_way_to_the_disk(
    tmp_path: Path,
) -> None:
    """Who pays and asks for the channel in one breath would have the work for nothing."""
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        bob = services[BOB].channels
        channel = await opened(agents, services, 100)
        with one_thread() as thread:
            async with trio.open_nursery() as nursery, thread:
                one = voucher(agents, channel, 70, 1)
                nursery.start_soon(bob.remember_voucher, channel, one)
                await wait_all_tasks_blocked()
                nursery.start_soon(bob.close, channel)
                await wait_all_tasks_blocked()
        await wait_balance(services[BOB], 1_070)


@pytest.mark.slow
async def test_an_older_voucher_that_comes_at_the_same_time_is_not_written_last(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        channel = await opened(agents, services, 100)
        remember = services[BOB].channels.remember_voucher
        with one_thread() as thread:
            async with trio.open_nursery() as nursery, thread:
                for total, count in ((70, 2), (10, 1)):
                    one = voucher(agents, channel, total, count)
                    nursery.start_soon(remember, channel, one)
                    await wait_all_tasks_blocked()
        await agents.stop(BOB)
        (bob,) = await agents.start(BOB)
        await bob.wait_issuing()
        await bob.channels.close(channel)
        await wait_balance(bob, 1_070)


@pytest.mark.slow
async def test_an_author_knows_its_shares_when_the_ledger_has_forgotten_the_channels(
    tmp_path: Path,
) -> None:
    pace = Pace(interval_s=0.3, turn_s=1.0, retry_s=0.1, patience_s=0.2)
    async with neighbourhood(tmp_path, pace=pace) as agents:
        services = await agents.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        ann, bob, cat = services[ANN], services[BOB], services[CAT]
        channel = await opened(agents, services, 600)
        best = voucher(agents, channel, 500, 2, split=((agents.name(CAT), 50),))
        await bob.channels.close(channel, [best])
        told = [ShareView(channel, agents.name(ANN), agents.name(BOB), 50)]
        await wait_until(lambda: list(cat.channels.shares()) == told)
        await wait_balance(cat, 1_050)
        # Until nothing above the floor tells of it.
        floor = cat.floor_height + 4
        while cat.floor_height < floor:
            await ann.wait_final(await ann.pay([(agents.name(BOB), 1)]))
            await trio.sleep(0.05)
        for _ in range(2):
            await agents.stop(CAT)
            (cat,) = await agents.start(CAT)
            assert list(cat.channels.shares()) == told
