"""Merkle trees over lists, and proofs that something is in one (SPEC.md section 8.21).

The shape is that of RFC 6962: the left subtree has the largest power of two of leaves that is less
than all of them.  The hash is blake2b-256.
"""

from collections.abc import Sequence
from hashlib import blake2b

from .limits import ROOT_BYTES

_LEAF, _NODE = b"\0", b"\1"


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the 32 bytes that stand for ``leaves`` in their order; also for none."""
    if not leaves:
        return blake2b(digest_size=ROOT_BYTES).digest()
    level = [_leaf(leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [_node(left, right) for left, right in pairs]
        if len(level) % 2:
            # A lonely last one moves up as it is, which gives RFC 6962's shape.
            above.append(level[-1])
        level = above
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that prove ``leaves[index]``, the lowest first; 32 bytes each."""
    assert 0 <= index < len(leaves)
    level = [_leaf(leaf) for leaf in leaves]
    hashes: list[bytes] = []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            hashes.append(level[beside])
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [_node(left, right) for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])
        level, index = above, index // 2
    return hashes


def is_in(leaf: bytes, index: int, count: int, hashes: Sequence[bytes], tree_root: bytes) -> bool:
    """Tell whether ``hashes`` prove that ``leaf`` is number ``index`` of ``count`` leaves."""
    if not 0 <= index < count:
        return False
    digest, rest = _leaf(leaf), list(hashes)
    last = count - 1
    while last:
        if index % 2 or index < last:
            if not rest:
                return False
            other = rest.pop(0)
            digest = _node(other, digest) if index % 2 else _node(digest, other)
        index, last = index // 2, last // 2
    return not rest and digest == tree_root


def _leaf(data: bytes) -> bytes:
    return blake2b(_LEAF + data, digest_size=ROOT_BYTES).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return blake2b(_NODE + left + right, digest_size=ROOT_BYTES).digest()
