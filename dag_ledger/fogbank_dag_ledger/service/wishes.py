"""Payments that somebody waits for."""

from collections.abc import Callable

import trio

from ..vertex import Vertex
from ..wallet import PaymentRefused


class Wish:
    """One payment on its way."""

    def __init__(self) -> None:
        self._begun = trio.Event()
        self._ended = trio.Event()
        self._result: Vertex | PaymentRefused | str | None = None

    def begin(self) -> None:
        """Say that its vertex is being signed and kept."""
        self._begun.set()

    def end(self, result: Vertex | PaymentRefused | str) -> None:
        """Say what became of it."""
        self._result = result
        self._begun.set()
        self._ended.set()

    def give_up(self, reason: str) -> None:
        """Say that nobody is left to end it, if it was begun and has not ended."""
        if self._begun.is_set() and not self._ended.is_set():
            self.end(reason)

    async def wait(self, withdraw: Callable[[], None]) -> Vertex | PaymentRefused | str:
        """Return what became of it; cancelled before it has begun, ``withdraw`` it."""
        try:
            await self._begun.wait()
        except trio.Cancelled:
            withdraw()
            raise
        with trio.CancelScope(shield=True):
            await self._ended.wait()
        assert self._result is not None
        return self._result
