"""The root over a memory that changes a little at a time (SPEC.md section 7.9).

A checkpoint looks at all of the memory but hashes only the pages that changed since the last one,
and the nodes above them.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

from ..limits import PAGE_BYTES, STATE_PAGE_BYTES
from .merkle import EMPTY_ROOT, hash_leaf, hash_node

ZERO_PAGE: Final = bytes(STATE_PAGE_BYTES)
_ZEROS: Final = bytearray(STATE_PAGE_BYTES)
_ZERO_BLOCK: Final = bytearray(PAGE_BYTES)
_PAGES_PER_BLOCK: Final = PAGE_BYTES // STATE_PAGE_BYTES


class MemoryTree:
    """The pages of a memory as last seen, with all hashes above them."""

    def __init__(self) -> None:
        # Bytearrays, because these alone are compared with a view without a copy of it.
        self._blocks: list[bytearray] = []
        self._levels: list[list[bytes]] = [[]]

    @property
    def root(self) -> bytes:
        """The root over the pages as last seen."""
        return self._levels[-1][0] if self._blocks else EMPTY_ROOT

    def update(self, blocks: int, read: Callable[[int, int], bytes | memoryview]) -> None:
        """See the memory again: ``blocks`` times 64 KiB, never less than before.

        ``read`` returns as many bytes at an address as it is asked for, or a view of them.
        """
        grown = blocks - len(self._blocks)
        if grown:
            self._grow(grown)
        changed: list[int] = []
        whole = memoryview(read(0, blocks * PAGE_BYTES) if blocks else b"")
        for block, before in enumerate(self._blocks):
            seen = whole[block * PAGE_BYTES : (block + 1) * PAGE_BYTES]
            if not _is_equal(before, seen):
                if before is _ZERO_BLOCK:
                    self._blocks[block] = bytearray(before)
                changed.extend(self._take_pages(block, seen))
        if changed:
            self._hash_nodes(changed)

    def pages(self) -> Iterator[bytes]:
        """Return the pages as last seen, of ``STATE_PAGE_BYTES`` each."""
        for block in self._blocks:
            for start in range(0, PAGE_BYTES, STATE_PAGE_BYTES):
                yield bytes(block[start : start + STATE_PAGE_BYTES])

    def _take_pages(self, block: int, seen: memoryview) -> Iterator[int]:
        """Keep and hash those pages of a block that changed, and return their places."""
        # In place: a copy of the whole block would cost as much as hashing a page or two.
        kept, leaves = self._blocks[block], self._levels[0]
        into = memoryview(kept)
        for place in range(_PAGES_PER_BLOCK):
            part = slice(place * STATE_PAGE_BYTES, (place + 1) * STATE_PAGE_BYTES)
            now = seen[part]
            if not _is_equal(kept[part], now):
                into[part] = now
                index = block * _PAGES_PER_BLOCK + place
                leaves[index] = _zero_hash(0) if _is_equal(_ZEROS, now) else hash_leaf(now)
                yield index

    def _hash_nodes(self, changed: Iterable[int]) -> None:
        for height in range(1, len(self._levels)):
            below, level = self._levels[height - 1], self._levels[height]
            changed = {index // 2 for index in changed}
            for index in changed:
                level[index] = _node(below, index, height)

    def _grow(self, blocks: int) -> None:
        """Add blocks of zeros, with the hashes above them."""
        self._blocks += [_ZERO_BLOCK] * blocks
        first = len(self._levels[0])
        self._levels[0] += [_zero_hash(0)] * (blocks * _PAGES_PER_BLOCK)
        height = 0
        while len(self._levels[height]) > 1:
            below = self._levels[height]
            height += 1
            if height == len(self._levels):
                self._levels.append([])
            # The last node before may have stood alone, or have been carried up.
            first = max(first // 2 - 1, 0)
            self._levels[height][first:] = [
                _node(below, index, height) for index in range(first, (len(below) + 1) // 2)
            ]


def _is_equal(kept: object, seen: object) -> bool:
    # Of unlike types, which checkers take for a mistake: a bytearray compares with any buffer.
    return kept == seen


def _node(below: list[bytes], index: int, height: int) -> bytes:
    left = below[2 * index]
    if 2 * index + 1 == len(below):
        return left
    right = below[2 * index + 1]
    zero = _zero_hash(height - 1)
    # The one object stands for all zeros: most of a large memory is never hashed.
    return _zero_hash(height) if left is zero and right is zero else hash_node(left, right)


@lru_cache(maxsize=64)
def _zero_hash(height: int) -> bytes:
    """Return the node over ``2 ** height`` pages of zeros."""
    if height == 0:
        return hash_leaf(ZERO_PAGE)
    below = _zero_hash(height - 1)
    return hash_node(below, below)
