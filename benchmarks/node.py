"""What two nodes do over loopback TCP, one process each: JSON lines, one a figure.

``python benchmarks/node.py``.
"""

import json
import platform
import statistics
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import trio

from fogbank_protocol.blobs.naming import BlobId, blob_id
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import Identity, NetworkId, NodeId
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.blob_transfer import fetch_blob
from fogbank_protocol.node.node import Node, NodeSettings, RequestService

ROUNDS = 5
CALLS = 5_000
BLOB_BYTES = 64 * 1024 * 1024
BODY = bytes(32)
NETWORK = NetworkId(b"measured")
LOOPBACK = ("127.0.0.1",)
SERVER, CLIENT = (Identity.from_seed(bytes([number]) * 32) for number in (1, 2))


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"benchmark": name, "value": round(value, 3), "unit": unit, **more}))


async def echo(peer: NodeId, body: bytes) -> bytes:
    return body


def large_blob() -> bytes:
    return b"".join(number.to_bytes(1024, "big") for number in range(BLOB_BYTES // 1024))


@asynccontextmanager
async def running(node: Node) -> AsyncGenerator[None]:
    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        await node.run(task_status=task_status)

    async with trio.open_nursery() as nursery:
        await nursery.start(run)
        yield
        nursery.cancel_scope.cancel()


async def serve(folder: str) -> None:
    """Answer until standard input ends."""
    store = BlobStore(Path(folder))
    await store.put(large_blob())
    settings = NodeSettings(listen_hosts=LOOPBACK, mdns=False)
    node = Node(SERVER, NETWORK, settings, b"", [RequestService("bench.echo", echo)], blobs=store)
    async with running(node):
        print(node.port, flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)


async def call_repeatedly(node: Node, in_flight: int) -> None:
    left = CALLS

    async def call() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await node.request(SERVER.node_id, "bench.echo", BODY, timeout_s=30)

    async with trio.open_nursery() as nursery:
        for _ in range(in_flight):
            nursery.start_soon(call)


async def median_seconds(action: Callable[[], Awaitable[None]]) -> float:
    seconds: list[float] = []
    for _ in range(ROUNDS):
        begun = perf_counter()
        await action()
        seconds.append(perf_counter() - begun)
    return statistics.median(seconds)


async def fetch(node: Node, name: BlobId) -> None:
    with TemporaryDirectory() as folder:
        await fetch_blob(node, BlobStore(Path(folder)), name, [SERVER.node_id], timeout_s=60)


async def measure(port: int) -> None:
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    machine |= {"trio": version("trio"), "cryptography": version("cryptography")}
    settings = NodeSettings(listen_hosts=(), mdns=False, static_peers=(Address("127.0.0.1", port),))
    node = Node(CLIENT, NETWORK, settings, b"")
    async with running(node):
        async with node.watch_peers() as events:
            await events.receive()
        for in_flight in (1, 64):
            seconds = await median_seconds(partial(call_repeatedly, node, in_flight))
            report(f"calls with {in_flight} in flight", CALLS / seconds, "calls/s", **machine)
        name = blob_id(large_blob())
        seconds = await median_seconds(partial(fetch, node, name))
        report("a blob of 64 MiB, disk to disk", BLOB_BYTES / seconds / 1e6, "MB/s", **machine)


def main() -> None:
    with TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, __file__, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert server.stdout is not None
        try:
            trio.run(measure, int(server.stdout.readline()))
        finally:
            server.communicate()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        trio.run(serve, sys.argv[1])
    else:
        main()
