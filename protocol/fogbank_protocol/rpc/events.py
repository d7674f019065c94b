"""What arrives on a channel: the frames of SPEC.md section 4.1, and what time alone brings.

A received frame is the event; for sending, ``frames.py`` has one function a kind.
"""

from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a call failed or a channel closes (section 4.4); a reader takes others as REFUSED."""

    UNKNOWN_METHOD = "unknown_method"
    BAD_REQUEST = "bad_request"
    BUSY = "busy"
    DEADLINE_PASSED = "deadline_passed"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    INTERNAL_ERROR = "internal_error"
    PROTOCOL_ERROR = "protocol_error"
    SHUTTING_DOWN = "shutting_down"
    DUPLICATE_CHANNEL = "duplicate_channel"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """The peer asks; answer with one response or error."""

    call: int
    method: str
    deadline_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class StreamRequested:
    """The peer asks for a stream; answer with items as its credit allows, then end or error."""

    call: int
    method: str
    deadline_ms: int
    credit: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """The answer to a request of ours."""

    call: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ErrorReceived:
    """A call of ours ended without its answer, or a stream of ours broke off."""

    call: int
    code: ErrorCode
    message: str
    """A sentence for people, at most 256 bytes, as the peer wrote it: strip before showing."""


@dataclass(frozen=True, slots=True)
class ItemReceived:
    """One item of a stream of ours."""

    call: int
    body: bytes


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """A stream of ours is complete."""

    call: int


@dataclass(frozen=True, slots=True)
class CreditReceived:
    """The peer allows ``credit`` items more of a stream of its."""

    call: int
    credit: int


@dataclass(frozen=True, slots=True)
class CancelReceived:
    """The peer has given up a call: stop working on it."""

    call: int


@dataclass(frozen=True, slots=True)
class OneWayReceived:
    """A message that wants no answer."""

    method: str
    body: bytes


@dataclass(frozen=True, slots=True)
class PingReceived:
    """The peer asks whether this side is there; answered before anybody hears of it."""

    nonce: int


@dataclass(frozen=True, slots=True)
class PingAnswered:
    """The answer to a ping, perhaps of ours."""

    nonce: int


@dataclass(frozen=True, slots=True)
class GoodbyeReceived:
    """The peer closes the channel and says why; all open calls are lost."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """A call of the peer's ran out of time, and was answered so: stop working on it."""

    call: int


@dataclass(frozen=True, slots=True)
class CallTimedOut:
    """A call of ours ran out of time, and the peer was told."""

    call: int


@dataclass(frozen=True, slots=True)
class NeedData:
    """Nothing more until ``receive_data`` or the deadline."""


Frame = (
    RequestReceived
    | StreamRequested
    | ResponseReceived
    | ErrorReceived
    | ItemReceived
    | StreamEnded
    | CreditReceived
    | CancelReceived
    | OneWayReceived
    | PingReceived
    | PingAnswered
    | GoodbyeReceived
)
"""A frame as it was received."""

Event = (
    RequestReceived
    | StreamRequested
    | ResponseReceived
    | ErrorReceived
    | ItemReceived
    | StreamEnded
    | CreditReceived
    | CancelReceived
    | OneWayReceived
    | PingAnswered
    | GoodbyeReceived
    | DeadlinePassed
    | CallTimedOut
    | NeedData
)
"""What ``Calls`` tells its shell."""
