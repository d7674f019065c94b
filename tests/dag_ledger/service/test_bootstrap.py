"""Checkpoints among services on real files, and one that joins late (SPEC.md 8.21 and 8.22)."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fogbank_dag_ledger.checkpointing import Pace
from fogbank_dag_ledger.committee_operations import table_of
from fogbank_dag_ledger.service import LedgerService
from fogbank_dag_ledger.service.reading import read_ledger
from fogbank_dag_ledger.service.verifying import verify

from .services import Neighbourhood, neighbourhood, wait_all_issuing, wait_until

HURRY = Pace(interval_s=0.3, turn_s=0.2, retry_s=0.1, patience_s=2.0)


async def pay_until_pruned(
    here: Neighbourhood, services: Sequence[LedgerService], floor: int
) -> None:
    """Let payments go on until all services stand on checkpoint ``floor`` or one above."""
    payer, payee = services[0], here.name(1)
    while any(service.floor_height < floor for service in services):
        await payer.wait_final(await payer.pay([(payee, 1)]))


@pytest.mark.slow
async def test_a_network_prunes_and_a_fresh_node_joins_without_old_vertices(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, pace=HURRY) as here:
        services = await here.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        first = await services[0].pay([(here.name(1), 1)])
        await pay_until_pruned(here, services, floor=1)
        (fresh,) = await here.start(4)
        await wait_until(lambda: here.agents[4].service.floor_height >= 1)
        await wait_until(
            lambda: fresh.statistics().state_hash == services[0].statistics().state_hash
        )
        seen = fresh.statistics()
        assert services[0].is_final(first)
        # It lies below what a beginner is told the names of.
        assert not fresh.is_final(first)
        assert seen.supply_held == seen.supply
        # It takes part, and everybody else goes on.
        await fresh.wait_issuing()
        await services[0].wait_final(await services[0].pay([(here.name(4), 7)]))
        await wait_until(lambda: fresh.wallet().balance == 1_007 or fresh.wallet().balance == 7)
        await wait_until(
            lambda: fresh.statistics().state_hash == services[0].statistics().state_hash
        )


@pytest.mark.slow
async def test_a_network_prunes_after_its_seats_changed_and_proves_them_to_a_fresh_node(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, seats=1, others=3, quorum=1, pace=HURRY) as here:
        services = await here.start(0, 1, 2)
        await wait_all_issuing(services)
        table = table_of({here.name(0): 1, here.name(1): 1}, 2)
        services[0].want_seats(table)
        for service in services:
            await service.wait_seats(table)
        # The newest at that time was of the old epoch at most, the one after it is of the new.
        await pay_until_pruned(here, services, floor=services[0].floor_height + 3)
        (fresh,) = await here.start(3)
        await wait_until(lambda: fresh.floor_height >= services[0].floor_height > 0)
        await wait_until(
            lambda: fresh.statistics().state_hash == services[0].statistics().state_hash
        )
        await here.stop(3)
        found = verify(read_ledger(here.folder(3), here.community.genesis))
        assert found.differences == ()
        (again,) = await here.start(3)
        assert again.floor_height > 0
        await services[0].wait_final(await services[0].pay([(here.name(3), 7)]))
        await wait_until(
            lambda: again.statistics().state_hash == services[0].statistics().state_hash
        )


@pytest.mark.slow
async def test_an_agent_starts_again_where_its_file_begins(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, seats=1, others=1, quorum=1, pace=HURRY) as here:
        (service,) = await here.start(0)
        await service.wait_issuing()
        await pay_until_pruned(here, [service], floor=2)
        before = service.statistics()
        height = service.floor_height
        await here.stop(0)
        (again,) = await here.start(0)
        after = again.statistics()
        # One may have come, or was on its way to the disk, when the agent stopped.
        assert again.floor_height >= height - 1
        assert (after.state_hash, after.supply_held) == (before.state_hash, before.supply_held)
        await again.wait_issuing()
        await again.wait_final(await again.pay([(here.name(1), 1)]))
        assert again.notices() == []


@pytest.mark.slow
async def test_who_began_at_a_checkpoint_sees_its_channels(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, seats=1, others=2, quorum=1, pace=HURRY) as here:
        (service,) = await here.start(0)
        await service.wait_issuing()
        await pay_until_pruned(here, [service], floor=2)
        (fresh,) = await here.start(1)
        # Whoever trades takes it once, at the start.
        channels = fresh.channels
        await wait_until(lambda: fresh.floor_height > 0)
        # It may have begun too low, and then begins once more.
        await wait_until(lambda: fresh.statistics().state_hash == service.statistics().state_hash)
        await service.wait_final(await service.pay([(here.name(1), 100)]))
        await wait_until(lambda: fresh.wallet().spendable >= 100)
        name, vertex = await channels.open_channel(here.name(0), 50, beats=10)
        await fresh.wait_final(vertex)
        assert [view.id for view in channels.all()] == [name]
        assert channels.all()[0].deposit == 50
