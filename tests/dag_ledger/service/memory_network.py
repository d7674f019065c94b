"""A network in memory that stands in for nodes: calls go to the services of the other side."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.failures import CallRefused, CallTimedOut, PeerGone
from fogbank_protocol.node.peers import PeerConnected, PeerEvent, PeerLost
from fogbank_protocol.node.services import OneWayService, RequestService, Service, StreamService

ONE_WAY_WAITING_MAX = 256


class MemoryNetwork:
    """Every node and who can hear whom."""

    def __init__(self) -> None:
        self.nodes: dict[NodeId, MemoryNode] = {}
        self.cut: set[tuple[NodeId, NodeId]] = set()

    def connected(self, one: NodeId, other: NodeId) -> bool:
        return (
            one != other
            and one in self.nodes
            and other in self.nodes
            and (one, other) not in self.cut
            and (other, one) not in self.cut
        )

    def separate(self, one: NodeId, other: NodeId) -> None:
        """Take away the channel between two nodes."""
        was = self.connected(one, other)
        self.cut.add((one, other))
        if was:
            self.nodes[one].publish(PeerLost(other))
            self.nodes[other].publish(PeerLost(one))

    def join(self, one: NodeId, other: NodeId) -> None:
        """Give a channel back."""
        self.cut -= {(one, other), (other, one)}
        if self.connected(one, other):
            self.nodes[one].publish(PeerConnected(other))
            self.nodes[other].publish(PeerConnected(one))


class MemoryNode:
    """One node of a ``MemoryNetwork``; satisfies the ledger's ``Network``."""

    def __init__(self, network: MemoryNetwork, name: NodeId) -> None:
        self._network = network
        self._name = name
        self._services: dict[str, Service] = {}
        self._watchers: set[trio.MemorySendChannel[PeerEvent]] = set()
        self._one_way_send, self._one_way = trio.open_memory_channel[tuple[NodeId, str, bytes]](
            ONE_WAY_WAITING_MAX
        )
        self.cut_off_peers: list[tuple[NodeId, str]] = []
        self.sent_bytes = 0

    def add_services(self, services: Sequence[Service]) -> None:
        self._services.update((service.method, service) for service in services)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        self._network.nodes[self._name] = self
        others = [name for name in self._network.nodes if self._network.connected(self._name, name)]
        try:
            for other in others:
                self._network.nodes[other].publish(PeerConnected(self._name))
                self.publish(PeerConnected(other))
            task_status.started()
            async for peer, method, body in self._one_way:
                service = self._services[method]
                assert isinstance(service, OneWayService)
                try:
                    await service.handler(peer, body)
                except RemoteProtocolError as error:
                    self.cut_off(peer, str(error))
        finally:
            connected = [
                name for name in self._network.nodes if self._network.connected(self._name, name)
            ]
            del self._network.nodes[self._name]
            for other in connected:
                self._network.nodes[other].publish(PeerLost(self._name))

    def publish(self, event: PeerEvent) -> None:
        for watcher in self._watchers:
            watcher.send_nowait(event)

    @asynccontextmanager
    async def watch_peers(self) -> AsyncGenerator[trio.abc.ReceiveChannel[PeerEvent], None]:
        send, receive = trio.open_memory_channel[PeerEvent](1000)
        for other in self._network.nodes:
            if self._network.connected(self._name, other):
                send.send_nowait(PeerConnected(other))
        self._watchers.add(send)
        try:
            yield receive
        finally:
            self._watchers.discard(send)

    async def request(self, peer: NodeId, method: str, body: bytes, *, timeout_s: float) -> bytes:
        service = self._service(peer, method)
        assert isinstance(service, RequestService)
        self.sent_bytes += len(body)
        answer: bytes | None = None
        with trio.move_on_after(timeout_s):
            await trio.lowlevel.checkpoint()
            try:
                answer = await service.handler(self._name, body)
            except RemoteProtocolError as error:
                raise CallRefused("bad_request", str(error)) from error
        if not self._network.connected(self._name, peer):
            raise PeerGone(peer)
        if answer is None:
            raise CallTimedOut(peer, method)
        return answer

    @asynccontextmanager
    async def stream(
        self, peer: NodeId, method: str, body: bytes, *, timeout_s: float
    ) -> AsyncGenerator[AsyncIterator[bytes], None]:
        del timeout_s
        yield self._items(peer, method, body)

    async def _items(self, peer: NodeId, method: str, body: bytes) -> AsyncIterator[bytes]:
        service = self._service(peer, method)
        assert isinstance(service, StreamService)
        items = service.handler(self._name, body)
        assert isinstance(items, AsyncGenerator)
        async with aclosing(items):
            async for item in items:
                if not self._network.connected(self._name, peer):
                    raise PeerGone(peer)
                yield item

    def send_nowait(self, peer: NodeId, method: str, body: bytes) -> bool:
        if not self._network.connected(self._name, peer):
            return False
        self.sent_bytes += len(body)
        try:
            self._network.nodes[peer].deliver(self._name, method, body)
        except trio.WouldBlock:
            return False
        return True

    def deliver(self, sender: NodeId, method: str, body: bytes) -> None:
        self._one_way_send.send_nowait((sender, method, body))

    def cut_off(self, peer: NodeId, message: str) -> None:
        self.cut_off_peers.append((peer, message))
        self._network.separate(self._name, peer)

    def _service(self, peer: NodeId, method: str) -> Service:
        if not self._network.connected(self._name, peer):
            raise PeerGone(peer)
        return self._network.nodes[peer]._services[method]
