"""Ledger services with real nodes over TCP on loopback."""

from math import inf
from pathlib import Path

import pytest
import trio

from fogbank_dag_ledger.committee_operations import table_of
from fogbank_dag_ledger.service import LedgerService
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.node.node import Node, NodeSettings

from ..community import Community
from .services import PATIENCE_S, wait_all_issuing, wait_equal


async def start(
    nursery: trio.Nursery,
    community: Community,
    folder: Path,
    number: int,
    peers: tuple[Address, ...],
) -> tuple[LedgerService, Address]:
    """Start one agent in this process."""
    settings = NodeSettings(listen_hosts=("127.0.0.1",), mdns=False, static_peers=peers)
    identity, genesis = community.identities[number], community.genesis
    node = Node(identity, genesis.network, settings, genesis.body)
    service = LedgerService(genesis, identity, folder / str(number), node)
    node.add_services(service.services())
    await nursery.start(service.run)
    await nursery.start(node.run)
    return service, Address("127.0.0.1", node.port)


@pytest.mark.slow
async def test_payments_over_tcp_become_final_on_every_node(tmp_path: Path) -> None:
    community = Community(seats=4, others=1)
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            services: list[LedgerService] = []
            addresses: tuple[Address, ...] = ()
            for number in range(4):
                service, address = await start(nursery, community, tmp_path, number, addresses)
                services.append(service)
                addresses = (*addresses, address)
            await wait_all_issuing(services)
            paid: list[VertexId] = []
            for number in range(20):
                recipient = community.names[(number + 1) % 4]
                paid.append(await services[number % 4].pay([(recipient, 5)]))
            fresh, _ = await start(nursery, community, tmp_path, 4, addresses)
            for service in (*services, fresh):
                for vertex_id in paid:
                    await service.wait_final(vertex_id)
            await wait_equal([*services, fresh])
            assert fresh.statistics().forked == ()
            nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_a_network_of_one_device_grows_to_four_seats_while_payments_go_on(
    tmp_path: Path,
) -> None:
    community = Community(seats=1, others=4)
    paid: list[VertexId] = []
    with trio.fail_after(3 * PATIENCE_S):
        async with trio.open_nursery() as nursery:
            services: list[LedgerService] = []
            addresses: tuple[Address, ...] = ()
            for number in range(4):
                service, address = await start(nursery, community, tmp_path, number, addresses)
                services.append(service)
                addresses = (*addresses, address)
            await wait_all_issuing(services)

            async def keep_paying(number: int) -> None:
                while True:
                    recipient = community.names[(number + 1) % 4]
                    vertex_id = await services[number].pay([(recipient, 1)])
                    paid.append(vertex_id)
                    await services[number].wait_final(vertex_id)
                    await final.send(vertex_id)

            final, made = trio.open_memory_channel[VertexId](inf)
            with trio.CancelScope() as payers:
                async with trio.open_nursery() as paying:
                    for number in range(4):
                        paying.start_soon(keep_paying, number)
                    for count in (2, 3, 4):
                        seats = dict.fromkeys(community.names[:count], 1)
                        table = table_of(seats, 2 * count // 3 + 1)
                        # One vote, then two of two, then two of three have to want it.
                        for service in services[: min(count - 1, 3)]:
                            service.want_seats(table)
                        for service in services:
                            await service.wait_seats(table)
                        for _ in range(8):
                            await made.receive()
                    payers.cancel()
            for service in services:
                for vertex_id in paid:
                    await service.wait_final(vertex_id)
            await wait_equal(services)
            assert [service.committee().epoch for service in services] == [3] * 4
            assert services[3].statistics().quorum == 3
            nursery.cancel_scope.cancel()
