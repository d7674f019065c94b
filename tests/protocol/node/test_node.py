"""A whole node: its services, its end, and mDNS with several (SPEC.md sections 5 and 6)."""

from collections.abc import AsyncIterator

import pytest
import trio

from fogbank_protocol.discovery.peer_list import decode_peers, encode_peers
from fogbank_protocol.errors import LocalProtocolError
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.node.failures import CallRefused, PeerGone
from fogbank_protocol.node.node import (
    Node,
    NodeSettings,
    PeerConnected,
    PeerLost,
    RequestService,
    Service,
    StreamService,
)

from .network import (
    ANN,
    BEN,
    CAT,
    GENESIS,
    LOOPBACK,
    address_of,
    connected_pair,
    identity,
    make_node,
    running,
    start,
    wait_connected,
)


async def echo(peer: NodeId, body: bytes) -> bytes:
    await trio.lowlevel.checkpoint()
    return body


async def test_a_node_tells_the_genesis_and_whom_it_knows() -> None:
    ann = make_node(ANN)
    async with running(ann) as nursery:
        ben = make_node(BEN, static_peers=[address_of(ann)])
        await start(nursery, ben)
        await wait_connected(ben, 1)
        genesis = await ben.request(ANN.node_id, "network.genesis", b"", timeout_s=5)
        assert genesis == GENESIS
        alone = await ben.request(ANN.node_id, "peers.list", b"", timeout_s=5)
        assert decode_peers(alone) == []
        cat = make_node(CAT, static_peers=[address_of(ann)])
        await start(nursery, cat)
        await wait_connected(cat, 1)
        (told,) = decode_peers(await ben.request(ANN.node_id, "peers.list", b"", timeout_s=5))
        assert (told.node_id, told.address) == (CAT.node_id, address_of(cat))
        for method in ("network.genesis", "peers.list"):
            with pytest.raises(CallRefused, match="bad_request"):
                await ben.request(ANN.node_id, method, b"x", timeout_s=5)


async def test_a_peer_that_answers_nonsense_about_others_is_cut_off() -> None:
    async def nonsense(peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        return encode_peers([]) + b"!"

    ann = make_node(ANN)
    ben = make_node(BEN)
    ben._services.by_method["peers.list"] = RequestService("peers.list", nonsense)  # pyright: ignore[reportPrivateUsage]
    async with running(ben) as nursery:
        ann = make_node(ANN, static_peers=[address_of(ben)])
        async with ann.watch_peers() as events:
            await start(nursery, ann)
            assert await events.receive() == PeerConnected(BEN.node_id)
            assert await events.receive() == PeerLost(BEN.node_id)


def test_a_method_is_served_once() -> None:
    node = make_node(ANN, services=[RequestService("test.echo", echo)])
    with pytest.raises(LocalProtocolError, match=r"test\.echo is served twice"):
        node.add_services([RequestService("test.echo", echo)])


async def test_services_may_be_added_to_a_node_that_exists() -> None:
    async with connected_pair() as (ann, ben):
        ann.add_services([RequestService("test.echo", echo)])
        assert await ben.request(ANN.node_id, "test.echo", b"x", timeout_s=5) == b"x"


async def test_who_is_not_there_cannot_be_called() -> None:
    async def nothing(peer: NodeId, body: bytes) -> bytes:
        return body

    async with running(ann := make_node(ANN, services=[RequestService("test.echo", nothing)])):
        with pytest.raises(PeerGone):
            await ann.request(BEN.node_id, "test.echo", b"", timeout_s=5)
        with pytest.raises(PeerGone):
            async with ann.stream(BEN.node_id, "test.echo", b"", timeout_s=5):
                pass
        assert not ann.send_nowait(BEN.node_id, "test.echo", b"")
        assert not ann.is_connected(BEN.node_id)


async def test_asking_a_request_for_a_stream_is_an_unknown_method() -> None:
    services = [RequestService("test.echo", echo)]
    async with (
        connected_pair(services_of_ann=services) as (_, ben),
        ben.stream(ANN.node_id, "test.echo", b"", timeout_s=5) as items,
    ):
        with pytest.raises(CallRefused, match="unknown_method"):
            await anext(items)


@pytest.mark.slow
async def test_a_large_stream_does_not_hold_up_small_calls() -> None:
    async def flood(peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        while True:
            await trio.lowlevel.checkpoint()
            yield bytes(65_536)

    services: list[Service] = [
        RequestService("test.echo", echo),
        StreamService("test.flood", flood),
    ]
    async with connected_pair(services_of_ann=services) as (_, ben):

        async def swallow() -> None:
            async with ben.stream(ANN.node_id, "test.flood", b"", timeout_s=60) as items:
                async for _ in items:
                    pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(swallow)
            for _ in range(50):
                await ben.request(ANN.node_id, "test.echo", b"x", timeout_s=5)
            nursery.cancel_scope.cancel()


async def test_stopping_a_node_says_goodbye(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "fogbank_protocol")
    ann = make_node(ANN)
    async with running(ann):
        async with trio.open_nursery() as life:
            await start(life, make_node(BEN, static_peers=[address_of(ann)]))
            await wait_connected(ann, 1)
            life.cancel_scope.cancel()
        async with ann.watch_peers() as events:
            while ann.peers():
                await events.receive()
    assert "says goodbye: shutting_down this agent stops" in caplog.text


@pytest.mark.slow
async def test_four_agents_find_each_other_by_mdns_and_ignore_another_network() -> None:
    nodes = [make_node(identity(number), mdns=True) for number in range(20, 24)]
    settings = NodeSettings(listen_hosts=LOOPBACK, interfaces=LOOPBACK)
    stranger = Node(identity(30), NetworkId(b"stranger"), settings, b"")
    async with running(stranger, *nodes):
        for node in nodes:
            await wait_connected(node, 3)
        assert not stranger.peers()
