"""What the ledger needs of a node: less than a node offers, so that a test can stand in for one."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.peers import PeerEvent


class Network(Protocol):
    """Calls to peers, as ``fogbank_protocol.node.node.Node`` makes them."""

    def watch_peers(self) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[PeerEvent]]:
        """See ``Node.watch_peers``."""
        ...

    async def request(self, peer: NodeId, method: str, body: bytes, *, timeout_s: float) -> bytes:
        """See ``Node.request``."""
        ...

    def stream(
        self, peer: NodeId, method: str, body: bytes, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """See ``Node.stream``."""
        ...

    def send_nowait(self, peer: NodeId, method: str, body: bytes) -> bool:
        """See ``Node.send_nowait``."""
        ...

    def cut_off(self, peer: NodeId, message: str) -> None:
        """See ``Node.cut_off``."""
        ...
