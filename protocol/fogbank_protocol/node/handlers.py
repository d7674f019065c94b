"""The calls of one peer that this side answers, each in a coroutine of its own."""

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from logging import getLogger

import trio

from ..errors import RemoteProtocolError
from ..identity import NodeId, short_form
from ..limits import (
    CALLS_OPEN_MAX,
    HANDLED_BYTES_MAX,
    HANDLERS_MAX,
    ONE_WAYS_WAITING_BYTES_MAX,
    ONE_WAYS_WAITING_MAX,
)
from ..rpc.events import ErrorCode, OneWayReceived, RequestReceived, StreamRequested
from .containment import Contained
from .failures import CallRefused
from .services import OneWayService, RequestService, Service, StreamService
from .wire import Wire

_logger = getLogger(__name__)


class Services:
    """What a node answers, and how many answers of all its channels are in work."""

    def __init__(self, handlers_max: int = HANDLERS_MAX) -> None:
        """Let at most ``handlers_max`` handlers run at the same time."""
        self.by_method: dict[str, Service] = {}
        self.handlers_max = handlers_max
        self.handlers = 0


class Handlers:
    """Runs a handler for each call of one peer, and stops it when nobody wants its answer."""

    def __init__(self, wire: Wire, peer: NodeId, services: Services, nursery: trio.Nursery) -> None:
        """Answer ``peer`` on ``wire`` with ``services``, in coroutines of ``nursery``."""
        self._wire = wire
        self._callee = wire.calls.callee
        self._peer = peer
        self._services = services
        self._nursery = nursery
        self._scopes: dict[int, trio.CancelScope] = {}
        self._turns: dict[str, trio.Semaphore] = {}
        self._handled_bytes = 0
        self._has_complained = False
        self._one_ways: deque[tuple[OneWayService, bytes]] = deque()
        self._one_way_bytes = 0
        self._one_way_came = trio.Event()

    def __len__(self) -> int:
        """Return how many calls are being answered."""
        return len(self._scopes)

    def start(self, event: RequestReceived | StreamRequested) -> None:
        """Begin to answer a call, or refuse it."""
        service = self._services.by_method.get(event.method)
        match event, service:
            case RequestReceived(), RequestService():
                self._start(event, service)
            case StreamRequested(), StreamService():
                self._start(event, service)
            case _:
                message = f"there is no such method: {event.method}"
                self._callee.send_error(event.call, ErrorCode.UNKNOWN_METHOD, message)

    def _start(
        self, event: RequestReceived | StreamRequested, service: RequestService | StreamService
    ) -> None:
        if len(event.body) > service.body_bytes_max:
            message = f"a body of {len(event.body)} bytes, at most {service.body_bytes_max}"
            self._callee.send_error(event.call, ErrorCode.BAD_REQUEST, message)
        elif self._services.handlers >= self._services.handlers_max:
            message = "this agent answers as many calls as it can"
            self._callee.send_error(event.call, ErrorCode.BUSY, message)
        elif self._handled_bytes >= HANDLED_BYTES_MAX:
            message = "your other calls have too many bytes to take this one too"
            self._callee.send_error(event.call, ErrorCode.BUSY, message)
        else:
            # Counted and known here, not when the coroutine first runs: the next frame of the
            # same read may cancel the call or be one too many.
            self._services.handlers += 1
            self._handled_bytes += len(event.body)
            self._scopes[event.call] = trio.CancelScope()
            self._nursery.start_soon(self._answer, event.call, service, event.body)

    def stop(self, call: int) -> None:
        """Stop working on ``call``, whose caller gave it up or whose time is over."""
        scope = self._scopes.get(call)
        if scope is not None:
            scope.cancel()

    async def _answer(
        self, call: int, service: RequestService | StreamService, body: bytes
    ) -> None:
        try:
            with self._scopes[call]:
                async with self._turn(service):
                    await self._run_handler(call, service, body)
        finally:
            self._services.handlers -= 1
            self._handled_bytes -= len(body)
            del self._scopes[call]
            # Somebody may wait for the last call to end.
            self._wire.make_room()

    def _turn(self, service: RequestService | StreamService) -> AbstractAsyncContextManager[object]:
        if service.at_once_max >= CALLS_OPEN_MAX:
            # Most calls need no turn, and waiting for one costs a switch of coroutines.
            return nullcontext()
        turns = self._turns.get(service.method)
        if turns is None:
            turns = self._turns[service.method] = trio.Semaphore(service.at_once_max)
        return turns

    async def _run_handler(
        self, call: int, service: RequestService | StreamService, body: bytes
    ) -> None:
        wall = Contained(f"a call of {service.method}", CallRefused, RemoteProtocolError)
        try:
            with wall:
                match service:
                    case RequestService():
                        await self._send_response(call, await service.handler(self._peer, body))
                    case StreamService():
                        await self._send_items(call, service, body)
        except CallRefused as refusal:
            self._callee.send_error(call, _known_code(refusal.code), refusal.message)
        except RemoteProtocolError as error:
            self._complain(error)
            self._callee.send_error(call, ErrorCode.BAD_REQUEST, str(error))
        if wall.has_failed:
            self._callee.send_error(call, ErrorCode.INTERNAL_ERROR, "an error of this agent")
        self._wire.flush()

    def _complain(self, error: RemoteProtocolError) -> None:
        # Once a channel: a peer must not be able to fill the log.
        log = _logger.debug if self._has_complained else _logger.warning
        self._has_complained = True
        log("%s sent a bad request: %s", short_form(self._peer), error)

    async def _send_response(self, call: int, body: bytes) -> None:
        while not self._callee.has_room(len(body)):
            await self._wire.wait_room()
        self._callee.send_response(call, body)

    async def _send_items(self, call: int, service: StreamService, body: bytes) -> None:
        items = service.handler(self._peer, body)
        # A generator that is left in the middle must be closed here and not by the collector.
        closing = aclosing(items) if isinstance(items, AsyncGenerator) else nullcontext()
        async with closing:
            async for item in items:
                while not self._callee.has_room_for_item(call, len(item)):
                    await self._wire.wait_room()
                self._callee.send_item(call, item)
                self._wire.flush()
                # For a call that has ended there is always room, and a generator need not wait.
                await trio.lowlevel.checkpoint_if_cancelled()
        self._callee.send_end(call)

    def take_one_way(self, event: OneWayReceived) -> None:
        """Queue a message for its handler; dropped when unknown or when too much waits.

        Waiting for the handler here would stop answers too, maybe one that the handler needs.

        Raises:
            RemoteProtocolError: its body is too long.
        """
        service = self._services.by_method.get(event.method)
        if not isinstance(service, OneWayService):
            return
        if len(event.body) > service.body_bytes_max:
            raise RemoteProtocolError(f"{event.method} of {len(event.body)} bytes", rule="4.1")
        if (
            len(self._one_ways) >= ONE_WAYS_WAITING_MAX
            or self._one_way_bytes >= ONE_WAYS_WAITING_BYTES_MAX
        ):
            _logger.debug("%s sends faster than it is handled", short_form(self._peer))
            return
        self._one_ways.append((service, event.body))
        self._one_way_bytes += len(event.body)
        self._one_way_came.set()

    async def handle_one_ways(self) -> None:
        """Hand one-way messages to their handlers, in order, until cancelled.

        Raises:
            RemoteProtocolError: a handler found that the peer broke a rule.
        """
        while True:
            await self._one_way_came.wait()
            self._one_way_came = trio.Event()
            while self._one_ways:
                service, body = self._one_ways.popleft()
                self._one_way_bytes -= len(body)
                await self._handle_one_way(service, body)

    async def _handle_one_way(self, service: OneWayService, body: bytes) -> None:
        if not service.is_contained:
            await service.handler(self._peer, body)
            return
        with Contained(f"a message of {service.method}", RemoteProtocolError):
            await service.handler(self._peer, body)


def _known_code(code: str) -> ErrorCode:
    try:
        return ErrorCode(code)
    except ValueError:
        return ErrorCode.REFUSED
