"""What a node answers: a method's name and the coroutine that handles it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from ..identity import NodeId
from ..limits import BODY_BYTES_MAX, CALLS_OPEN_MAX


@dataclass(frozen=True, slots=True)
class RequestService:
    """A method answered by one response.

    ``handler(peer, body)`` returns the response's body.  It raises ``CallRefused`` to answer with
    an error, and lets ``RemoteProtocolError`` pass to answer ``bad_request``; all else is a bug,
    which is answered with ``internal_error`` and ends only the call.  It is cancelled when the
    caller cancels, the deadline passes or the channel closes.
    """

    method: str
    handler: Callable[[NodeId, bytes], Awaitable[bytes]]
    body_bytes_max: int = BODY_BYTES_MAX
    """The largest request's body that reaches the handler; larger ones get ``bad_request``."""

    at_once_max: int = CALLS_OPEN_MAX
    """How many calls of one channel are in work at a time; the others wait for their turn.

    An answer is in work until there is room for it: set this where answers are large or dear, or a
    peer that asks much and reads nothing takes all the memory."""


@dataclass(frozen=True, slots=True)
class StreamService:
    """A method answered by a stream of items.

    ``handler(peer, body)`` is an async generator of the items' bodies.  Asking for the next item
    waits while the caller gives no credit.  Errors as for ``RequestService``.
    """

    method: str
    handler: Callable[[NodeId, bytes], AsyncIterator[bytes]]
    body_bytes_max: int = BODY_BYTES_MAX
    at_once_max: int = CALLS_OPEN_MAX
    """As for ``RequestService``; an item that waits for credit is in work too."""


@dataclass(frozen=True, slots=True)
class OneWayService:
    """A method that is not answered.

    Messages of one peer are handled one after another, in the order in which they were sent.
    ``RemoteProtocolError`` from the handler closes the channel with ``protocol_error``.
    """

    method: str
    handler: Callable[[NodeId, bytes], Awaitable[None]]
    body_bytes_max: int = BODY_BYTES_MAX
    is_contained: bool = True
    """A bug in the handler ends the message and nothing else.

    False for what may be left half changed by it, when others' money or votes rest on that."""


Service: TypeAlias = RequestService | StreamService | OneWayService
