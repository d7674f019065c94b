"""Values in an op by themselves: their types, lengths and order (SPEC.md section 8.12).

What has another shape than it should breaks rule 8.3.1; what only a bound forbids, 8.12.1: each of
these raises ``RemoteProtocolError`` with one of them.
"""

from collections.abc import Sequence
from typing import TypeAlias, TypeVar, cast

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, NodeId

from .limits import BEATS_MAX, OBJECT_LIST_MAX, VERTEX_ID_BYTES
from .operations import Share
from .vertex import VertexId

DIGEST_BYTES = 32
"""Of a hash in an op, or of the name of something that is signed."""

Values: TypeAlias = list[object]
"""An array, its elements still to be checked."""

_Name = TypeVar("_Name", int, bytes, NodeId, VertexId)


def check(holds: bool, message: str) -> None:
    """Raise 8.12.1 with ``message`` unless a bound holds."""
    if not holds:
        raise RemoteProtocolError(message, rule="8.12.1")


def check_integers(*values: object) -> None:
    """Raise 8.3.1 unless all of ``values`` are unsigned integers."""
    # A boolean is an integer to Python, and True equals 1; on the wire they differ.
    if any(type(value) is not int or value < 0 for value in values):
        raise RemoteProtocolError("not an unsigned integer", rule="8.3.1")


def integer(value: object) -> int:
    """Return an unsigned integer."""
    check_integers(value)
    return cast("int", value)


def positive(value: object) -> int:
    """Return an amount, 1 or more."""
    number = integer(value)
    check(number >= 1, "an amount of nothing")
    return number


def beats_in(value: object) -> int:
    """Return a number of beats, 1 to 2^32 - 1."""
    number = integer(value)
    check(1 <= number <= BEATS_MAX, "beats out of range")
    return number


def bytes_in(value: object, size: int) -> bytes:
    """Return a byte string of this ``size``."""
    if type(value) is bytes and len(value) == size:
        return value
    raise RemoteProtocolError(f"not {size} bytes", rule="8.3.1")


def key_in(value: object) -> NodeId:
    """Return a node id."""
    return NodeId(bytes_in(value, NODE_ID_BYTES))


def vertex_id_in(value: object) -> VertexId:
    """Return the id of a vertex."""
    return VertexId(bytes_in(value, VERTEX_ID_BYTES))


def _list(value: object) -> Values:
    if type(value) is list:
        return cast("Values", value)
    raise RemoteProtocolError("not an array", rule="8.3.1")


def keys_in(value: object) -> tuple[NodeId, ...]:
    """Return at most 8 node ids, strictly ascending."""
    keys = tuple(map(key_in, _list(value)))
    _check_ascending(keys)
    return keys


def ids_in(values: Values) -> tuple[VertexId, ...]:
    """Return at most 8 ids of vertices, strictly ascending."""
    ids = tuple(map(vertex_id_in, values))
    _check_ascending(ids)
    return ids


def members_in(values: Values) -> tuple[int, ...]:
    """Return at most 8 numbers, strictly ascending."""
    members = tuple(map(integer, values))
    _check_ascending(members)
    return members


def split_in(value: object) -> tuple[Share, ...]:
    """Return at most 8 recipients, strictly ascending, with what each gets, 1 or more."""
    shares: list[Share] = []
    for one in _list(value):
        match one:
            case [recipient, part]:
                shares.append((key_in(recipient), integer(part)))
            case _:
                raise RemoteProtocolError("not a share", rule="8.3.1")
    check_split(shares)
    return tuple(shares)


def check_split(shares: Sequence[Share]) -> None:
    """Check that recipients are at most 8, strictly ascending, and each gets 1 or more."""
    _check_ascending([recipient for recipient, _ in shares])
    check(all(part >= 1 for _, part in shares), "an amount of nothing")


def _check_ascending(names: Sequence[_Name]) -> None:
    ordered = list(names) == sorted(set(names))
    check(ordered and len(names) <= OBJECT_LIST_MAX, "a list too long, or out of order")
