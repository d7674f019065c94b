"""Tells who comes and goes to any number of listeners, each at its own pace."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from ..identity import NodeId
from .peers import PeerConnected, PeerEvent, PeerLost


class PeerWatch(trio.abc.ReceiveChannel[PeerEvent]):
    """One listener.

    What it has not yet received is merged: at most a ``PeerLost`` and a ``PeerConnected`` a peer
    wait, so it needs no bound and loses nothing that still matters.
    """

    def __init__(self) -> None:
        # Counts how often each peer came: a peer that left and came back is told as both.
        self._present: dict[NodeId, int] = {}
        self._told: dict[NodeId, int] = {}
        self._changed: dict[NodeId, None] = {}
        self._came = 0
        self._wakeup = trio.Event()
        self._is_closed = False

    def connected(self, peer: NodeId) -> None:
        """Let the listener know that ``peer`` is here."""
        self._came += 1
        self._present[peer] = self._came
        self._note(peer)

    def lost(self, peer: NodeId) -> None:
        """Let the listener know that ``peer`` is gone."""
        self._present.pop(peer, None)
        if peer in self._told:
            self._note(peer)
        else:
            # It came and went unseen, as any number of strangers may.
            self._changed.pop(peer, None)

    def _note(self, peer: NodeId) -> None:
        self._changed[peer] = None
        self._wakeup.set()

    async def receive(self) -> PeerEvent:
        """Return what happened next; waits until something does."""
        await trio.lowlevel.checkpoint()
        while True:
            if self._is_closed:
                raise trio.ClosedResourceError
            while self._changed:
                event = self._take(next(iter(self._changed)))
                if event is not None:
                    return event
            self._wakeup = trio.Event()
            await self._wakeup.wait()

    def _take(self, peer: NodeId) -> PeerEvent | None:
        present, told = self._present.get(peer), self._told.get(peer)
        if told is not None and told != present:
            del self._told[peer]
            return PeerLost(peer)
        del self._changed[peer]
        if present is not None and told is None:
            self._told[peer] = present
            return PeerConnected(peer)
        return None

    async def aclose(self) -> None:
        """Stop listening."""
        self._is_closed = True
        self._wakeup.set()
        await trio.lowlevel.checkpoint()


class PeerWatches:
    """All listeners of a node."""

    def __init__(self) -> None:
        self._present: dict[NodeId, None] = {}
        self._watches: list[PeerWatch] = []

    def connected(self, peer: NodeId) -> None:
        """Tell everyone that ``peer`` is here."""
        self._present[peer] = None
        for watch in self._watches:
            watch.connected(peer)

    def lost(self, peer: NodeId) -> None:
        """Tell everyone that ``peer`` is gone."""
        self._present.pop(peer, None)
        for watch in self._watches:
            watch.lost(peer)

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[trio.abc.ReceiveChannel[PeerEvent]]:
        """Listen while inside, beginning with those who are here."""
        watch = PeerWatch()
        for peer in self._present:
            watch.connected(peer)
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)
