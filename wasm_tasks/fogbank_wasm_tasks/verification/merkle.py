"""Merkle trees over blake2b-256, shaped as those of RFC 6962 (SPEC.md section 7.8).

A level's nodes are paired from the left, and one left over is carried up as it is, which gives the
same tree as RFC 6962's halves.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

HASH_BYTES: Final = 32
_LEAF: Final = blake2b(b"\0", digest_size=HASH_BYTES)
"""What the hash of a leaf begins with; copying this is faster than copying the leaf."""

_NODE: Final = blake2b(b"\1", digest_size=HASH_BYTES)
"""The same of a node: a copy takes half the time that making a new one does."""

EMPTY_ROOT: Final = blake2b(b"", digest_size=HASH_BYTES).digest()
"""The root of the tree without leaves."""


def hash_leaf(content: bytes | memoryview) -> bytes:
    """Return the hash of a leaf that holds ``content``."""
    hashing = _LEAF.copy()
    hashing.update(content)
    return hashing.digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    hashing = _NODE.copy()
    hashing.update(left + right)
    return hashing.digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over ``leaves``, which are hashes of leaves."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path_of(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from leaf ``index`` of ``leaves`` to the root, lowest first."""
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        level = _above(level)
        index //= 2
    return path


def root_by_path(leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that ``path`` shows for the hash ``leaf`` at ``index`` of ``count`` leaves.

    Returns None when a path there has another length.
    """
    left = list(path)
    node = leaf
    while count > 1:
        if index ^ 1 < count:
            if not left:
                return None
            beside = left.pop(0)
            node = hash_node(beside, node) if index & 1 else hash_node(node, beside)
        index //= 2
        count = (count + 1) // 2
    return None if left else node


def _above(level: Sequence[bytes]) -> list[bytes]:
    above = [hash_node(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        above.append(level[-1])
    return above
