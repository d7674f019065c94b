"""A few real agents in one process: nodes on loopback, a shared ledger, the market's shells."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import trio

from fogbank_agent.market.job_request import JobRequest, RunInput
from fogbank_agent.market.orders import Audit
from fogbank_agent.trading.interfaces import CheckingRunner, LotRunner, SessionKeeper
from fogbank_agent.trading.journal import Journal
from fogbank_agent.trading.owner_pricing import OwnerPricing
from fogbank_agent.trading.provider import Provider, ProviderSettings
from fogbank_agent.trading.requestor import Requestor
from fogbank_agent.trading.watch import Watch
from fogbank_dag_ledger.genesis import Genesis, new_genesis
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.node import Node, NodeSettings
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Package, pack_module
from fogbank_wasm_tasks.run import Pace, RunReport, RunRequest
from fogbank_wasm_tasks.verification.requests import (
    Accepted,
    Rejected,
    StepReport,
    StepRequest,
    VerifyReport,
    VerifyRequest,
)

BALANCE = 1_000_000
DEPOSIT, CHANNEL_BEATS = 100_000, 2
CREDIT = 1_000_000
EXAMPLES = Path(__file__).parents[3] / "wasm_tasks" / "fogbank_wasm_tasks" / "examples"


def identity(number: int) -> Identity:
    """Return a key pair that stays the same from test to test."""
    return Identity.from_seed(bytes([number]) * 32)


AUTHOR = identity(200)


def example_package() -> bytes:
    """Return the package file of an example task."""
    module = (EXAMPLES / "sensor_statistics" / "sensor_statistics.wasm").read_bytes()
    return pack_module(module, name="sensor-statistics", version="1", author=AUTHOR)


class Hasher:
    """A runner of ten lines: the output is a hash of the input, the fuel its length in millions."""

    def __init__(self, *, lies: Callable[[int], bool] = lambda _: False) -> None:
        self.runs = 0
        self._lies = lies

    async def execute(
        self,
        package: Package | bytes,
        request: RunRequest,
        *,
        pace: Pace | None = None,
    ) -> RunReport:
        del package, pace
        await trio.lowlevel.checkpoint()
        output = blake2b(request.input).digest()
        if self._lies(self.runs):
            output = bytes(64)
        self.runs += 1
        return RunReport(
            outcome=Ok(blob_id(output), len(output)),
            output=output,
            fuel=len(request.input) * 1_000_000,
            peak_memory_bytes=65_536,
            wall_s=0.001,
            diagnostics=b"",
        )

    @asynccontextmanager
    async def execute_many(
        self, package: Package, requests: AsyncIterable[RunRequest]
    ) -> AsyncGenerator[AsyncIterator[tuple[int, RunReport]]]:
        async def reports() -> AsyncIterator[tuple[int, RunReport]]:
            place = 0
            async for request in requests:
                yield place, await self.execute(package, request)
                place += 1

        yield reports()

    async def execute_steps(
        self,
        package: Package,
        request: StepRequest,
        *,
        pace: Pace | None = None,
    ) -> StepReport:
        raise AssertionError("no step task is ordered here")

    async def verify(self, package: Package, request: VerifyRequest) -> VerifyReport:
        await trio.lowlevel.checkpoint()
        is_right = request.claimed == blake2b(request.run.input).digest()
        return VerifyReport(verdict=Accepted() if is_right else Rejected(), fuel=7, wall_s=0.001)


@dataclass(slots=True)
class Agent:
    """One agent that runs."""

    identity: Identity
    node: Node
    ledger: LedgerService
    blobs: BlobStore
    journal: Journal
    requestor: Requestor
    provider: Provider | None
    scope: trio.CancelScope
    ended: trio.Event
    """Set when nothing of it is left, after its scope was cancelled."""

    @property
    def node_id(self) -> NodeId:
        """Its name."""
        return self.identity.node_id


def settings(**changes: int) -> ProviderSettings:
    """Return a provider's settings, with ``changes``."""
    values = {
        "slots": 2,
        "price": 100,
        "start_price": 1,
        "memory_bytes_max": 256 << 20,
        "input_bytes_max": 64 << 20,
        "output_bytes_max": 64 << 20,
        "fuel_max": 10**12,
        "credit": CREDIT,
        **changes,
    }
    return ProviderSettings(**values)


class Neighbourhood:
    """Starts agents one after another; each knows those before it."""

    def __init__(
        self, folder: Path, nursery: trio.Nursery, count: int, rich: Sequence[NodeId] = ()
    ) -> None:
        """Make a network in which the first ``count`` identities have money and a seat.

        Those of ``rich`` have money alone.
        """
        self._folder = folder
        self._nursery = nursery
        members = [identity(number).node_id for number in range(1, count + 1)]
        self.genesis: Genesis = new_genesis(
            "tests",
            seats=dict.fromkeys(members, 1),
            balances=dict.fromkeys([*members, *rich], BALANCE),
            salt=bytes(16),
        )
        self.agents: list[Agent] = []

    async def start(
        self,
        number: int,
        *,
        sells: LotRunner | None = None,
        checks: CheckingRunner | None = None,
        terms: ProviderSettings | None = None,
        pricing: OwnerPricing | None = None,
        sessions: SessionKeeper | None = None,
        listens: bool = True,
    ) -> Agent:
        """Start agent ``number``; it ``sells`` with one runner and ``checks`` with another."""
        started = await self._nursery.start(
            self._run,
            identity(number),
            sells,
            checks,
            terms or settings(),
            pricing,
            sessions,
            listens,
        )
        assert isinstance(started, Agent)
        self.agents.append(started)
        return started

    async def _run(
        self,
        own: Identity,
        sells: LotRunner | None,
        checks: CheckingRunner | None,
        terms: ProviderSettings,
        pricing: OwnerPricing | None,
        sessions: SessionKeeper | None,
        listens: bool,
        *,
        task_status: trio.TaskStatus[Agent],
    ) -> None:
        folder = self._folder / own.node_id.hex()[:8]
        folder.mkdir(exist_ok=True)
        blobs = BlobStore(folder / "blobs")
        node_settings = NodeSettings(
            listen_hosts=("127.0.0.1",) if listens else (),
            mdns=False,
            interfaces=("127.0.0.1",),
            static_peers=tuple(
                Address("127.0.0.1", agent.node.port)
                for agent in self.agents
                if not agent.scope.cancel_called and agent.node.port
            ),
        )
        network = self.genesis.network
        node = Node(own, network, node_settings, self.genesis.body, blobs=blobs)
        ledger = LedgerService(self.genesis, own, folder / "ledger", node)
        node.add_services(ledger.services())
        journal, ended = Journal(folder / "journal.sqlite"), trio.Event()
        random = Random(own.node_id)
        watch = Watch(node, own, ledger, blobs, checks)
        node.add_services(watch.services())
        requestor = Requestor(
            node,
            own,
            ledger,
            blobs,
            journal,
            runner=checks,
            watch=watch,
            random=random,
            deposit=DEPOSIT,
            channel_beats=CHANNEL_BEATS,
        )
        node.add_services(requestor.services())
        provider = None
        if sells is not None:
            provider = Provider(
                node,
                own,
                ledger,
                blobs,
                journal,
                runner=sells,
                settings=terms,
                random=random,
                pricing=pricing,
                sessions=sessions,
            )
            node.add_services(provider.services())
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(ledger.run)
                await nursery.start(node.run)
                await nursery.start(requestor.run)
                if provider is not None:
                    await nursery.start(provider.run)
                task_status.started(
                    Agent(
                        own,
                        node,
                        ledger,
                        blobs,
                        journal,
                        requestor,
                        provider,
                        nursery.cancel_scope,
                        ended,
                    )
                )
        finally:
            journal.close()
            ended.set()
            blobs.close()

    async def wait_ready(self) -> None:
        """Wait until all agents know each other, may pay, and have each other's offers."""
        for agent in self.agents:
            await agent.ledger.wait_issuing()
            others = [other for other in self.agents if other is not agent]
            await wait_until(lambda: len(agent.node.peers()) == len(others))  # noqa: B023
            sellers = sum(other.provider is not None for other in others)
            await wait_until(lambda: len(agent.requestor.offers()) >= sellers)  # noqa: B023


async def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that nobody announces; the test's own time limit bounds it."""
    while not is_so():  # noqa: ASYNC110
        await trio.sleep(0.01)


@asynccontextmanager
async def neighbourhood(
    folder: Path, count: int, *, limit_s: float = 30, rich: Sequence[NodeId] = ()
) -> AsyncGenerator[Neighbourhood]:
    """Give a neighbourhood of at most ``count`` agents, and end it within ``limit_s`` seconds."""
    with trio.fail_after(limit_s):
        async with trio.open_nursery() as nursery:
            yield Neighbourhood(folder, nursery, count, rich)
            nursery.cancel_scope.cancel()


async def a_job(agent: Agent, inputs: Sequence[bytes], /, **changes: Any) -> JobRequest:
    """Return a job over ``inputs``, all it needs being in the agent's blob store."""
    fields: dict[str, Any] = {
        "package_id": await agent.blobs.put(example_package()),
        "inputs": [
            RunInput(f"input {number}", await agent.blobs.put(data))
            for number, data in enumerate(inputs)
        ],
        "verification": Audit(0),
        "fuel_max": 10**9,
        "price_max": 1_000,
        "start_price_max": 100,
        "memory_bytes_max": 1 << 26,
        "patience_s": 5.0,
        **changes,
    }
    return JobRequest(**fields)
