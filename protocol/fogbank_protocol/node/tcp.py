"""TCP: listening, connecting, and a bound on strangers that have not proved who they are."""

import errno
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import trio

from ..discovery.address import Address
from ..limits import (
    CONNECT_TIMEOUT_S,
    HALF_OPEN_MAX,
    HALF_OPEN_PER_HOST_MAX,
    HANDSHAKE_TIMEOUT_S,
)
from .failures import CannotListen, PortInUse


async def open_listeners(hosts: Sequence[str], port: int) -> Sequence[trio.SocketListener]:
    """Listen on ``port`` of every one of ``hosts``; with 0, on one free port that all share.

    Raises:
        PortInUse: another program listens there.
        CannotListen: a host is not of this machine, or the port is not allowed.
    """
    listeners: list[trio.SocketListener] = []
    try:
        for host in hosts:
            listeners += await _listen(host, port)
            port = port_of(listeners[0])
    except CannotListen:
        for listener in listeners:
            await listener.aclose()
        raise
    return listeners


async def _listen(host: str, port: int) -> Sequence[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise _cannot_listen(Address(host, port), error) from error


def _cannot_listen(address: Address, error: OSError) -> CannotListen:
    # trio wraps the error of a bind in another one when it tries several families.
    causes = [error, error.__cause__, error.__context__]
    codes = {cause.errno for cause in causes if isinstance(cause, OSError)}
    if errno.EADDRINUSE in codes:
        return PortInUse(
            address,
            f"port {address.port} is in use by another program: choose another port,"
            " or 0 for any free one",
        )
    if errno.EACCES in codes:
        return CannotListen(
            address, f"port {address.port} needs special rights: choose one above 1023"
        )
    return CannotListen(
        address,
        f"{address.host} is not an address of this machine: listen on one that is, or on 0.0.0.0",
    )


def port_of(listener: trio.SocketListener) -> int:
    """Return the TCP port of ``listener``."""
    port: int = listener.socket.getsockname()[1]
    return port


def far_host(stream: trio.SocketStream) -> str:
    """Return the literal IP address at the other end.

    Raises:
        OSError: the stream is closed already.
    """
    host: str = stream.socket.getpeername()[0]
    return host


async def connect(address: Address) -> trio.SocketStream:
    """Open a stream to ``address``; trio sets TCP_NODELAY on it.

    Raises:
        OSError: nobody listens there, or it cannot be reached.
        trio.TooSlowError: no answer in ``CONNECT_TIMEOUT_S``.
    """
    with trio.fail_after(CONNECT_TIMEOUT_S):
        return await trio.open_tcp_stream(address.host, address.port)


def leads_home(stream: trio.SocketStream, port: int) -> bool:
    """Tell whether ``stream`` leads to this very process, which listens on ``port``."""
    here, there = stream.socket.getsockname(), stream.socket.getpeername()
    return bool(here[0] == there[0] and there[1] == port)


class HalfOpen:
    """The accepted streams whose other end has not proved who it is.

    When there are too many, the oldest is dropped: an honest handshake takes milliseconds, and one
    that is slow by intent should not keep others out.
    """

    def __init__(self) -> None:
        self._scopes: dict[trio.CancelScope, str] = {}

    def __len__(self) -> int:
        return len(self._scopes)

    @contextmanager
    def admitted(self, host: str) -> Generator[trio.CancelScope]:
        """Count a stream from ``host`` while inside, at most ``HANDSHAKE_TIMEOUT_S``."""
        of_host = [scope for scope, other in self._scopes.items() if other == host]
        if len(of_host) >= HALF_OPEN_PER_HOST_MAX:
            self._drop(of_host[0])
        if len(self._scopes) >= HALF_OPEN_MAX:
            self._drop(next(iter(self._scopes)))
        with trio.move_on_after(HANDSHAKE_TIMEOUT_S) as scope:
            self._scopes[scope] = host
            try:
                yield scope
            finally:
                self._scopes.pop(scope, None)

    def _drop(self, scope: trio.CancelScope) -> None:
        del self._scopes[scope]
        scope.cancel()
