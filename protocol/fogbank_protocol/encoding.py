"""Canonical msgpack: one value, one encoding (SPEC.md section 2.1).

Values are unsigned integers below 2**64, byte strings, text, booleans, nil, and arrays of values.
A decoder that accepted a second spelling of a value would let anyone change a hash without
changing what is said, so all but the shortest form is refused, by packing again and comparing.
"""

from collections.abc import Sequence
from typing import TypeAlias, cast

import msgpack

from .errors import LocalProtocolError, RemoteProtocolError
from .limits import ENCODED_BYTES_MAX, ENCODED_DEPTH_MAX, ENCODED_ELEMENTS_MAX

Value: TypeAlias = "int | bytes | str | bool | Sequence[Value] | None"
"""What the canonical encoding can say."""

_SCALARS = frozenset((bytes, str, bool, type(None)))

_SMALL_BYTES = 512
"""Below this size no encoding can make the decoder allocate much, so it is not skimmed first.

What it may allocate is bounded by its length all the same: no array has more elements than bytes.
"""


def encode(value: Value) -> bytes:
    """Return the canonical encoding of ``value``; arrays may be given as lists or tuples.

    Raises:
        LocalProtocolError: ``value`` has a negative or too large integer, text that is not
            UTF-8, a type outside ``Value``, more than ``ENCODED_ELEMENTS_MAX`` elements, or
            arrays nested deeper than ``ENCODED_DEPTH_MAX``.
    """
    _check_sayable(value)
    try:
        return cast("bytes", msgpack.packb(value, use_bin_type=True))
    except UnicodeEncodeError:
        raise LocalProtocolError("text with lone surrogates") from None


def decode(data: bytes, *, bytes_max: int = ENCODED_BYTES_MAX) -> Value:
    """Return the value that ``data`` encodes; arrays come back as lists.

    Raises:
        RemoteProtocolError: ``data`` is longer than ``bytes_max``, is not exactly one value, uses
            a type outside ``Value``, has too many elements, nests too deep, or is not the
            canonical form (section 2.1).
    """
    if len(data) > bytes_max:
        raise RemoteProtocolError(f"{len(data)} bytes, at most {bytes_max} allowed", rule="2.1")
    try:
        if len(data) > _SMALL_BYTES:
            _skim(data)
        value = _unpack(data)
        _check_sayable(value)
        canonical = msgpack.packb(value, use_bin_type=True)
    except LocalProtocolError as error:
        raise RemoteProtocolError(str(error), rule="2.1") from None
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException, RecursionError):
        # msgpack's own messages repeat the peer's bytes, so they are not passed on.
        raise RemoteProtocolError("not a msgpack value", rule="2.1") from None
    if canonical != data:
        raise RemoteProtocolError("not the canonical encoding", rule="2.1")
    return value


def decode_untyped(data: bytes, *, array_max: int) -> object:
    """Return the value that ``data`` encodes, for a caller that checks every element's type itself.

    It costs a third of ``decode``.  The arrays have at most ``array_max`` elements each; anything
    that msgpack can say may be in them, negative integers too, nested as deep as msgpack allows.

    Raises:
        RemoteProtocolError: ``data`` is not exactly one value, has a longer array, or is not the
            canonical form (section 2.1).
    """
    try:
        value: object = msgpack.unpackb(
            data, raw=False, max_array_len=array_max, max_map_len=0, max_ext_len=0
        )
        canonical = msgpack.packb(value, use_bin_type=True)
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException, RecursionError):
        raise RemoteProtocolError("not a msgpack value", rule="2.1") from None
    if canonical != data:
        raise RemoteProtocolError("not the canonical encoding", rule="2.1")
    return value


def _skim(data: bytes) -> None:
    """Refuse what promises more elements than it has, before an array is allocated for them.

    A kilobyte of nested array headers, each promising all the elements that its size allows,
    would otherwise cost a hundred megabytes for a moment.
    """
    unpacker = msgpack.Unpacker(max_buffer_size=len(data))
    unpacker.feed(data)
    unpacker.skip()


def _unpack(data: bytes) -> Value:
    elements = 0

    def count(items: list[Value]) -> list[Value]:
        # Counted here and not afterwards only: one byte, an empty array, takes 64 of memory.  Each
        # array counts once as such, the outermost too, and once as an element of another.
        nonlocal elements
        elements += 1 + len(items)
        if elements > 2 * ENCODED_ELEMENTS_MAX + 1:
            raise LocalProtocolError(f"more than {ENCODED_ELEMENTS_MAX} elements")
        return items

    return cast(
        "Value",
        msgpack.unpackb(
            data,
            raw=False,
            list_hook=count if len(data) > _SMALL_BYTES else None,
            max_array_len=min(len(data), ENCODED_ELEMENTS_MAX),
            max_map_len=0,
            max_ext_len=0,
        ),
    )


def _check_sayable(value: object) -> None:
    # The value stands in an array of its own here: one more level, one more element.
    if _count_elements((value,), ENCODED_DEPTH_MAX + 1) > ENCODED_ELEMENTS_MAX + 1:
        raise LocalProtocolError(f"more than {ENCODED_ELEMENTS_MAX} elements")


def _count_elements(items: Sequence[object], depth_left: int) -> int:
    """Return how many elements ``items`` and the arrays in it have, all of types of ``Value``."""
    if depth_left == 0:
        raise LocalProtocolError("arrays nested too deep")
    elements = len(items)
    for item in items:
        kind = type(item)
        if kind is int:
            if not 0 <= cast("int", item) < 1 << 64:
                raise LocalProtocolError("an integer outside 0 .. 2**64-1")
        elif kind is list or kind is tuple:
            elements += _count_elements(cast("Sequence[object]", item), depth_left - 1)
        elif kind not in _SCALARS:
            raise LocalProtocolError(f"a value of type {kind.__name__}")
    return elements
