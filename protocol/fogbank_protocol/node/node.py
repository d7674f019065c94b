"""A node: listens, finds peers, keeps one channel to each, and carries calls (SPEC.md 3 to 6)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

import trio

from ..identity import Identity, NetworkId, NodeId
from .blob_store import BlobStore
from .failures import CallFailure, CallRefused, CallTimedOut, CannotListen, PeerGone, PortInUse
from .peers import PeerConnected, PeerEvent, PeerInfo, PeerLost
from .services import OneWayService, RequestService, Service, StreamService
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
        raise NotImplementedError

    def add_services(self, services: Sequence[Service]) -> None:
        """Serve ``services`` too; only before ``run``.

        Raises:
            LocalProtocolError: a method is served already.
        """
        raise NotImplementedError

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; ``task_status`` is told when channels are accepted.

        When cancelled, says goodbye on mDNS and to every peer, within a second.

        Raises:
            PortInUse: another program listens at the port.
            CannotListen: a host of the settings is not of this machine.
        """
        raise NotImplementedError

    @property
    def node_id(self) -> NodeId:
        """This node's own name."""
        raise NotImplementedError

    @property
    def network(self) -> NetworkId:
        """The network this node belongs to."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """The TCP port on which channels are accepted; 0 before ``run`` has started or for none."""
        raise NotImplementedError

    def peers(self) -> Sequence[PeerInfo]:
        """Return the peers with an open channel, in the order in which they came."""
        raise NotImplementedError

    def is_connected(self, peer: NodeId) -> bool:
        """Tell whether a channel to ``peer`` is open."""
        raise NotImplementedError

    def watch_peers(self) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[PeerEvent]]:
        """Receive who comes and goes, beginning with a ``PeerConnected`` for everyone here.

        A slow receiver loses nothing that still matters: what it has not yet seen is merged, so
        that at most two events a peer wait.
        """
        raise NotImplementedError

    async def request(self, peer: NodeId, method: str, body: bytes, *, timeout_s: float) -> bytes:
        """Call ``method`` of ``peer`` and return the response's body.

        ``timeout_s`` is at most 3600 s and travels with the call.  Cancelling the caller cancels
        the call at the other side.

        Raises:
            PeerGone: no channel, or it closed before the answer.
            CallRefused: the peer answered with an error.
            CallTimedOut: no answer in ``timeout_s``.
        """
        raise NotImplementedError

    def stream(
        self, peer: NodeId, method: str, body: bytes, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Call the stream ``method`` of ``peer``; the items come from the async iterator.

        Leaving the ``async with`` cancels what is still to come.  The iterator raises what
        ``request`` raises; the items that came before an error are delivered first.
        """
        raise NotImplementedError

    def send_nowait(self, peer: NodeId, method: str, body: bytes) -> bool:
        """Send a one-way message; False when ``peer`` is gone or its outbound buffer is full."""
        raise NotImplementedError

    def cut_off(self, peer: NodeId, message: str) -> None:
        """Close the channel to a peer that misbehaves, tell it why, and refuse it for a while.

        The goodbye is ``protocol_error`` with ``message`` (at most 256 bytes); the peer is neither
        dialled nor accepted for ``CUT_OFF_S``.
        """
        raise NotImplementedError
