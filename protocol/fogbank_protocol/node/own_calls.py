"""The calls that this side makes on one channel, as coroutines that wait for them."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import trio

from ..identity import NodeId
from ..limits import CALL_TIMEOUT_S_MIN, STREAM_CREDIT
from ..rpc.events import (
    CallTimedOut,
    ErrorReceived,
    ItemReceived,
    ResponseReceived,
    StreamEnded,
)
from . import failures
from .peer_text import printable
from .wire import Wire

OwnCallEvent = ResponseReceived | ErrorReceived | ItemReceived | StreamEnded | CallTimedOut


class _Waiter:
    """One call under way: what came of it so far."""

    __slots__ = ("changed", "failure", "is_over", "items", "method")

    def __init__(self, method: str) -> None:
        self.method = method
        self.changed = trio.Event()
        self.items: deque[bytes] = deque()
        self.is_over = False
        self.failure: failures.CallFailure | None = None

    def finish(self, failure: failures.CallFailure | None = None) -> None:
        self.is_over = True
        self.failure = failure
        self.changed.set()


class OwnCalls:
    """Makes calls to one peer and hands out their answers."""

    def __init__(self, wire: Wire, peer: NodeId) -> None:
        """Make calls on ``wire``, which leads to ``peer``."""
        self._wire = wire
        self._peer = peer
        self._waiters: dict[int, _Waiter] = {}

    def __len__(self) -> int:
        """Return how many calls are under way."""
        return len(self._waiters)

    async def request(self, method: str, body: bytes, *, timeout_s: float) -> bytes:
        """See ``Node.request``."""
        ends_at = trio.current_time() + timeout_s
        await self._wait_room(method, body, ends_at)
        now = trio.current_time()
        call = self._wire.calls.caller.send_request(
            method, body, timeout_s=max(ends_at - now, CALL_TIMEOUT_S_MIN), now=now
        )
        waiter = self._begin(call, method)
        try:
            await waiter.changed.wait()
        finally:
            self._end(call)
        if waiter.failure is not None:
            raise waiter.failure
        return waiter.items[0]

    @asynccontextmanager
    async def stream(
        self, method: str, body: bytes, *, timeout_s: float
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """See ``Node.stream``."""
        ends_at = trio.current_time() + timeout_s
        await self._wait_room(method, body, ends_at)
        now = trio.current_time()
        call = self._wire.calls.caller.send_stream_request(
            method,
            body,
            credit=STREAM_CREDIT,
            timeout_s=max(ends_at - now, CALL_TIMEOUT_S_MIN),
            now=now,
        )
        waiter = self._begin(call, method)
        try:
            yield _Items(self._wire, call, waiter)
        finally:
            self._end(call)

    def handle(self, event: OwnCallEvent) -> None:
        """Take what arrived for a call; it may have been given up a moment ago."""
        waiter = self._waiters.get(event.call)
        if waiter is None:
            return
        match event:
            case ItemReceived(body=body):
                waiter.items.append(body)
                waiter.changed.set()
            case ResponseReceived(body=body):
                waiter.items.append(body)
                waiter.finish()
            case StreamEnded():
                waiter.finish()
            case ErrorReceived(code=code, message=message):
                waiter.finish(failures.CallRefused(code.value, printable(message)))
            case CallTimedOut():
                waiter.finish(failures.CallTimedOut(self._peer, waiter.method))

    def lose_all(self) -> None:
        """Tell all that wait that the peer is gone."""
        for waiter in self._waiters.values():
            if not waiter.is_over:
                waiter.finish(failures.PeerGone(self._peer))

    async def _wait_room(self, method: str, body: bytes, ends_at: float) -> None:
        """Wait until a call can be sent, for as long as it may take to be answered."""
        with trio.move_on_at(ends_at):
            while not self._wire.is_lost:
                if self._wire.calls.caller.has_room(len(body)):
                    return
                await self._wire.wait_room()
            raise failures.PeerGone(self._peer)
        raise failures.CallTimedOut(self._peer, method)

    def _begin(self, call: int, method: str) -> _Waiter:
        waiter = self._waiters[call] = _Waiter(method)
        self._wire.flush()
        return waiter

    def _end(self, call: int) -> None:
        waiter = self._waiters.pop(call)
        if not waiter.is_over:
            self._wire.calls.caller.send_cancel(call)
            self._wire.flush()
        # One call fewer may be room for another.
        self._wire.make_room()


class _Items:
    """The items of one stream; gives credit back as they are taken."""

    def __init__(self, wire: Wire, call: int, waiter: _Waiter) -> None:
        self._wire = wire
        self._call = call
        self._waiter = waiter
        self._taken = 0

    def __aiter__(self) -> "_Items":
        return self

    async def __anext__(self) -> bytes:
        while not self._waiter.items:
            if self._waiter.failure is not None:
                raise self._waiter.failure
            if self._waiter.is_over:
                raise StopAsyncIteration
            self._waiter.changed = trio.Event()
            await self._waiter.changed.wait()
        self._give_credit()
        return self._waiter.items.popleft()

    def _give_credit(self) -> None:
        """Give credit back by the half, so that it costs one frame for many items."""
        self._taken += 1
        if self._taken == STREAM_CREDIT // 2 and not self._waiter.is_over:
            self._wire.calls.caller.send_credit(self._call, self._taken)
            self._wire.flush()
            self._taken = 0
