"""Frames to bytes and back (SPEC.md section 4.1).

The encoding is that of section 2.1, checked by packing again; ``encoding.decode`` only says what is
wrong, because a frame is an array of scalars of known types, and this is the busiest code there is.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from struct import Struct
from typing import cast

import msgpack

from ..encoding import decode
from ..errors import LocalProtocolError, RemoteProtocolError
from ..limits import (
    CALL_DEADLINE_MS_MAX,
    CALL_NUMBER_MAX,
    CREDIT_MAX,
    ERROR_CODE_BYTES_MAX,
    ERROR_MESSAGE_BYTES_MAX,
    FRAME_BYTES_MAX,
    INITIAL_CREDIT_MAX,
    METHOD_BYTES_MAX,
)
from .events import (
    CancelReceived,
    CreditReceived,
    ErrorCode,
    ErrorReceived,
    Frame,
    GoodbyeReceived,
    ItemReceived,
    OneWayReceived,
    PingAnswered,
    PingReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamRequested,
)

_LENGTH = Struct("!I")
LENGTH_BYTES = _LENGTH.size

_METHOD = re.compile(r"[a-z_]+\.[a-z_]+")
_CODE = re.compile(r"[a-z_]+")
_FIELDS_MAX = 6
# One packer for all frames takes half the time of msgpack.packb; calls live in one thread.
_PACKER = msgpack.Packer(use_bin_type=True)
_KNOWN_CODES: Mapping[str, ErrorCode] = {code.value: code for code in ErrorCode}


def encode_request(call: int, method: str, deadline_ms: int, body: bytes) -> bytes:
    """Return frame 1, a request."""
    return _encode((1, call, _own_method(method), deadline_ms, body))


def encode_stream_request(
    call: int, method: str, deadline_ms: int, credit: int, body: bytes
) -> bytes:
    """Return frame 2, a request for a stream."""
    return _encode((2, call, _own_method(method), deadline_ms, credit, body))


def encode_response(call: int, body: bytes) -> bytes:
    """Return frame 3, a response."""
    return _encode((3, call, body))


def encode_error(call: int, code: ErrorCode, message: str) -> bytes:
    """Return frame 4, an error; ``message`` is cut to what is allowed."""
    return _encode((4, call, code.value, _cut(message)))


def encode_item(call: int, body: bytes) -> bytes:
    """Return frame 5, an item of a stream."""
    return _encode((5, call, body))


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
    return _encode((9, _own_method(method), body))


def encode_ping(nonce: int) -> bytes:
    """Return frame 10, a ping."""
    return _encode((10, nonce))


def encode_pong(nonce: int) -> bytes:
    """Return frame 11, the answer to a ping."""
    return _encode((11, nonce))


def encode_goodbye(code: ErrorCode, message: str) -> bytes:
    """Return frame 12, a goodbye; ``message`` is cut to what is allowed."""
    return _encode((12, code.value, _cut(message)))


def read_length(data: bytes | bytearray, position: int) -> int | None:
    """Return the length of the frame at ``position`` of ``data``; None when that is incomplete.

    Raises:
        RemoteProtocolError: no frame may be so long, or so short (section 4.1).
    """
    if len(data) < position + LENGTH_BYTES:
        return None
    (length,) = cast("tuple[int]", _LENGTH.unpack_from(data, position))
    if not 1 <= length <= FRAME_BYTES_MAX:
        raise RemoteProtocolError(f"a frame of {length} bytes", rule="4.1")
    return length


def decode_frame(data: bytes | bytearray) -> Frame:
    """Return the frame in ``data``, which comes without its length.

    Raises:
        RemoteProtocolError: it is malformed (section 4.1) or not canonical (section 2.1).
    """
    try:
        fields = msgpack.unpackb(
            data, raw=False, max_array_len=_FIELDS_MAX, max_map_len=0, max_ext_len=0
        )
        canonical = _PACKER.pack(fields)
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException, RecursionError):
        raise _refusal(data) from None
    # Types are compared and not matched: a boolean is an instance of int.
    if canonical != data or type(fields) is not list or not fields or type(fields[0]) is not int:
        raise _refusal(data)
    form = _FORMS.get(fields[0])
    if form is None or form[0] != list(map(type, fields)):
        raise _refusal(data)
    return form[1](*fields)


def _refusal(data: bytes | bytearray) -> RemoteProtocolError:
    """Return what is wrong with ``data``: first whether it is a value at all."""
    try:
        decode(bytes(data))
    except RemoteProtocolError as error:
        return error
    return RemoteProtocolError("a frame of no form that exists", rule="4.1")


def _encode(fields: tuple[int | str | bytes, ...]) -> bytes:
    try:
        payload = cast("bytes", _PACKER.pack(fields))
    except OverflowError:
        raise LocalProtocolError("a number of more than 64 bits") from None
    if len(payload) > FRAME_BYTES_MAX:
        raise LocalProtocolError(f"a frame of {len(payload)} bytes")
    return _LENGTH.pack(len(payload)) + payload


def _cut(message: str) -> str:
    return message.encode("utf-8", "replace")[:ERROR_MESSAGE_BYTES_MAX].decode("utf-8", "ignore")


@lru_cache(maxsize=256)
def _is_method(method: str) -> bool:
    return len(method) <= METHOD_BYTES_MAX and _METHOD.fullmatch(method) is not None


def _own_method(method: str) -> str:
    if not _is_method(method):
        raise LocalProtocolError(f"{method!r} cannot be the name of a method")
    return method


def _check_number(name: str, number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        raise RemoteProtocolError(f"a frame with {name} out of range", rule="4.1")


def _check_call(call: int) -> None:
    if not 1 <= call <= CALL_NUMBER_MAX:
        raise RemoteProtocolError("a frame with a call number out of range", rule="4.1")


def _check_method(method: str) -> None:
    if not _is_method(method):
        raise RemoteProtocolError("a frame with a malformed method", rule="4.1")


def _read_code(code: str, message: str) -> ErrorCode:
    if len(code) > ERROR_CODE_BYTES_MAX or not _CODE.fullmatch(code):
        raise RemoteProtocolError("a malformed error code", rule="4.4")
    if len(message.encode()) > ERROR_MESSAGE_BYTES_MAX:
        raise RemoteProtocolError("an error message that is too long", rule="4.1")
    return _KNOWN_CODES.get(code, ErrorCode.REFUSED)


def _request(_: int, call: int, method: str, deadline_ms: int, body: bytes) -> RequestReceived:
    _check_call(call)
    _check_method(method)
    _check_number("a deadline", deadline_ms, 1, CALL_DEADLINE_MS_MAX)
    return RequestReceived(call, method, deadline_ms, body)


def _stream_request(
    _: int, call: int, method: str, deadline_ms: int, credit: int, body: bytes
) -> StreamRequested:
    _check_call(call)
    _check_method(method)
    _check_number("a deadline", deadline_ms, 1, CALL_DEADLINE_MS_MAX)
    _check_number("credit", credit, 1, INITIAL_CREDIT_MAX)
    return StreamRequested(call, method, deadline_ms, credit, body)


def _response(_: int, call: int, body: bytes) -> ResponseReceived:
    _check_call(call)
    return ResponseReceived(call, body)


def _error(_: int, call: int, code: str, message: str) -> ErrorReceived:
    _check_call(call)
    return ErrorReceived(call, _read_code(code, message), message)


def _item(_: int, call: int, body: bytes) -> ItemReceived:
    _check_call(call)
    return ItemReceived(call, body)


def _end(_: int, call: int) -> StreamEnded:
    _check_call(call)
    return StreamEnded(call)


def _credit(_: int, call: int, credit: int) -> CreditReceived:
    _check_call(call)
    _check_number("credit", credit, 1, CREDIT_MAX)
    return CreditReceived(call, credit)


def _cancel(_: int, call: int) -> CancelReceived:
    _check_call(call)
    return CancelReceived(call)


def _one_way(_: int, method: str, body: bytes) -> OneWayReceived:
    _check_method(method)
    return OneWayReceived(method, body)


def _check_nonce(nonce: int) -> None:
    if nonce < 0:
        raise RemoteProtocolError("a negative integer", rule="2.1")


def _ping(_: int, nonce: int) -> PingReceived:
    _check_nonce(nonce)
    return PingReceived(nonce)


def _pong(_: int, nonce: int) -> PingAnswered:
    _check_nonce(nonce)
    return PingAnswered(nonce)


def _goodbye(_: int, code: str, message: str) -> GoodbyeReceived:
    return GoodbyeReceived(_read_code(code, message), message)


_Form = tuple[list[type], Callable[..., Frame]]

_FORMS: Mapping[int, _Form] = {
    1: ([int, int, str, int, bytes], _request),
    2: ([int, int, str, int, int, bytes], _stream_request),
    3: ([int, int, bytes], _response),
    4: ([int, int, str, str], _error),
    5: ([int, int, bytes], _item),
    6: ([int, int], _end),
    7: ([int, int, int], _credit),
    8: ([int, int], _cancel),
    9: ([int, str, bytes], _one_way),
    10: ([int, int], _ping),
    11: ([int, int], _pong),
    12: ([int, str, str], _goodbye),
}
"""The types of a kind's fields and the function that checks their ranges (section 4.1)."""
