"""Ledger services with real nodes over TCP on loopback, in this process and killed in others."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
import trio

from fogbank_dag_ledger.service import LedgerService
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.node.node import Node, NodeSettings

from ..community import Community
from .services import PATIENCE_S, wait_all_issuing, wait_equal

KILLS = 5
ROOT = Path(__file__).parents[3]


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


class AgentProcess:
    """One agent in a process of its own, and what it has said."""

    def __init__(self, number: int, folder: Path, peers: list[tuple[str, int]]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.dag_ledger.service.agent_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        assert self._process.stdin is not None
        given = {"number": number, "folder": str(folder), "peers": peers, "pays": True}
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        self.said: dict[str, list[str]] = {"paid": [], "final": []}

    def read_until(self, key: str) -> object:
        """Read what it says up to the first line with ``key``, whose value is returned."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line = json.loads(text)
            for name, value in line.items():
                self.said.setdefault(name, []).append(value)
                if name == key:
                    return value
        raise AssertionError(f"it ended with {self._process.wait()} before it said {key}")

    def kill(self) -> None:
        """Kill it, and read what it had still said."""
        assert self._process.stdout is not None
        self._process.send_signal(signal.SIGKILL)
        for text in self._process.stdout:
            # The last line may have been cut short.
            if text.endswith("\n"):
                for name, value in json.loads(text).items():
                    self.said.setdefault(name, []).append(value)
        self._process.__exit__(None, None, None)


@contextmanager
def killed_at_the_end(agent: AgentProcess) -> Generator[AgentProcess]:
    try:
        yield agent
    finally:
        agent.kill()


@pytest.mark.slow
async def test_an_agent_killed_while_it_pays_loses_nothing_and_never_contradicts_itself(
    tmp_path: Path,
) -> None:
    """Everything that ``pay`` returned is issued once, for good, whenever the process dies."""
    community = Community(seats=4, others=1)
    random = Random(os.environ.get("FOGBANK_TEST_SEED", "kill"))
    paid: list[str] = []
    with trio.fail_after(4 * PATIENCE_S):
        async with trio.open_nursery() as nursery:
            services: list[LedgerService] = []
            addresses: tuple[Address, ...] = ()
            for number in range(3):
                service, address = await start(nursery, community, tmp_path, number, addresses)
                services.append(service)
                addresses = (*addresses, address)
            peers = [(address.host, address.port) for address in addresses]
            for _ in range(KILLS):
                agent = AgentProcess(3, tmp_path / "3", peers)
                with killed_at_the_end(agent):
                    await trio.to_thread.run_sync(agent.read_until, "issuing")
                    for _ in range(random.randrange(1, 30)):
                        await trio.to_thread.run_sync(agent.read_until, "paid")
                paid += agent.said["paid"]
            again, _ = await start(nursery, community, tmp_path, 3, addresses)
            services.append(again)
            for vertex_id in paid:
                for service in services:
                    await service.wait_final(VertexId(bytes.fromhex(vertex_id)))
            await wait_equal(services)
            assert len(set(paid)) == len(paid) >= KILLS
            assert all(service.statistics().forked == () for service in services)
            assert again.statistics().payments_made >= len(paid)
            nursery.cancel_scope.cancel()
