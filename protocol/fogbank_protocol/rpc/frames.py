"""Frames to bytes (SPEC.md section 4.1); ``received_frames.py`` reads them.

Everything here is said by this side, so what cannot be said raises LocalProtocolError.
"""

import re
from functools import lru_cache
from struct import Struct
from typing import cast

import msgpack

from ..errors import LocalProtocolError
from ..limits import BODY_BYTES_MAX, ERROR_MESSAGE_BYTES_MAX, METHOD_BYTES_MAX
from .events import ErrorCode

LENGTH = Struct("!I")
"""The length in front of each frame."""

# One packer for all frames takes half the time of msgpack.packb; calls live in one thread.
PACKER = msgpack.Packer(use_bin_type=True)

_METHOD = re.compile(r"[a-z_]+\.[a-z_]+")


def encode_request(call: int, method: str, deadline_ms: int, body: bytes) -> bytes:
    """Return frame 1, a request."""
    return _encode((1, call, _own_method(method), deadline_ms, _own_body(body)))


def encode_stream_request(
    call: int, method: str, deadline_ms: int, credit: int, body: bytes
) -> bytes:
    """Return frame 2, a request for a stream."""
    return _encode((2, call, _own_method(method), deadline_ms, credit, _own_body(body)))


def encode_response(call: int, body: bytes) -> bytes:
    """Return frame 3, a response."""
    return _encode((3, call, _own_body(body)))


def encode_error(call: int, code: ErrorCode, message: str) -> bytes:
    """Return frame 4, an error; ``message`` is cut to what is allowed."""
    return _encode((4, call, code.value, _cut(message)))


def encode_item(call: int, body: bytes) -> bytes:
    """Return frame 5, an item of a stream."""
    return _encode((5, call, _own_body(body)))


def encode_end(call: int) -> bytes:
    """Return frame 6, the end of a stream."""
    return _encode((6, call))


def encode_credit(call: int, credit: int) -> bytes:
    """Return frame 7, credit for so many items more."""
    return _encode((7, call, credit))


def encode_cancel(call: int) -> bytes:
    """Return frame 8, the caller's giving up."""
    return _encode((8, call))


def encode_one_way(method: str, body: bytes) -> bytes:
    """Return frame 9, a one-way message."""
    return _encode((9, _own_method(method), _own_body(body)))


def encode_ping(nonce: int) -> bytes:
    """Return frame 10, a ping."""
    return _encode((10, nonce))


def encode_pong(nonce: int) -> bytes:
    """Return frame 11, the answer to a ping."""
    return _encode((11, nonce))


def encode_goodbye(code: ErrorCode, message: str) -> bytes:
    """Return frame 12, a goodbye; ``message`` is cut to what is allowed."""
    return _encode((12, code.value, _cut(message)))


def is_method(method: str) -> bool:
    """Tell whether ``method`` can be the name of a method."""
    # The length is checked before anything is remembered: a peer's text may have a megabyte.
    return len(method) <= METHOD_BYTES_MAX and _matches(method)


@lru_cache(maxsize=256)
def _matches(method: str) -> bool:
    return _METHOD.fullmatch(method) is not None


def _encode(fields: tuple[int | str | bytes, ...]) -> bytes:
    try:
        payload = cast("bytes", PACKER.pack(fields))
    except OverflowError:
        raise LocalProtocolError("a number of more than 64 bits") from None
    return LENGTH.pack(len(payload)) + payload


def _cut(message: str) -> str:
    return message.encode("utf-8", "replace")[:ERROR_MESSAGE_BYTES_MAX].decode("utf-8", "ignore")


def _own_method(method: str) -> str:
    if not is_method(method):
        raise LocalProtocolError(f"{method!r} cannot be the name of a method")
    return method


def _own_body(body: bytes) -> bytes:
    if len(body) > BODY_BYTES_MAX:
        raise LocalProtocolError(f"a body of {len(body)} bytes")
    return body
