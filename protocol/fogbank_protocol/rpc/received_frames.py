"""Bytes to frames (SPEC.md section 4.1).

The encoding is that of section 2.1, checked by packing again; ``encoding.decode`` only says what is
wrong, because a frame is an array of scalars of known types, and this is the busiest code there is.
"""

import re
from collections.abc import Callable, Mapping
from typing import cast

import msgpack

from ..encoding import decode
from ..errors import RemoteProtocolError
from ..limits import (
    BODY_BYTES_MAX,
    CALL_DEADLINE_MS_MAX,
    CALL_NUMBER_MAX,
    CREDIT_MAX,
    ERROR_CODE_BYTES_MAX,
    ERROR_MESSAGE_BYTES_MAX,
    FRAME_BYTES_MAX,
    INITIAL_CREDIT_MAX,
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
from .frames import LENGTH, PACKER, is_method

LENGTH_BYTES = LENGTH.size

_CODE = re.compile(r"[a-z_]+")
_FIELDS_MAX = 6
_KNOWN_CODES: Mapping[str, ErrorCode] = {code.value: code for code in ErrorCode}


def read_length(data: bytes | bytearray, position: int) -> int | None:
    """Return the length of the frame at ``position`` of ``data``; None when that is incomplete.

    Raises:
        RemoteProtocolError: no frame may be so long, or so short (section 4.1).
    """
    if len(data) < position + LENGTH_BYTES:
        return None
    (length,) = cast("tuple[int]", LENGTH.unpack_from(data, position))
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
        canonical = PACKER.pack(fields)
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


def _out_of_range(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"{what} with a field out of range", rule="4.1")


def _is_call(call: int) -> bool:
    return 1 <= call <= CALL_NUMBER_MAX


def _read_code(code: str, message: str) -> ErrorCode:
    if len(code) > ERROR_CODE_BYTES_MAX or not _CODE.fullmatch(code):
        raise RemoteProtocolError("a malformed error code", rule="4.4")
    if len(message.encode()) > ERROR_MESSAGE_BYTES_MAX:
        raise _out_of_range("an error or goodbye")
    return _KNOWN_CODES.get(code, ErrorCode.REFUSED)


def _request(_: int, call: int, method: str, deadline_ms: int, body: bytes) -> RequestReceived:
    if not (
        1 <= call <= CALL_NUMBER_MAX
        and 1 <= deadline_ms <= CALL_DEADLINE_MS_MAX
        and len(body) <= BODY_BYTES_MAX
        and is_method(method)
    ):
        raise _out_of_range("a request")
    return RequestReceived(call, method, deadline_ms, body)


def _stream_request(
    _: int, call: int, method: str, deadline_ms: int, credit: int, body: bytes
) -> StreamRequested:
    if not (
        1 <= call <= CALL_NUMBER_MAX
        and 1 <= deadline_ms <= CALL_DEADLINE_MS_MAX
        and 1 <= credit <= INITIAL_CREDIT_MAX
        and len(body) <= BODY_BYTES_MAX
        and is_method(method)
    ):
        raise _out_of_range("a stream request")
    return StreamRequested(call, method, deadline_ms, credit, body)


def _response(_: int, call: int, body: bytes) -> ResponseReceived:
    if not (1 <= call <= CALL_NUMBER_MAX and len(body) <= BODY_BYTES_MAX):
        raise _out_of_range("a response")
    return ResponseReceived(call, body)


def _error(_: int, call: int, code: str, message: str) -> ErrorReceived:
    if not _is_call(call):
        raise _out_of_range("an error")
    return ErrorReceived(call, _read_code(code, message), message)


def _item(_: int, call: int, body: bytes) -> ItemReceived:
    if not (1 <= call <= CALL_NUMBER_MAX and len(body) <= BODY_BYTES_MAX):
        raise _out_of_range("an item")
    return ItemReceived(call, body)


def _end(_: int, call: int) -> StreamEnded:
    if not _is_call(call):
        raise _out_of_range("the end of a stream")
    return StreamEnded(call)


def _credit(_: int, call: int, credit: int) -> CreditReceived:
    if not (_is_call(call) and 1 <= credit <= CREDIT_MAX):
        raise _out_of_range("credit")
    return CreditReceived(call, credit)


def _cancel(_: int, call: int) -> CancelReceived:
    if not _is_call(call):
        raise _out_of_range("a cancel")
    return CancelReceived(call)


def _one_way(_: int, method: str, body: bytes) -> OneWayReceived:
    if not (is_method(method) and len(body) <= BODY_BYTES_MAX):
        raise _out_of_range("a one-way message")
    return OneWayReceived(method, body)


def _ping(_: int, nonce: int) -> PingReceived:
    _check_nonce(nonce)
    return PingReceived(nonce)


def _pong(_: int, nonce: int) -> PingAnswered:
    _check_nonce(nonce)
    return PingAnswered(nonce)


def _check_nonce(nonce: int) -> None:
    # The one number without a range of its own, so the one that could slip through negative.
    if nonce < 0:
        raise RemoteProtocolError("a negative integer", rule="2.1")


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
