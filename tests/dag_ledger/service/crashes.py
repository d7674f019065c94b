"""Kills agents while they pay each other.

``python -m tests.dag_ledger.service.crashes --kills 200``.
Four seats, each a process of its own with a real folder, on a little network over loopback.  Again
and again one of them is killed at a random moment and started anew.  In the end all are killed at
once, and what is on the four disks must agree with everything that any of them ever said.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import trio

from fogbank_dag_ledger.own_log_format import Readable, header, inspect, read_records
from fogbank_dag_ledger.service import LedgerService
from fogbank_dag_ledger.service.disk import OWN_LOG_NAME
from fogbank_dag_ledger.service.reading import read_ledger
from fogbank_dag_ledger.service.verifying import verify
from fogbank_dag_ledger.vertex import VertexId
from fogbank_dag_ledger.vertex_codec import decode_vertex
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.node.node import Node, NodeSettings

from ..community import Community
from .services import wait_equal, wait_until

SEATS = 4
LIFE_S = 1.2
"""How long an agent lives at most after another was killed."""

KILLS_A_ROUND = 10
"""Then the disks are compared, and new agents begin.

What was said to be paid is asked for by name, and names are kept of 64 checkpoints on disk."""

ROOT = Path(__file__).parents[3]


class AgentProcess:
    """One agent in a process of its own, and what it has said."""

    def __init__(self, number: int, folder: Path, peers: Sequence[tuple[str, int]]) -> None:
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


@dataclass(frozen=True, slots=True)
class Report:
    """What was killed, what had been said, and what was found to be wrong."""

    kills: int
    paid: int
    final: int
    vertices: int
    floor: int
    """The height of the checkpoint that the disks begin with."""

    log_bytes: int
    """The longest log of own vertices."""

    wrong: tuple[str, ...]


class LittleNetwork:
    """Four agents, which are killed."""

    def __init__(self, folder: Path, seed: str) -> None:
        self._folder = folder
        self._random = Random(seed)
        self._agents: dict[int, AgentProcess] = {}
        self._ports: dict[int, int] = {}
        self.paid: set[str] = set()
        self.final: set[str] = set()

    def run(self, kills: int) -> None:
        """Start all, kill one after the other, and all in the end."""
        with ExitStack() as stack:
            stack.callback(self._kill_all)
            for number in range(SEATS):
                self._start(number)
            self._agents[0].read_until("issuing")
            for _ in range(kills):
                time.sleep(self._random.uniform(0, LIFE_S))
                number = self._random.randrange(SEATS)
                self._kill(number)
                self._start(number)

    def _start(self, number: int) -> None:
        others = [("127.0.0.1", port) for other, port in self._ports.items() if other != number]
        agent = AgentProcess(number, self.folder(number), others)
        self._agents[number] = agent
        port = agent.read_until("port")
        assert isinstance(port, int)
        self._ports[number] = port

    def _kill(self, number: int) -> None:
        agent = self._agents.pop(number)
        agent.kill()
        self.paid.update(agent.said["paid"])
        self.final.update(agent.said["final"])

    def _kill_all(self) -> None:
        for number in list(self._agents):
            self._kill(number)

    def folder(self, number: int) -> Path:
        return self._folder / str(number)


async def look_at_the_disks(network: LittleNetwork, kills: int) -> Report:
    """Start all agents here, on what the killed ones left, and compare."""
    community = Community(seats=SEATS, others=1)
    async with trio.open_nursery() as nursery:
        services: list[LedgerService] = []
        addresses: tuple[Address, ...] = ()
        for number in range(SEATS):
            settings = NodeSettings(listen_hosts=("127.0.0.1",), mdns=False, static_peers=addresses)
            identity, genesis = community.identities[number], community.genesis
            node = Node(identity, genesis.network, settings, genesis.body)
            service = LedgerService(genesis, identity, network.folder(number), node)
            node.add_services(service.services())
            await nursery.start(service.run)
            await nursery.start(node.run)
            services.append(service)
            addresses = (*addresses, Address("127.0.0.1", node.port))
        for service in services:
            await service.wait_issuing()
        for said in network.paid | network.final:
            await _wait_final(services, VertexId(bytes.fromhex(said)))
        await wait_equal(services)
        report = Report(
            kills,
            len(network.paid),
            len(network.final),
            services[0].vertices_held,
            services[0].floor_height,
            max((network.folder(one) / OWN_LOG_NAME).stat().st_size for one in range(SEATS)),
            tuple(wrong for service in services for wrong in _wrong(service)),
        )
        nursery.cancel_scope.cancel()
    return report


async def _wait_final(services: Sequence[LedgerService], said: VertexId) -> None:
    """Return when somebody knows it to be final.

    All have one state in the end; who was dead for long has begun with that of others, and does not
    know the names of what lies below.
    """
    await wait_until(lambda: any(service.is_final(said) for service in services))


def _wrong(service: LedgerService) -> list[str]:
    seen = service.statistics()
    wrong = [f"{who.hex()} has forked" for who in seen.forked]
    if seen.supply_held != seen.supply:
        wrong.append(f"the supply is {seen.supply_held}")
    return wrong + [notice for notice in service.notices() if "damaged" in notice]


async def look_in_time(network: LittleNetwork, kills: int, patience_s: float) -> Report:
    """As ``look_at_the_disks``.

    Raises:
        trio.TooSlowError: something that was said to be paid or final is not.
    """
    with trio.fail_after(patience_s):
        return await look_at_the_disks(network, kills)


def verify_disk(network: LittleNetwork, seat: int) -> tuple[str, ...]:
    """Work out anew what is on the disk of ``seat``, as ``fogbank ledger verify`` does."""
    genesis = Community(seats=SEATS, others=1).genesis
    return verify(read_ledger(network.folder(seat), genesis)).differences


def left_out(network: LittleNetwork, seat: int) -> int:
    """Return how many vertices the log of ``seat`` begins without."""
    community = Community(seats=SEATS, others=1)
    net = community.genesis.network
    path = network.folder(seat) / OWN_LOG_NAME
    with path.open("rb") as file:
        found = inspect(file, path.stat().st_size, header(net, community.names[seat]))
        assert isinstance(found, Readable)
        return decode_vertex(next(read_records(file, found.length)), net).seq


def main() -> int:
    """Kill as often as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", default="crashes", help="decides whom and roughly when")
    given = parser.parse_args()
    floors: list[int] = []
    shortened = 0
    for first in range(0, given.kills, KILLS_A_ROUND):
        kills = min(KILLS_A_ROUND, given.kills - first)
        with tempfile.TemporaryDirectory() as folder:
            network = LittleNetwork(Path(folder), f"{given.seed} {first}")
            network.run(kills)
            report = trio.run(look_in_time, network, kills, 300.0)
            differences = [one for seat in range(SEATS) for one in verify_disk(network, seat)]
            least = [left_out(network, seat) for seat in range(SEATS)]
        print(report, f"logs begin at {least}", flush=True)
        floors.append(report.floor)
        shortened += sum(map(bool, least))
        if report.wrong or differences:
            print(differences)
            return 1
    if max(floors) < 1 or not shortened:
        print("nothing was pruned, or no log shortened")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
