"""One open channel with its calls, carried by trio (SPEC.md sections 3 and 4).

A reader and a writer pump it.  Whatever is queued while the writer is busy leaves in one write:
that is most of the speed of small calls.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from logging import getLogger

import trio

from ..channel.channel import Event as ChannelEvent
from ..channel.channel import NeedData as ChannelNeedsData
from ..channel.channel import PlaintextReceived, SecureChannel
from ..errors import RemoteProtocolError
from ..identity import NodeId, short_form
from ..limits import CLOSE_S_MAX, HEARD_RESOLUTION_S, PINGS_UNDER_WAY_MAX, READ_BYTES
from ..rpc.events import (
    CancelReceived,
    CreditReceived,
    DeadlinePassed,
    ErrorCode,
    Event,
    GoodbyeReceived,
    NeedData,
    OneWayReceived,
    PingAnswered,
    RequestReceived,
    StreamRequested,
)
from .handlers import Handlers, Services
from .own_calls import OwnCalls
from .peer_text import printable
from .wire import Wire

_logger = getLogger(__name__)

_REPROACHES = {ErrorCode.PROTOCOL_ERROR, ErrorCode.SILENT, ErrorCode.INTERNAL_ERROR}
"""Goodbyes that mean that one of the two sides does something wrong."""


class Session:
    """A channel whose handshake is done; ``run`` carries it until either side closes it."""

    def __init__(
        self,
        stream: trio.abc.HalfCloseableStream,
        channel: SecureChannel,
        peer: NodeId,
        services: Services,
        *,
        on_heard: Callable[[], None] = lambda: None,
    ) -> None:
        """Carry ``channel`` to ``peer`` over ``stream`` and answer with ``services``.

        ``on_heard`` is called when bytes of the peer were understood, about once a second.
        """
        self.peer = peer
        self.round_trip_s: float | None = None
        self._stream = stream
        self._channel = channel
        self._services = services
        self._on_heard = on_heard
        self._heard_at = -HEARD_RESOLUTION_S
        self._wire = Wire()
        self._own_calls = OwnCalls(self._wire, peer)
        self._handlers: Handlers | None = None
        self._pings: dict[int, float] = {}
        self._scope = trio.CancelScope()
        self._is_closing = False
        self._is_over = False
        self._writing_scope = trio.CancelScope(shield=True)
        self._is_writing = False
        self._is_mute = False

    @property
    def is_quiet(self) -> bool:
        """No call is open in either direction."""
        return not len(self._own_calls) and not (self._handlers and len(self._handlers))

    async def wait_quiet(self) -> None:
        """Wait until ``is_quiet`` or the channel is gone."""
        while not self.is_quiet and not self._wire.is_lost:
            await self._wire.wait_room()

    async def request(self, method: str, body: bytes, *, timeout_s: float) -> bytes:
        """See ``Node.request``."""
        return await self._own_calls.request(method, body, timeout_s=timeout_s)

    def stream(
        self, method: str, body: bytes, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """See ``Node.stream``."""
        return self._own_calls.stream(method, body, timeout_s=timeout_s)

    def send_nowait(self, method: str, body: bytes) -> bool:
        """See ``Node.send_nowait``."""
        if self._wire.is_lost or not self._wire.calls.send_one_way(method, body):
            return False
        self._wire.flush()
        return True

    def ping(self, nonce: int) -> None:
        """Ask whether the peer is there, and measure the round trip when it answers."""
        if len(self._pings) == PINGS_UNDER_WAY_MAX:
            del self._pings[next(iter(self._pings))]
        self._pings[nonce] = trio.current_time()
        self._wire.calls.send_ping(nonce)
        self._wire.flush()

    def close(self, code: ErrorCode, message: str) -> None:
        """Say goodbye and end ``run``, within ``CLOSE_S_MAX``; also before it has begun."""
        self._wire.calls.send_goodbye(code, message)
        self._is_closing = True
        self._scope.deadline = min(self._scope.deadline, trio.current_time() + CLOSE_S_MAX)
        self._wire.wake_writer()

    async def run(self) -> None:
        """Carry the channel until it is closed; then every call is lost and the stream closed.

        When cancelled, says goodbye ``shutting_down`` first.
        """
        try:
            with self._scope:
                await self._pump()
        finally:
            self._wire.lose()
            self._own_calls.lose_all()
            # Closed under the shield too: a cancellation here would take the place of a crash.
            with trio.CancelScope(shield=True):
                with trio.move_on_after(CLOSE_S_MAX):
                    await self._say_goodbye()
                await trio.aclose_forcefully(self._stream)

    async def _pump(self) -> None:
        async with trio.open_nursery() as nursery:
            self._handlers = Handlers(self._wire, self.peer, self._services, nursery)
            nursery.start_soon(self._write)
            nursery.start_soon(self._watch_deadlines, self._handlers)
            nursery.start_soon(self._guarded_one_ways, self._handlers)
            await self._read(self._handlers)
            if not self._is_closing:
                nursery.cancel_scope.cancel()
            # Else the writer still has the goodbye to write; it ends this scope then.

    async def _read(self, handlers: Handlers) -> None:
        """Take what arrives until the peer closes or breaks a rule."""
        try:
            while self._take_events(handlers):
                data = await self._stream.receive_some(READ_BYTES)
                self._channel.receive_data(bytes(data))
        except RemoteProtocolError as error:
            self._reproach(error)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            _logger.debug("the stream of %s broke", short_form(self.peer))
        finally:
            self._is_over = True
            self._writing_scope.deadline = trio.current_time() + CLOSE_S_MAX
            self._wire.wake_writer()

    def _reproach(self, error: RemoteProtocolError) -> None:
        _logger.warning("%s broke a rule: %s", short_form(self.peer), error)
        self.close(ErrorCode.PROTOCOL_ERROR, str(error))

    def _take_events(self, handlers: Handlers) -> bool:
        """Handle all that has arrived; False when the peer is done."""
        while True:
            match self._next_channel_event():
                case PlaintextReceived(data):
                    if self._is_closing:
                        continue
                    self._wire.calls.receive_data(data)
                    if not self._take_call_events(handlers):
                        return False
                case ChannelNeedsData():
                    return True
                case _:
                    _logger.debug("%s closed the stream", short_form(self.peer))
                    return False

    def _next_channel_event(self) -> ChannelEvent:
        try:
            return self._channel.next_event()
        except RemoteProtocolError:
            # A channel that was tampered with carries nothing any more, not even a goodbye (3.4).
            self._is_mute = True
            raise

    def _take_call_events(self, handlers: Handlers) -> bool:
        now = trio.current_time()
        if now - self._heard_at >= HEARD_RESOLUTION_S:
            self._heard_at = now
            self._on_heard()
        while not isinstance(event := self._wire.calls.next_event(now), NeedData):
            if isinstance(event, GoodbyeReceived):
                self._log_goodbye(event)
                return False
            self._handle(event, handlers, now)
        self._wire.flush()
        return True

    def _handle(self, event: Event, handlers: Handlers, now: float) -> None:
        match event:
            case RequestReceived() | StreamRequested():
                handlers.start(event)
            case CancelReceived(call) | DeadlinePassed(call):
                handlers.stop(call)
            case OneWayReceived():
                handlers.take_one_way(event)
            case CreditReceived():
                self._wire.make_room()
            case PingAnswered(nonce):
                self._measure(nonce, now)
            case GoodbyeReceived() | NeedData():
                pass
            case _:
                self._own_calls.handle(event)

    def _measure(self, nonce: int, now: float) -> None:
        sent_at = self._pings.pop(nonce, None)
        if sent_at is not None:
            took_s = now - sent_at
            self.round_trip_s = min(took_s, self.round_trip_s or took_s)

    def _log_goodbye(self, event: GoodbyeReceived) -> None:
        log = _logger.warning if event.code in _REPROACHES else _logger.debug
        log("%s says goodbye: %s %s", short_form(self.peer), event.code, printable(event.message))

    async def _write(self) -> None:
        try:
            # Shielded, because a record that is cut off in the middle lets no goodbye through;
            # the end of the reader ends it.
            with self._writing_scope:
                while not (self._is_closing or self._is_over):
                    await self._wire.wait_queued()
                    await self._write_queued()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            _logger.debug("the stream to %s broke", short_form(self.peer))
        self._scope.cancel()

    async def _write_queued(self) -> None:
        while not self._is_mute and (data := self._wire.calls.data_to_send()):
            self._is_writing = True
            await self._stream.send_all(self._channel.send_plaintext(data))
            self._is_writing = False
            self._wire.make_room()

    async def _watch_deadlines(self, handlers: Handlers) -> None:
        while True:
            await self._wire.wait_deadline()
            self._take_timeouts(handlers)

    def _take_timeouts(self, handlers: Handlers) -> None:
        now = trio.current_time()
        while not isinstance(event := self._wire.calls.next_event(now), NeedData):
            self._handle(event, handlers, now)
        self._wire.flush()

    async def _guarded_one_ways(self, handlers: Handlers) -> None:
        try:
            await handlers.handle_one_ways()
        except RemoteProtocolError as error:
            self._reproach(error)

    async def _say_goodbye(self) -> None:
        """Write what is left, then let the peer read it before the stream goes."""
        if self._is_writing or self._is_mute:
            # Cut off in the middle of a record: nothing after it would be understood.
            return
        try:
            if not self._is_closing:
                self._wire.calls.send_goodbye(ErrorCode.SHUTTING_DOWN, "this agent stops")
            await self._write_queued()
            await self._stream.send_eof()
            # Closing with bytes unread would throw away the goodbye that is still under way.
            while await self._stream.receive_some(READ_BYTES):
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
