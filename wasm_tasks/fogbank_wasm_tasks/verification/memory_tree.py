"""The root over a memory that changes a little at a time (SPEC.md section 7.9).

A checkpoint looks at all of the memory but hashes only the pieces that changed since the last one,
the blocks that hold them, and the nodes above these.  To find out what changed takes a copy, and
that pays only where little does: a piece that changed last time is hashed without being compared,
and copied when it turns out to have been left alone.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from ..limits import PAGE_BYTES, STATE_PAGE_BYTES
from .merkle import EMPTY_ROOT, hash_leaf, hash_node

_PAGES_PER_BLOCK: Final = PAGE_BYTES // STATE_PAGE_BYTES
_STARTS: Final = range(0, PAGE_BYTES, STATE_PAGE_BYTES)
_ZERO_BLOCK: Final = bytearray(PAGE_BYTES)
_ZERO_HASHES: Final = [hash_leaf(bytes(STATE_PAGE_BYTES))] * _PAGES_PER_BLOCK
_ZERO_LEAF: Final = hash_leaf(b"".join(_ZERO_HASHES))


class _Block:
    """64 KiB of memory as last seen."""

    __slots__ = ("hashes", "pages", "whole")

    def __init__(self) -> None:
        # Bytearrays, because these alone are compared with a view without a copy of it.
        self.whole: bytearray | None = _ZERO_BLOCK
        """All of it, when none of it changed; else there are ``pages``."""

        self.pages: list[bytearray | None] = []
        """Each of its pages, but None for one that changed."""

        self.hashes = _ZERO_HASHES.copy()

    def has_changed(self, seen: memoryview) -> bool:
        """Take what is ``seen`` now, and tell whether ``hashes`` are others than before."""
        if self.whole is not None:
            if _is_equal(self.whole, seen):
                return False
            whole = memoryview(self.whole)
            self.pages = [bytearray(each) for each in _pages(whole)]
            self.whole = None
        pages, hashes, has_changed = self.pages, self.hashes, False
        for place, now in enumerate(_pages(seen)):
            before = pages[place]
            if before is None or not _is_equal(before, now):
                found = hash_leaf(now)
                if found == hashes[place]:
                    pages[place] = bytearray(now)
                else:
                    pages[place] = None
                    hashes[place] = found
                    has_changed = True
        if not has_changed:
            self.whole = bytearray(seen)
        return has_changed


class MemoryTree:
    """The hashes of a memory as last seen."""

    def __init__(self) -> None:
        """See no memory yet."""
        self._blocks: list[_Block] = []
        self._levels: list[list[bytes]] = [[]]
        """The leaves, one for each block, and the nodes above them."""

    @property
    def root(self) -> bytes:
        """The root over the memory as last seen."""
        return self._levels[-1][0] if self._blocks else EMPTY_ROOT

    def update(self, memory: bytes | memoryview) -> None:
        """See the ``memory`` again, of blocks of 64 KiB, never fewer than before."""
        grown = len(memory) // PAGE_BYTES - len(self._blocks)
        if grown:
            self._grow(grown)
        changed: set[int] = set()
        whole = memoryview(memory)
        for index, block in enumerate(self._blocks):
            if block.has_changed(whole[index * PAGE_BYTES : (index + 1) * PAGE_BYTES]):
                self._levels[0][index] = hash_leaf(b"".join(block.hashes))
                changed.add(index)
        if changed:
            self._hash_nodes(changed)

    def _hash_nodes(self, changed: set[int]) -> None:
        for below, level in pairwise(self._levels):
            changed = {index // 2 for index in changed}
            for index in changed:
                level[index] = _node(below, index)

    def _grow(self, blocks: int) -> None:
        """Add blocks of zeros, with the hashes above them."""
        self._blocks += [_Block() for _ in range(blocks)]
        first = len(self._levels[0])
        self._levels[0] += [_ZERO_LEAF] * blocks
        height = 0
        while len(self._levels[height]) > 1:
            below = self._levels[height]
            height += 1
            if height == len(self._levels):
                self._levels.append([])
            # The last node before may have stood alone, or have been carried up.
            first = max(first // 2 - 1, 0)
            self._levels[height][first:] = [
                _node(below, index) for index in range(first, (len(below) + 1) // 2)
            ]


def _is_equal(kept: object, seen: object) -> bool:
    # Of unlike types, which checkers take for a mistake: a bytearray compares with any buffer.
    return kept == seen


def _node(below: list[bytes], index: int) -> bytes:
    left = 2 * index
    return below[left] if left + 1 == len(below) else hash_node(below[left], below[left + 1])


def _pages(block: memoryview) -> Iterable[memoryview]:
    return [block[start : start + STATE_PAGE_BYTES] for start in _STARTS]
