"""Frontiers: how far each issuer's chain is known, and what two of them say about each other.

SPEC.md section 8.7.  A chain names all that is below its head, so one entry an issuer is a whole
summary of what is held, however long the chains are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import NewType

from fogbank_protocol.errors import RemoteProtocolError

from .limits import (
    FORK_WINDOW_FIRST,
    FORK_WINDOW_SHIFT,
    FRONTIER_ENTRIES_MAX,
    RANGES_MAX,
)
from .vertex import VertexId

Tag = NewType("Tag", bytes)
"""The first 8 bytes of the ids of an issuer's vertices (section 8.2)."""

RULE = "8.7"

_ENTRY = Struct(">8sI4s")
_RANGE = Struct(">8sII")


@dataclass(frozen=True, slots=True)
class Head:
    """What one entry says of an issuer: its highest vertex held, and a mark of all its heads."""

    seq: int
    mark: bytes
    """XOR of the first 4 digest bytes of every head; of one head when the issuer did not fork."""


@dataclass(frozen=True, slots=True)
class Range:
    """Vertices of one issuer, ``first`` to ``last`` in its own counting, both included."""

    tag: Tag
    first: int
    last: int


def encode_entries(entries: Iterable[tuple[Tag, Head]]) -> bytes:
    """Return ``tag(8) | seq(4) | mark(4)`` for each, ascending by tag."""
    return b"".join(
        _ENTRY.pack(tag, head.seq, head.mark) for tag, head in sorted(entries, key=_tag)
    )


def decode_entries(data: bytes) -> dict[Tag, Head]:
    """Return the entries of ``data``.

    Raises:
        RemoteProtocolError: it is not a whole number of entries, they do not ascend, or they are
            more than ``FRONTIER_ENTRIES_MAX``.
    """
    if len(data) % _ENTRY.size or len(data) > _ENTRY.size * FRONTIER_ENTRIES_MAX:
        raise RemoteProtocolError(f"a frontier of {len(data)} bytes", rule=RULE)
    entries: dict[Tag, Head] = {}
    last = b""
    for tag, seq, mark in _ENTRY.iter_unpack(data):
        if tag <= last:
            raise RemoteProtocolError("a frontier that does not ascend", rule=RULE)
        entries[Tag(tag)] = Head(seq, mark)
        last = tag
    return entries


def encode_ranges(ranges: Iterable[Range]) -> bytes:
    """Return ``tag(8) | first(4) | last(4)`` for each, ascending by tag."""
    ordered = sorted(ranges, key=lambda wanted: wanted.tag)
    return b"".join(_RANGE.pack(wanted.tag, wanted.first, wanted.last) for wanted in ordered)


def decode_ranges(data: bytes) -> list[Range]:
    """Return the ranges of ``data``.

    Raises:
        RemoteProtocolError: it is not a whole number of ranges, they do not ascend, one ends before
            it begins, there is none, or they are more than ``RANGES_MAX``.
    """
    if not data or len(data) % _RANGE.size or len(data) > _RANGE.size * RANGES_MAX:
        raise RemoteProtocolError(f"ranges of {len(data)} bytes", rule=RULE)
    ranges: list[Range] = []
    last_tag = b""
    for tag, first, last in _RANGE.iter_unpack(data):
        if tag <= last_tag or first > last:
            raise RemoteProtocolError("ranges that do not ascend", rule=RULE)
        ranges.append(Range(Tag(tag), first, last))
        last_tag = tag
    return ranges


class Frontier:
    """How far each issuer's chain is held here, kept up with every vertex that is accepted."""

    def __init__(self) -> None:
        self._heads: dict[Tag, Head] = {}
        self._forked: dict[Tag, set[VertexId]] = {}
        self._single: dict[Tag, VertexId] = {}

    @property
    def entries(self) -> Mapping[Tag, Head]:
        """The entry of every issuer of whom a vertex is held; do not change it."""
        return self._heads

    def heads(self, tag: Tag) -> list[VertexId]:
        """Return the vertices of an issuer that no held vertex has as ``prev``, ascending."""
        if tag in self._forked:
            return sorted(self._forked[tag])
        return [self._single[tag]] if tag in self._single else []

    def add(self, vertex_id: VertexId, previous: VertexId) -> None:
        """Count a vertex that is held now; ``previous`` is its ``prev``, empty at seq 0."""
        tag, seq = Tag(vertex_id[:8]), int.from_bytes(vertex_id[8:12], "big")
        single = self._single.get(tag)
        if tag not in self._forked and (single is None or single == previous):
            self._single[tag] = vertex_id
            self._heads[tag] = Head(seq, vertex_id[12:16])
            return
        heads = self._forked.setdefault(tag, set() if single is None else {single})
        heads.discard(previous)
        heads.add(vertex_id)
        self._heads[tag] = Head(max(seq, self._heads[tag].seq), _mark(heads))


def _mark(heads: Iterable[bytes]) -> bytes:
    mark = 0
    for head in heads:
        mark ^= int.from_bytes(head[12:16], "big")
    return mark.to_bytes(4, "big")


def lacks(here: Head | None, there: Head) -> bool:
    """Tell whether a peer that says ``there`` of an issuer may hold what ``here`` lacks."""
    if here is None or there.seq > here.seq:
        return True
    return there.seq == here.seq and there.mark != here.mark


def missing_range(tag: Tag, here: Head | None, there: Head, asked_before: int) -> Range | None:
    """Return what to ask a peer for that says ``there`` of an issuer of whom ``here`` is held.

    ``asked_before`` counts the earlier questions since which the difference stayed the same.  Then
    there is a fork whose place is unknown: each question reaches further down, until one has
    covered the whole chain.  None when there is nothing to ask.
    """
    if not lacks(here, there):
        return None
    if here is None:
        return Range(tag, 0, there.seq)
    if there.seq > here.seq:
        # What stands on a fork below cannot be taken before the fork itself is here.
        reach = _reach(asked_before - 1) if asked_before else 0
        is_covered = asked_before > 1 and _reach(asked_before - 2) > here.seq
        return Range(tag, here.seq + 1 if is_covered else max(0, here.seq + 1 - reach), there.seq)
    if asked_before and _reach(asked_before - 1) > there.seq:
        return None
    return Range(tag, max(0, there.seq + 1 - _reach(asked_before)), there.seq)


def _reach(asked_before: int) -> int:
    return FORK_WINDOW_FIRST << FORK_WINDOW_SHIFT * min(asked_before, 10)


def _tag(entry: tuple[Tag, Head]) -> bytes:
    return entry[0]
