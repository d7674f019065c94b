"""Trees over ids, and paths that prove that an id is among them (SPEC.md section 8.16).

As RFC 6962, section 2.1, with BLAKE2b-256.  A path is kept by whoever cares for the proof; the root
is what a checkpoint says.
"""

from collections.abc import Sequence
from hashlib import blake2b

from fogbank_protocol.errors import RemoteProtocolError

from .limits import HASH_BYTES, PATH_HASHES_MAX

RULE = "8.16"


def merkle_root(ids: Sequence[bytes]) -> bytes:
    """Return the 32-byte root over ``ids``, which ascend and do not repeat."""
    if not ids:
        return _hash(b"")
    level = [_leaf(one) for one in ids]
    # Level by level, with an odd one carried up as it is, is the tree that halves at the largest
    # power of two, without recursion.
    while len(level) > 1:
        level = _above(level)
    return level[0]


def merkle_path(ids: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the path of ``ids[index]``, from the leaf upwards: at most 64 hashes."""
    path: list[bytes] = []
    level = [_leaf(one) for one in ids]
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = _above(level)
        index >>= 1
    return tuple(path)


def check_path(root: bytes, count: int, index: int, name: bytes, path: Sequence[bytes]) -> None:
    """Check that ``name`` is id ``index``, counted from 0, of the ``count`` ids under ``root``.

    Raises:
        RemoteProtocolError: the path does not prove it.
    """
    if not 0 <= index < count or len(path) > PATH_HASHES_MAX:
        raise RemoteProtocolError("a path to nowhere", rule=RULE)
    if any(len(one) != HASH_BYTES for one in path):
        raise RemoteProtocolError("a path of other things than hashes", rule=RULE)
    found, rest = _leaf(name), list(reversed(path))
    last = count - 1
    while last:
        if index & 1 or index < last:
            if not rest:
                raise RemoteProtocolError("a path too short", rule=RULE)
            sibling = rest.pop()
            found = _node(sibling, found) if index & 1 else _node(found, sibling)
        index, last = index >> 1, last >> 1
    if rest or found != root:
        raise RemoteProtocolError("a path to another root", rule=RULE)


def _above(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(*level[place : place + 2]) for place in range(0, len(level) - 1, 2)]
    return pairs + list(level[len(pairs) * 2 :])


def _leaf(name: bytes) -> bytes:
    return _hash(b"\0" + name)


def _node(left: bytes, right: bytes) -> bytes:
    return _hash(b"\1" + left + right)


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=HASH_BYTES).digest()
