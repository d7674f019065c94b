"""How messages stand on the control socket: 4 bytes of length, then [name, fields…] in msgpack.

Both ends are of one version and on one machine, so this is no part of SPEC.md; but whoever may open
the socket may send anything, so every length and every type is checked.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter, contains
from types import UnionType
from typing import Any, TypeGuard, cast, get_args, get_origin

import msgpack

from ..limits import CONTROL_FRAME_BYTES_MAX

LENGTH_BYTES = 4
_PLAIN = frozenset({bool, bytes, float, int, str, type(None)})


class BadFrame(Exception):
    """What came over the control socket is no message."""


def encode_frame(message: object) -> bytes:
    """Return ``message`` with its length before it.

    Raises:
        ValueError: it does not fit into a frame, or a number in it into 64 bits;
            ``UnicodeEncodeError`` when a text of it, from the command line, is not UTF-8.
    """
    try:
        body = cast("bytes", msgpack.packb([type(message).__name__, *_to_plain(message)]))
    except OverflowError as error:
        raise ValueError(str(error)) from None
    if len(body) > CONTROL_FRAME_BYTES_MAX:
        raise ValueError(f"{len(body)} bytes do not fit into a control frame")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def decode_length(head: bytes) -> int:
    """Return how many bytes follow the 4 of ``head``.

    Raises:
        BadFrame: none, or more than CONTROL_FRAME_BYTES_MAX.
    """
    length = int.from_bytes(head, "big")
    if not 0 < length <= CONTROL_FRAME_BYTES_MAX:
        raise BadFrame(f"a frame of {length} bytes; 1 to {CONTROL_FRAME_BYTES_MAX} are allowed")
    return length


def decode_body(body: bytes, kinds: Sequence[type]) -> object:
    """Return the message in a frame's ``body``, which is of one of ``kinds``.

    Raises:
        BadFrame: it is none.
    """
    try:
        value = msgpack.unpackb(body, use_list=False)
    except (ValueError, msgpack.UnpackException, RecursionError):
        raise BadFrame("not msgpack") from None
    match value:
        case (str(name), *values):
            for kind in kinds:
                if kind.__name__ == name:
                    return _from_plain(kind, tuple(values))
        case _:
            pass
    raise BadFrame("not a message that fits here")


def _to_plain(value: object) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if is_dataclass(kind):
        values = _fields_of(kind)(value)
        return values if _PLAIN.issuperset(map(type, values)) else [*map(_to_plain, values)]
    if _is_tuple(value):
        return value if _PLAIN.issuperset(map(type, value)) else [*map(_to_plain, value)]
    return value


@cache
def _fields_of(kind: type) -> Callable[[object], tuple[Any, ...]]:
    """Return what gives the values of all fields: pages of runs have many."""
    names = [part.name for part in fields(kind)]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda message: tuple([getattr(message, name) for name in names])


@cache
def _field_types(kind: type) -> Sequence[Any]:
    return [part.type for part in fields(kind)]


@cache
def _plain_shape(kind: type) -> Sequence[frozenset[type]] | None:
    """Return the types that each field may have as it came; None when one is no plain type."""
    shape: list[frozenset[type]] = []
    for each in _field_types(kind):
        allowed = frozenset(get_args(each) if isinstance(each, UnionType) else (each,))
        if not allowed <= _PLAIN:
            return None
        shape.append(allowed)
    return shape


def _from_plain(kind: Any, value: object) -> Any:
    """Return ``value`` as a ``kind``: a message, a tuple of one type, a union or a plain type."""
    if type(value) is kind:
        return value
    if is_dataclass(kind):
        return _message(cast("type", kind), value)
    if get_origin(kind) is tuple and _is_tuple(value):
        item_kind = get_args(kind)[0]
        if item_kind in _PLAIN and {item_kind}.issuperset(map(type, value)):
            return value
        return tuple([_from_plain(item_kind, item) for item in value])
    allowed = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    # A whole number may stand for a float, and True is no number: both as in JSON.
    if type(value) in allowed or (type(value) is int and float in allowed):
        return value
    raise BadFrame("a field of another type")


def _message(kind: type, value: object) -> object:
    types = _field_types(kind)
    if not _is_tuple(value) or len(value) != len(types):
        raise BadFrame("a message with too few or too many fields")
    shape = _plain_shape(kind)
    if shape is not None and all(map(contains, shape, map(type, value))):
        return kind(*value)
    return kind(*map(_from_plain, types, value))


def _is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple)
