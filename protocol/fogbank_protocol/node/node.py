"""A node: listens, finds peers, keeps one channel to each, and carries calls (SPEC.md 3 to 6)."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trio

from ..discovery.address import Address
from ..discovery.candidates import Source
from ..discovery.dialling import AddressLearnt
from ..errors import LocalProtocolError
from ..identity import Identity, NetworkId, NodeId
from .blob_moves import BlobMoves
from .blob_services import blob_services
from .blob_store import BlobStore
from .connections import Connections
from .failures import CallFailure, CallRefused, CallTimedOut, CannotListen, PeerGone, PortInUse
from .handlers import Services
from .hints import LIST_PEERS, Hints, answer_list_peers
from .peers import PeerConnected, PeerEvent, PeerInfo, PeerLost
from .remembered_addresses import RememberedAddresses
from .services import OneWayService, RequestService, Service, StreamService
from .session import Session
from .settings import NodeSettings

__all__ = [
    "CallFailure",
    "CallRefused",
    "CallTimedOut",
    "CannotListen",
    "Node",
    "NodeSettings",
    "OneWayService",
    "PeerConnected",
    "PeerEvent",
    "PeerGone",
    "PeerInfo",
    "PeerLost",
    "PortInUse",
    "RequestService",
    "Service",
    "StreamService",
]

GET_GENESIS = "network.genesis"


class Node:
    """One agent on the network, for everything above the wire."""

    def __init__(
        self,
        identity: Identity,
        network: NetworkId,
        settings: NodeSettings,
        genesis: bytes,
        services: Sequence[Service] = (),
        *,
        blobs: BlobStore | None = None,
    ) -> None:
        """Serve ``services``, the network's ``genesis`` body and what is in ``blobs``.

        Nothing is opened before ``run``.

        Raises:
            LocalProtocolError: two services have the same method.
        """
        self.blob_moves = BlobMoves()
        """Tells what blobs are read from peers and by them."""

        self._identity = identity
        self._network = network
        self._settings = settings
        self._genesis = genesis
        self._services = Services()
        self._remembered = RememberedAddresses(settings.addresses_file)
        self._connections = Connections(
            identity,
            network,
            self._services,
            on_reached=self._remembered.remember,
            kept_peers=settings.kept_peers,
        )
        self._hints = Hints(
            identity.node_id, network, settings, self._connections, self._remembered
        )
        self.add_services(
            [
                RequestService(LIST_PEERS, self._list_peers, body_bytes_max=0),
                RequestService(GET_GENESIS, self._get_genesis, body_bytes_max=0),
                *(blob_services(blobs, self.blob_moves) if blobs is not None else []),
                *services,
            ]
        )

    def add_services(self, services: Sequence[Service]) -> None:
        """Serve ``services`` too; best before ``run``, or early peers get ``unknown_method``.

        Raises:
            LocalProtocolError: a method is served already.
        """
        for service in services:
            if service.method in self._services.by_method:
                raise LocalProtocolError(f"{service.method} is served twice")
            self._services.by_method[service.method] = service

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; ``task_status`` is told when channels are accepted.

        When cancelled, says goodbye on mDNS and to every peer, within a second or so.

        Raises:
            PortInUse: another program listens at the port.
            CannotListen: a host of the settings is not of this machine.
        """
        listeners = await self._connections.listen(self._settings.listen_hosts, self._settings.port)
        async with trio.open_nursery() as nursery:
            await nursery.start(self._connections.run, listeners)
            nursery.start_soon(self._remembered.run)
            nursery.start_soon(self._hints.run)
            task_status.started()

    @property
    def node_id(self) -> NodeId:
        """This node's own name."""
        return self._identity.node_id

    @property
    def network(self) -> NetworkId:
        """The network this node belongs to."""
        return self._network

    @property
    def port(self) -> int:
        """The TCP port on which channels are accepted; 0 before ``run`` has started or for none."""
        return self._connections.port

    def peers(self) -> Sequence[PeerInfo]:
        """Return the peers with an open channel, in the order in which they came."""
        return self._connections.infos()

    def is_connected(self, peer: NodeId) -> bool:
        """Tell whether a channel to ``peer`` is open."""
        return self._connections.session(peer) is not None

    def watch_peers(self) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[PeerEvent]]:
        """Receive who comes and goes, beginning with a ``PeerConnected`` for everyone here.

        A slow receiver loses nothing that still matters: what it has not yet seen is merged, so
        that at most two events a peer wait.
        """
        return self._connections.watches.watch()

    async def request(self, peer: NodeId, method: str, body: bytes, *, timeout_s: float) -> bytes:
        """Call ``method`` of ``peer`` and return the response's body.

        ``timeout_s`` is at most 3600 s and travels with the call.  Cancelling the caller cancels
        the call at the other side.

        Raises:
            PeerGone: no channel, or it closed before the answer.
            CallRefused: the peer answered with an error.
            CallTimedOut: no answer in ``timeout_s``.
        """
        return await self._session(peer).request(method, body, timeout_s=timeout_s)

    @asynccontextmanager
    async def stream(
        self, peer: NodeId, method: str, body: bytes, *, timeout_s: float
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Call the stream ``method`` of ``peer``; the items come from the async iterator.

        Leaving the ``async with`` cancels what is still to come.  The iterator raises what
        ``request`` raises; the items that came before an error are delivered first.
        """
        async with self._session(peer).stream(method, body, timeout_s=timeout_s) as items:
            yield items

    def send_nowait(self, peer: NodeId, method: str, body: bytes) -> bool:
        """Send a one-way message; False when ``peer`` is gone or its outbound buffer is full."""
        session = self._connections.session(peer)
        return session is not None and session.send_nowait(method, body)

    def hint(self, peer: NodeId, address: Address) -> None:
        """Take in that ``peer`` may be at ``address``, as a neighbour told: it is dialled soon."""
        self._connections.learn(AddressLearnt(address, peer, Source.TOLD))

    def cut_off(self, peer: NodeId, message: str) -> None:
        """Close the channel to a peer that misbehaves, tell it why, and refuse it for a while.

        The goodbye is ``protocol_error`` with ``message`` (at most 256 bytes); the peer is neither
        dialled nor accepted for ``CUT_OFF_S``.
        """
        self._connections.cut_off(peer, message)

    def _session(self, peer: NodeId) -> Session:
        session = self._connections.session(peer)
        if session is None:
            raise PeerGone(peer)
        return session

    async def _list_peers(self, peer: NodeId, body: bytes) -> bytes:
        del body
        await trio.lowlevel.checkpoint()
        return answer_list_peers(self._connections, peer)

    async def _get_genesis(self, peer: NodeId, body: bytes) -> bytes:
        del peer, body
        await trio.lowlevel.checkpoint()
        return self._genesis
