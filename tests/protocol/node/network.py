"""Small networks of real nodes on loopback, for tests."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from fogbank_protocol.channel.channel import SecureChannel
from fogbank_protocol.channel.noise import Role
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.handlers import Services
from fogbank_protocol.node.handshake import shake_hands
from fogbank_protocol.node.node import Node, NodeSettings, Service
from fogbank_protocol.node.session import Session

NETWORK = NetworkId(b"test-net")
GENESIS = b"the genesis of the tests"
LOOPBACK = ("127.0.0.1",)


def identity(number: int) -> Identity:
    """Return a key pair that stays the same from test to test."""
    return Identity.from_seed(bytes([number]) * 32)


ANN, BEN, CAT = sorted((identity(n) for n in (1, 2, 3)), key=lambda one: one.node_id)
"""Three agents, by rising node id."""


def make_node(
    own: Identity,
    *,
    services: Sequence[Service] = (),
    static_peers: Sequence[Address] = (),
    blobs: BlobStore | None = None,
    port: int = 0,
    mdns: bool = False,
    addresses_file: Path | None = None,
) -> Node:
    """Return a node on loopback that has not begun to run."""
    settings = NodeSettings(
        listen_hosts=LOOPBACK,
        port=port,
        interfaces=LOOPBACK,
        mdns=mdns,
        static_peers=tuple(static_peers),
        addresses_file=addresses_file,
    )
    return Node(own, NETWORK, settings, GENESIS, services, blobs=blobs)


def address_of(node: Node) -> Address:
    """Return where a running ``node`` accepts channels."""
    return Address("127.0.0.1", node.port)


async def wait_connected(node: Node, count: int) -> None:
    """Wait until ``node`` has ``count`` peers."""
    present = 0
    async with node.watch_peers() as events:
        while present < count:
            await events.receive()
            present = len(node.peers())


async def start(nursery: trio.Nursery, node: Node) -> None:
    """Run ``node`` in ``nursery`` and return when it accepts channels."""

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        await node.run(task_status=task_status)

    await nursery.start(run)


@asynccontextmanager
async def running(*nodes: Node) -> AsyncGenerator[trio.Nursery]:
    """Run ``nodes``, at most ten seconds of the clock in use."""
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            for node in nodes:
                await start(nursery, node)
            yield nursery
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def connected_pair(
    services_of_ann: Sequence[Service] = (), services_of_ben: Sequence[Service] = ()
) -> AsyncGenerator[tuple[Node, Node]]:
    """Run two nodes with a channel between them, opened by the second."""
    ann = make_node(ANN, services=services_of_ann)
    async with running(ann) as nursery:
        ben = make_node(BEN, services=services_of_ben, static_peers=[address_of(ann)])
        await start(nursery, ben)
        await wait_connected(ann, 1)
        await wait_connected(ben, 1)
        yield ann, ben


async def open_session(
    stream: trio.abc.HalfCloseableStream,
    own: Identity,
    services: Services | None = None,
    *,
    role: Role = Role.INITIATOR,
    network: NetworkId = NETWORK,
    port: int = 0,
) -> Session:
    """Shake hands over ``stream`` and return the session, not yet running."""
    channel = SecureChannel(
        role,
        own,
        network,
        static_key_seed=own.node_id,
        ephemeral_seed=bytes([role is Role.INITIATOR]) * 32,
        port=port,
    )
    done = await shake_hands(stream, channel, is_wanted=lambda _: True)
    return Session(stream, channel, done.peer, services or Services())


@asynccontextmanager
async def session_pair(
    services_of_ann: Sequence[Service] = (), services_of_ben: Sequence[Service] = ()
) -> AsyncGenerator[tuple[Session, Session]]:
    """Run two sessions, Ann's and Ben's, joined by memory streams."""
    near, far = trio.testing.memory_stream_pair()
    sessions: dict[Identity, Session] = {}

    async def open_one(
        stream: trio.abc.HalfCloseableStream, own: Identity, role: Role, served: Sequence[Service]
    ) -> None:
        services = Services()
        services.by_method.update({service.method: service for service in served})
        sessions[own] = await open_session(stream, own, services, role=role)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(open_one, near, ANN, Role.INITIATOR, services_of_ann)
        nursery.start_soon(open_one, far, BEN, Role.RESPONDER, services_of_ben)
    async with trio.open_nursery() as nursery:
        for session in sessions.values():
            nursery.start_soon(session.run)
        yield sessions[ANN], sessions[BEN]
        nursery.cancel_scope.cancel()
