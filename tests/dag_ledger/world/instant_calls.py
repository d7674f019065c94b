"""Calls to peers that are answered at once: for what only begins when nothing else can go on."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import trio

from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.failures import PeerGone
from fogbank_protocol.node.peers import PeerEvent

if TYPE_CHECKING:
    from .node import Node

Answer = TypeVar("Answer")


def at_once(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what ``work``, which never waits, returns."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast("Answer", end.value)
    raise AssertionError("it waits")


class InstantCalls:
    """The network as one node sees it for a moment, in which only the weather can intervene."""

    def __init__(self, node: "Node") -> None:
        self._node = node

    async def request(self, peer: NodeId, method: str, body: bytes, *, timeout_s: float) -> bytes:
        """Return what ``peer`` answers.

        Raises:
            PeerGone: the question or the answer was lost, or it is refused.
        """
        world = self._node.world
        answer = b""
        if world.carries(self._node.name, peer) and world.carries(peer, self._node.name):
            answer = world.residents[peer].answer(self._node.name, method, body)
        if not answer:
            raise PeerGone(peer)
        return answer

    def cut_off(self, peer: NodeId, message: str) -> None:
        """Part from ``peer``."""
        self._node.world.judge.note_cut(self._node.name, peer)
        self._node.world.part(self._node.name, peer)

    def watch_peers(self) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[PeerEvent]]:
        """Nobody does."""
        raise NotImplementedError

    def stream(
        self, peer: NodeId, method: str, body: bytes, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Nobody reads one."""
        raise NotImplementedError

    def send_nowait(self, peer: NodeId, method: str, body: bytes) -> bool:
        """Nobody sends."""
        raise NotImplementedError
