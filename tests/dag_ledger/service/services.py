"""Ledger services for tests: several in one run, on real files, over a network in memory."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import trio

from fogbank_dag_ledger.checkpointing import Pace
from fogbank_dag_ledger.service import LedgerService
from fogbank_protocol.identity import NodeId

from ..community import Community
from .memory_network import MemoryNetwork, MemoryNode

PATIENCE_S = 20.0


@dataclass
class Agent:
    """One service with its node; ``scope`` ends both."""

    service: LedgerService
    node: MemoryNode
    scope: trio.CancelScope
    ended: trio.Event


class Neighbourhood:
    """The services of a community, by number, each with a folder of its own."""

    def __init__(
        self, community: Community, folder: Path, nursery: trio.Nursery, pace: Pace | None = None
    ) -> None:
        self.community = community
        self._pace = pace
        self.network = MemoryNetwork()
        self.agents: dict[int, Agent] = {}
        self._folder = folder
        self._nursery = nursery

    def folder(self, number: int) -> Path:
        return self._folder / str(number)

    def name(self, number: int) -> NodeId:
        return self.community.names[number]

    async def start(self, *numbers: int) -> list[LedgerService]:
        """Start agents; return when they have read their disks and are connected."""
        return [await self._nursery.start(self._run, number) for number in numbers]

    async def stop(self, number: int) -> None:
        agent = self.agents.pop(number)
        agent.scope.cancel()
        await agent.ended.wait()

    async def _run(self, number: int, *, task_status: trio.TaskStatus[LedgerService]) -> None:
        identity = self.community.identities[number]
        node = MemoryNode(self.network, identity.node_id)
        service = LedgerService(
            self.community.genesis,
            identity,
            self.folder(number),
            node,
            random=Random(number),
            pace=self._pace,
        )
        node.add_services(service.services())
        ended = trio.Event()
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(service.run)
                await nursery.start(node.run)
                self.agents[number] = Agent(service, node, nursery.cancel_scope, ended)
                task_status.started(service)
        finally:
            ended.set()


@asynccontextmanager
async def neighbourhood(
    folder: Path,
    seats: int = 4,
    others: int = 1,
    *,
    quorum: int | None = None,
    pace: Pace | None = None,
) -> AsyncGenerator[Neighbourhood, None]:
    """Run agents inside the block, none at first; they end with it."""
    community = Community(seats=seats, others=others, quorum=quorum)
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            yield Neighbourhood(community, folder, nursery, pace)
            nursery.cancel_scope.cancel()


async def wait_all_issuing(services: Sequence[LedgerService]) -> None:
    for service in services:
        await service.wait_issuing()


async def wait_equal(services: Sequence[LedgerService]) -> None:
    """Return when all hold the same vertices and finals, and nothing is left to do."""

    def are_equal() -> bool:
        sums = {
            (seen.vertices, seen.final, seen.state_hash, seen.payments_pending)
            for seen in (service.statistics() for service in services)
        }
        return len(sums) == 1 and next(iter(sums))[3] == 0

    await wait_until(are_equal)


async def wait_until(condition: Callable[[], bool]) -> None:
    """Return when ``condition`` holds; the service has no event for everything a test asks."""
    while not condition():  # noqa: ASYNC110
        await trio.sleep(0.02)
