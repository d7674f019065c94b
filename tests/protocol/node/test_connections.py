"""Channels over real loopback sockets: dialling, duplicates, strangers (SPEC.md 3.2, 5.3, 5.4)."""

import logging
import secrets
from contextlib import AsyncExitStack, suppress

import pytest
import trio
import trio.lowlevel

from fogbank_protocol.channel.channel import SecureChannel
from fogbank_protocol.channel.noise import Role
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.limits import CHANNELS_PER_PEER_MAX, HALF_OPEN_PER_HOST_MAX
from fogbank_protocol.node.connections import Connections
from fogbank_protocol.node.failures import CannotListen, PeerGone, PortInUse
from fogbank_protocol.node.handlers import Services
from fogbank_protocol.node.node import Node, NodeSettings, PeerConnected, PeerLost, RequestService
from fogbank_protocol.node.tcp import connect

from .network import (
    ANN,
    BEN,
    CAT,
    LOOPBACK,
    NETWORK,
    address_of,
    connected_pair,
    identity,
    make_node,
    open_session,
    running,
    start,
    wait_connected,
)


async def echo(peer: NodeId, body: bytes) -> bytes:
    await trio.lowlevel.checkpoint()
    return body


ECHO = RequestService("test.echo", echo)


async def test_a_static_peer_is_dialled_and_called() -> None:
    async with connected_pair(services_of_ann=[ECHO], services_of_ben=[ECHO]) as (ann, ben):
        assert await ben.request(ANN.node_id, "test.echo", b"to ann", timeout_s=5) == b"to ann"
        assert await ann.request(BEN.node_id, "test.echo", b"to ben", timeout_s=5) == b"to ben"
        (info,) = ann.peers()
        assert info.node_id == BEN.node_id
        assert info.host == "127.0.0.1"
        assert info.port == ben.port
        assert not info.opened_here
        assert ben.peers()[0].opened_here
        assert ben.peers()[0].round_trip_s is not None


async def test_two_that_dial_each_other_at_once_end_with_one_channel() -> None:
    for _ in range(5):
        ann = make_node(ANN, services=[ECHO])
        async with running(ann) as nursery:
            # Ben listens where Ann will look for him, and both begin at the same moment.
            ben = make_node(BEN, services=[ECHO])
            await start(nursery, ben)
            async with trio.open_nursery() as dials:
                for node, other in ((ann, ben), (ben, ann)):
                    dials.start_soon(dial, node, address_of(other))
                await wait_connected(ann, 1)
                await wait_connected(ben, 1)
                await ann.request(BEN.node_id, "test.echo", b"", timeout_s=5)
                await ben.request(ANN.node_id, "test.echo", b"", timeout_s=5)
                assert len(ann.peers()) == len(ben.peers()) == 1
                assert ann.peers()[0].opened_here != ben.peers()[0].opened_here
                dials.cancel_scope.cancel()


async def dial(node: Node, address: Address) -> None:
    """Dial as the node does when a hint tells it to."""
    await node._connections._dial(address)  # pyright: ignore[reportPrivateUsage]


async def test_an_agent_that_is_told_its_own_address_does_not_talk_to_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    ann = make_node(ANN)
    async with running(ann) as nursery:
        port = ann.port
        nursery.cancel_scope.cancel()
    ann = make_node(ANN, port=port, static_peers=[Address("127.0.0.1", port)])
    async with running(ann) as nursery:
        ben = make_node(BEN, static_peers=[address_of(ann)])
        await start(nursery, ben)
        await wait_connected(ann, 1)
        assert [info.node_id for info in ann.peers()] == [BEN.node_id]
    # It was no failure either, which would be tried again and again.
    assert "no channel to" not in caplog.text


async def test_a_peer_that_is_here_already_is_not_opened_a_second_time() -> None:
    async with connected_pair() as (ann, ben):
        before = (ann.peers()[0].connected_since, ben.peers()[0].connected_since)
        await dial(ann, address_of(ben))
        await dial(ben, address_of(ann))
        assert (ann.peers()[0].connected_since, ben.peers()[0].connected_since) == before


async def test_agents_of_another_network_do_not_connect() -> None:
    ann = make_node(ANN)
    async with running(ann):
        async with await connect(address_of(ann)) as stream:
            with pytest.raises(RemoteProtocolError):
                await open_session(stream, BEN, network=NetworkId(b"elsewher"))
        assert ann.peers() == []


async def test_a_peer_that_stops_is_lost_and_its_calls_fail() -> None:
    async def wait(peer: NodeId, body: bytes) -> bytes:
        await trio.sleep_forever()
        return b""

    ann = make_node(ANN)
    async with running(ann), trio.open_nursery() as of_ben:
        ben = make_node(
            BEN, services=[RequestService("test.wait", wait)], static_peers=[address_of(ann)]
        )
        await start(of_ben, ben)
        await wait_connected(ann, 1)
        async with trio.open_nursery() as calls:

            @calls.start_soon
            async def ask() -> None:
                with pytest.raises(PeerGone):
                    await ann.request(BEN.node_id, "test.wait", b"", timeout_s=60)

            await trio.testing.wait_all_tasks_blocked()
            of_ben.cancel_scope.cancel()
        assert not ann.is_connected(BEN.node_id)


@pytest.mark.slow
async def test_a_restarted_peer_is_found_again() -> None:
    ann = make_node(ANN)
    async with running(ann) as nursery:
        ben = make_node(BEN, static_peers=[address_of(ann)])
        async with trio.open_nursery() as life:
            await start(life, ben)
            await wait_connected(ann, 1)
            port = ben.port
            life.cancel_scope.cancel()
        ben = make_node(BEN, port=port)
        await start(nursery, ben)
        # Ben knows nobody now: it is Ann who dials, where he said that he accepts channels.
        await wait_connected(ben, 1)


async def test_three_become_a_mesh_though_two_know_only_the_third() -> None:
    ann = make_node(ANN)
    async with running(ann) as nursery:
        ben = make_node(BEN, static_peers=[address_of(ann)])
        await start(nursery, ben)
        await wait_connected(ann, 1)
        cat = make_node(CAT, static_peers=[address_of(ann)])
        await start(nursery, cat)
        for node in (ann, ben, cat):
            await wait_connected(node, 2)


async def test_a_peer_that_is_cut_off_is_told_why_and_kept_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected_pair() as (ann, ben):
        async with ben.watch_peers() as events:
            await events.receive()
            ann.cut_off(BEN.node_id, "more than 1 % of it was invalid")
            await events.receive()
        assert "says goodbye: protocol_error more than 1 % of it was invalid" in caplog.text
        async with await connect(address_of(ann)) as stream:
            await open_session(stream, BEN)
            await wait_closed(stream)
        assert ann.peers() == []


async def test_a_port_in_use_is_told_in_a_sentence() -> None:
    ann = make_node(ANN)
    async with running(ann):
        with pytest.raises(PortInUse, match=r"in use by another program: choose another port"):
            await make_node(BEN, port=ann.port).run()


async def test_a_host_of_another_machine_is_told_in_a_sentence() -> None:
    node = Node(ANN, NETWORK, NodeSettings(listen_hosts=("192.0.2.1",), mdns=False), b"")
    with pytest.raises(CannotListen, match="not an address of this machine"):
        await node.run()


GARBAGE = [
    b"",
    b"\x00",
    b"\x00\x00",
    b"GET / HTTP/1.1\r\nHost: fogbank\r\n\r\n",
    b"\xff" * 200_000,
    b"\x00\x20" + bytes(32),
    b"\x00\x20" + secrets.token_bytes(32),
    b"\x00\x20" + b"\x09" + bytes(31) + b"\x00\x40" + bytes(64),
    b"\x00\x30" + secrets.token_bytes(48),
]


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_on_the_socket_ends_that_stream_and_nothing_else(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ann = make_node(ANN, services=[ECHO])
    async with running(ann) as nursery:
        async with await connect(address_of(ann)) as stream:
            with suppress(trio.BrokenResourceError):
                await stream.send_all(data)
                await stream.send_eof()
            await wait_closed(stream)
        ben = make_node(BEN, static_peers=[address_of(ann)])
        await start(nursery, ben)
        await wait_connected(ben, 1)
        assert await ben.request(ANN.node_id, "test.echo", b"x", timeout_s=5) == b"x"
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_replayed_bytes_of_another_handshake_open_nothing() -> None:
    ann = make_node(ANN)
    async with running(ann):
        channel = SecureChannel(
            Role.INITIATOR,
            BEN,
            NETWORK,
            static_key_seed=bytes(32),
            ephemeral_seed=b"e" * 32,
            port=0,
        )
        recorded = channel.data_to_send()
        async with ann.watch_peers() as events:
            async with await connect(address_of(ann)) as stream:
                await stream.send_all(recorded)
                channel.receive_data(bytes(await stream.receive_some()))
                channel.next_event()
                third = channel.data_to_send()
                await stream.send_all(third)
                assert await events.receive() == PeerConnected(BEN.node_id)
            assert await events.receive() == PeerLost(BEN.node_id)
        async with await connect(address_of(ann)) as stream:
            await stream.send_all(recorded + third)
            await wait_closed(stream)
        assert ann.peers() == []


async def wait_closed(stream: trio.SocketStream) -> None:
    """Read until the other side closes, properly or not."""
    with suppress(trio.BrokenResourceError):
        while await stream.receive_some():
            pass


async def test_slow_strangers_are_dropped_and_do_not_keep_others_out() -> None:
    ann = make_node(ANN)
    async with running(ann) as nursery:
        slow = [await connect(address_of(ann)) for _ in range(HALF_OPEN_PER_HOST_MAX + 3)]
        for stream in slow:
            await stream.send_all(b"\x00")
        # The oldest had to make room.
        await wait_closed(slow[0])
        ben = make_node(BEN, static_peers=[address_of(ann)])
        await start(nursery, ben)
        await wait_connected(ann, 1)
        for stream in slow:
            await stream.aclose()


async def test_one_peer_cannot_have_any_number_of_duplicates() -> None:
    ann = make_node(ANN)
    async with running(ann), AsyncExitStack() as opened:
        for _ in range(CHANNELS_PER_PEER_MAX):
            stream = await opened.enter_async_context(await connect(address_of(ann)))
            await open_session(stream, BEN)
            # Waits until Ann counts it: her ping is the first thing that she sends.
            await stream.receive_some()
        async with await connect(address_of(ann)) as stream:
            await open_session(stream, BEN)
            assert await stream.receive_some() == b""
        async with await connect(address_of(ann)) as stream:
            await open_session(stream, CAT)
            assert await stream.receive_some() != b""


async def test_with_all_channels_taken_a_stranger_is_dropped_before_it_costs_anything() -> None:
    ann = Connections(ANN, NETWORK, Services(), on_reached=lambda _peer, _at: None, channels_max=1)
    listeners = await ann.listen(LOOPBACK, 0)
    address = Address("127.0.0.1", ann.port)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(ann.run, listeners)
            async with await connect(address) as first:
                await open_session(first, BEN)
                await first.receive_some()
                async with await connect(address) as second:
                    assert await second.receive_some() == b""
            async with ann.watches.watch() as events:
                assert await events.receive() == PeerConnected(BEN.node_id)
                assert await events.receive() == PeerLost(BEN.node_id)
            async with await connect(address) as third:
                await open_session(third, CAT)
            nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_many_agents_become_a_mesh_by_one_address() -> None:
    first = make_node(identity(10))
    async with running(first) as nursery:
        nodes = [first]
        for number in range(11, 17):
            node = make_node(identity(number), static_peers=[address_of(first)])
            await start(nursery, node)
            await wait_connected(node, 1)
            nodes.append(node)
        for node in nodes[-2:]:
            await wait_connected(node, len(nodes) - 1)
