"""Canonical msgpack: one value, one encoding (SPEC.md section 2.1).

Values are unsigned integers below 2**64, byte strings, text, booleans, nil, and arrays of values.
A decoder that accepted a second spelling of a value would let anyone change a hash without
changing what is said, so all but the shortest form is refused, by packing again and comparing.
"""

from collections.abc import Sequence
from typing import TypeAlias, cast

import msgpack

from .errors import LocalProtocolError, RemoteProtocolError
from .limits import ENCODED_BYTES_MAX, ENCODED_DEPTH_MAX

Value: TypeAlias = "int | bytes | str | bool | Sequence[Value] | None"
"""What the canonical encoding can say."""


def encode(value: Value) -> bytes:
    """Return the canonical encoding of ``value``; arrays may be given as lists or tuples.

    Raises:
        LocalProtocolError: ``value`` has a negative or too large integer, a type outside
            ``Value``, or arrays nested deeper than ``ENCODED_DEPTH_MAX``.
    """
    _check_sayable(value, ENCODED_DEPTH_MAX)
    return cast("bytes", msgpack.packb(value, use_bin_type=True))


def decode(data: bytes, *, bytes_max: int = ENCODED_BYTES_MAX) -> Value:
    """Return the value that ``data`` encodes; arrays come back as lists.

    Raises:
        RemoteProtocolError: ``data`` is longer than ``bytes_max``, is not exactly one value, uses
            a type outside ``Value``, nests too deep, or is not the canonical form (section 2.1).
    """
    if len(data) > bytes_max:
        raise RemoteProtocolError(f"{len(data)} bytes, at most {bytes_max} allowed", rule="2.1")
    try:
        value = cast("Value", msgpack.unpackb(data, raw=False, strict_map_key=True))
        _check_sayable(value, ENCODED_DEPTH_MAX)
        canonical = msgpack.packb(value, use_bin_type=True)
    except LocalProtocolError as error:
        raise RemoteProtocolError(str(error), rule="2.1") from None
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException, RecursionError):
        # msgpack's own messages repeat the peer's bytes, so they are not passed on.
        raise RemoteProtocolError("not a msgpack value", rule="2.1") from None
    if canonical != data:
        raise RemoteProtocolError("not the canonical encoding", rule="2.1")
    return value


def _check_sayable(value: object, depth_left: int) -> None:
    match value:
        case None | bool() | bytes() | str():
            return
        case int():
            if not 0 <= value < 1 << 64:
                raise LocalProtocolError("an integer outside 0 .. 2**64-1")
        case list() | tuple():
            if depth_left == 0:
                raise LocalProtocolError("arrays nested too deep")
            for item in cast("Sequence[object]", value):
                _check_sayable(item, depth_left - 1)
        case _:
            raise LocalProtocolError(f"a value of type {type(value).__name__}")
