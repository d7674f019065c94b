"""How soon agents find each other by mDNS on loopback: JSON lines, one a figure.

Four processes of one node each; nobody is told an address.  ``python benchmarks/discovery.py``.
"""

import json
import platform
import statistics
import subprocess
import sys
from hashlib import blake2b
from importlib.metadata import version
from time import monotonic

import trio

from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.node.node import Node, NodeSettings

AGENTS = 4
ROUNDS = 5
PATIENCE_S = 30
LOOPBACK = ("127.0.0.1",)


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"benchmark": name, "value": round(value, 3), "unit": unit, **more}))


async def run_agent(network: str, number: int) -> None:
    """Print when this agent accepts channels and when it has met all others."""
    settings = NodeSettings(listen_hosts=LOOPBACK, interfaces=LOOPBACK)
    seed = blake2b(f"{network} {number}".encode(), digest_size=32).digest()
    node = Node(Identity.from_seed(seed), NetworkId(bytes.fromhex(network)), settings, genesis=b"")
    async with trio.open_nursery() as nursery:

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            await node.run(task_status=task_status)

        await nursery.start(run)
        print(monotonic(), flush=True)
        async with node.watch_peers() as events:
            while len(node.peers()) < AGENTS - 1:
                await events.receive()
        print(monotonic(), flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()


def measure(round_number: int) -> tuple[float, float]:
    """Return seconds from the first start, and from when the last one listens, to all have met."""
    network = blake2b(f"{monotonic()} {round_number}".encode(), digest_size=8).hexdigest()
    begun = monotonic()
    agents = [
        subprocess.Popen(
            [sys.executable, __file__, network, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(AGENTS)
    ]
    lines = [[float(agent.stdout.readline()) for _ in range(2)] for agent in agents if agent.stdout]
    for agent in agents:
        agent.communicate(timeout=PATIENCE_S)
    listening, met = (max(times) for times in zip(*lines, strict=True))
    return met - begun, met - listening


def main() -> None:
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    machine |= {"zeroconf": version("zeroconf"), "trio": version("trio")}
    rounds = [measure(number) for number in range(ROUNDS)]
    from_start, from_listening = (
        statistics.median(seconds) for seconds in zip(*rounds, strict=True)
    )
    report("discovery of four agents, from their start", from_start, "s", **machine)
    report("discovery of four agents, once all listen", from_listening, "s", **machine)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        trio.run(run_agent, sys.argv[1], int(sys.argv[2]))
    else:
        main()
