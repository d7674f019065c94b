"""What one node takes in: ``python -m benchmarks.ledger_ingest``, JSON lines.

Pages of vertices go into the service as if a peer had pushed them: decoded, signatures checked
beside, inserted, written to SQLite; in seconds that passed.  The machine's own rate of Ed25519
checks, one after another on one core, is measured before and after each run, and the share of it
is taken run by run, for a machine is seldom left alone.  ``agent_us`` is the processor time of the
agent's own process a vertex, ``check_us`` that of one check: where both have a core of their own
the share is the quotient, at most 1.  And a fresh node reads everything from another one over TCP
on loopback, in two processes.  Medians of several runs.
"""

import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time

import trio
from benchmarks.written_network import WrittenNetwork, write_network

from fogbank_agent.limits import GARBAGE_THRESHOLDS
from fogbank_dag_ledger.limits import PAGE_VERTICES_MAX
from fogbank_dag_ledger.messages import VERTICES, encode_vertices, pages
from fogbank_dag_ledger.service import LedgerService
from fogbank_dag_ledger.vertex_codec import check_signature, decode_vertex
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.failures import PeerGone
from fogbank_protocol.node.node import Node, NodeSettings
from fogbank_protocol.node.peers import PeerEvent
from fogbank_protocol.node.services import OneWayService

VERTICES_EACH = 20_000
CHECKS = 4_000
RUNS = 5
AHEAD_MAX = 512
PEER = NodeId(b"p" * 32)
READER = Identity.from_seed(b"r" * 32)
SERVER = Identity.from_seed(b"s" * 32)


class _NoPeers:
    """A network without anyone else in it."""

    @asynccontextmanager
    async def watch_peers(self) -> AsyncGenerator[trio.abc.ReceiveChannel[PeerEvent], None]:
        send, receive = trio.open_memory_channel[PeerEvent](0)
        with send, receive:
            yield receive

    async def request(self, peer: NodeId, method: str, body: bytes, *, timeout_s: float) -> bytes:
        del method, body, timeout_s
        await trio.lowlevel.checkpoint()
        raise PeerGone(peer)

    def stream(
        self, peer: NodeId, method: str, body: bytes, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        del method, body, timeout_s
        raise PeerGone(peer)

    def send_nowait(self, peer: NodeId, method: str, body: bytes) -> bool:
        del peer, method, body
        return False

    def cut_off(self, peer: NodeId, message: str) -> None:
        raise AssertionError(f"{peer.hex()} was cut off: {message}")


def _print(figure: str, rates: Sequence[float], **more: object) -> None:
    line = {"figure": figure, "value": round(statistics.median(rates)), "unit": "vertices/s"}
    versions = {name: version(name) for name in ("trio", "networkx", "msgpack", "pynacl")}
    machine = f"{platform.machine()} {platform.system()}"
    more = {"best": round(max(rates)), "runs": len(rates), **more, "machine": machine}
    print(json.dumps({**line, **more, "python": platform.python_version(), **versions}), flush=True)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one vertex cost, in seconds."""

    passed: float
    agent: float
    check: float


def _check_s(network: WrittenNetwork) -> float:
    """Return how long one check of a signature takes now, in seconds."""
    genesis = network.genesis
    vertices = [decode_vertex(wire, genesis.network) for wire in network.wires[:CHECKS]]
    start = perf_counter()
    for vertex in vertices:
        check_signature(vertex, genesis.network)
    return (perf_counter() - start) / len(vertices)


def _ingest_run(network: WrittenNetwork, folder: Path) -> _Run:
    before = _check_s(network)
    passed, agent = trio.run(_ingest, network, folder)
    return _Run(passed, agent, (before + _check_s(network)) / 2)


async def _ingest(network: WrittenNetwork, folder: Path) -> tuple[float, float]:
    """Return the seconds that passed a vertex, and those of this process's threads."""
    service = LedgerService(network.genesis, READER, folder, _NoPeers())
    (push,) = (
        offered
        for offered in service.services()
        if isinstance(offered, OneWayService) and offered.method == VERTICES
    )
    bodies = [encode_vertices(page) for page in pages(network.wires)]
    async with trio.open_nursery() as nursery:
        await nursery.start(service.run)
        start, worked = perf_counter(), process_time()
        for number, body in enumerate(bodies):
            # Vertices further ahead of the final ones than a window are not taken.
            while number * PAGE_VERTICES_MAX > service.vertices_held + AHEAD_MAX:  # noqa: ASYNC110
                await trio.sleep(0.001)
            await push.handler(PEER, body)
        while service.vertices_held < len(network.wires):  # noqa: ASYNC110
            await trio.sleep(0.005)
        nursery.cancel_scope.cancel()
    count = len(network.wires)
    return (perf_counter() - start) / count, (process_time() - worked) / count


def _node(identity: Identity, network: WrittenNetwork, peers: tuple[Address, ...]) -> Node:
    settings = NodeSettings(listen_hosts=("127.0.0.1",), mdns=False, static_peers=peers)
    return Node(identity, network.genesis.network, settings, network.genesis.body)


async def _serve(folder: Path) -> None:
    """Hold the written network and let others read it, until killed."""
    network = write_network(4, 50, VERTICES_EACH)
    await _ingest(network, folder)
    node = _node(SERVER, network, ())
    service = LedgerService(network.genesis, READER, folder, node)
    node.add_services(service.services())
    async with trio.open_nursery() as nursery:
        await nursery.start(service.run)
        await nursery.start(node.run)
        print(node.port, flush=True)


async def _sync(network: WrittenNetwork, folder: Path, port: int) -> float:
    node = _node(READER, network, (Address("127.0.0.1", port),))
    service = LedgerService(network.genesis, READER, folder, node)
    node.add_services(service.services())
    async with trio.open_nursery() as nursery:
        await nursery.start(service.run)
        start = perf_counter()
        await nursery.start(node.run)
        while service.vertices_held < len(network.wires):  # noqa: ASYNC110
            await trio.sleep(0.02)
        elapsed = perf_counter() - start
        nursery.cancel_scope.cancel()
    return len(network.wires) / elapsed


def main() -> None:
    """Print the figures."""
    # As the agent does.
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    if sys.argv[1:2] == ["--serve"]:
        trio.run(_serve, Path(sys.argv[2]))
        return
    for validators, accounts in ((4, 50), (20, 200)):
        network = write_network(validators, accounts, VERTICES_EACH)
        with tempfile.TemporaryDirectory() as folder:
            runs = [_ingest_run(network, Path(folder) / str(run)) for run in range(RUNS)]
        _print(
            "ledger ingest with signatures and SQLite",
            [1 / run.passed for run in runs],
            validators=validators,
            issuers=validators + accounts,
            cores=os.cpu_count(),
            checks_per_s=round(statistics.median(1 / run.check for run in runs)),
            share_of_checks=round(statistics.median(run.check / run.passed for run in runs), 2),
            best_share=round(max(run.check / run.passed for run in runs), 2),
            agent_us=round(statistics.median(1e6 * run.agent for run in runs)),
            check_us=round(statistics.median(1e6 * run.check for run in runs)),
        )
    network = write_network(4, 50, VERTICES_EACH)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.ledger_ingest", "--serve", f"{folder}/server"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            rates = [trio.run(_sync, network, Path(folder) / str(run), port) for run in range(RUNS)]
            server.kill()
    _print("sync of a fresh node over TCP, two processes", rates, cores=os.cpu_count())


if __name__ == "__main__":
    main()
