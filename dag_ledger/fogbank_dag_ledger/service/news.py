"""News for whoever wants them, never waiting for a slow reader."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import trio

from ..limits import EVENTS_WAITING_MAX

Item = TypeVar("Item")


class NewsStand(Generic[Item]):
    """Copies each item to every reader; a reader that is slow loses the oldest."""

    def __init__(self) -> None:
        self._readers: set[tuple[trio.MemorySendChannel[Item], trio.MemoryReceiveChannel[Item]]]
        self._readers = set()

    def publish(self, items: Iterable[Item]) -> None:
        """Give ``items`` to everyone who reads now."""
        for item in items:
            for send, receive in self._readers:
                if send.statistics().current_buffer_used == EVENTS_WAITING_MAX:
                    receive.receive_nowait()
                send.send_nowait(item)

    @asynccontextmanager
    async def reader(self) -> AsyncGenerator[trio.abc.ReceiveChannel[Item], None]:
        """Receive what is published from now on."""
        send, receive = trio.open_memory_channel[Item](EVENTS_WAITING_MAX)
        ours = receive.clone()
        self._readers.add((send, ours))
        try:
            with receive:
                yield receive
        finally:
            self._readers.discard((send, ours))
            send.close()
            ours.close()
