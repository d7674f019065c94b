"""Which final vertices a checkpoint covers, closed under what they stand on (SPEC.md 8.21)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .chain import Chain
from .limits import CHECKPOINT_DEAD_MAX, CHECKPOINT_VERTICES_MAX
from .record import Record
from .vertex import VertexId


@dataclass(frozen=True, slots=True)
class Cut:
    """How many positions of each chain are covered, where that changed, and what is lost."""

    counts: Mapping[Chain, int] = field(default_factory=dict[Chain, int])
    dead: Mapping[VertexId, Record] = field(default_factory=dict[VertexId, Record])
    """What covered vertices stand on and what can never be final, ascending."""

    below: Mapping[Chain, int] = field(default_factory=dict[Chain, int])
    """The counts of the cut before, as far as it is above the floor."""

    def count(self, chain: Chain) -> int:
        """Return how many positions of ``chain`` are covered, here or by what came before."""
        return max(self.counts.get(chain, 0), self.below.get(chain, 0), chain.floor)

    def covers(self, record: Record) -> bool:
        """Tell whether a vertex that is held is covered or listed as lost."""
        if record.final:
            return record.seq < self.count(record.chain)
        return record.id in self.dead

    def closed(self) -> set[Chain]:
        """Return the chains of which nothing beyond the cut can be final any more."""
        return {one.chain for one in self.dead.values() if one.seq >= self.count(one.chain)}

    def heads(self) -> list[VertexId]:
        """Return the last vertex that is covered of each chain where that changed, ascending."""
        return sorted(final_at(chain, count).id for chain, count in self.counts.items())

    def members(self, before: "Cut") -> list[Record]:
        """Return the final vertices that this cut covers and ``before`` did not, by chain."""
        return [
            record
            for chain, count in self.counts.items()
            for record in line(final_at(chain, count), before.count(chain))
        ]


def final_at(chain: Chain, count: int) -> Record:
    """Return the final vertex at position ``count`` less one, which is not below the floor."""
    record = chain.final_head
    while record is not None and record.seq >= count:
        record = record.prev
    assert record is not None
    return record


def line(head: Record, first: int) -> list[Record]:
    """Return the vertices from position ``first`` up to ``head``, in order."""
    found: list[Record] = []
    record: Record | None = head
    while record is not None and record.seq >= first:
        found.append(record)
        record = record.prev
    return found[::-1]


def choose_cut(
    records: Iterable[Record], before: Cut, may_die: Callable[[Record, int], bool]
) -> Cut:
    """Return the largest cut above ``before`` that is closed, within the bounds of one checkpoint.

    ``records`` are all that are held, edges first.  ``may_die`` tells whether a vertex may be
    listed as lost when so many positions of its chain are covered.
    """
    held = list(records)
    cut = _choose(held, before, may_die)
    if len(cut.dead) > CHECKPOINT_DEAD_MAX or not _may_close(cut):
        # Rather without anything lost: what stands on it waits for the next one.
        return _choose(held, before, lambda _record, _count: False)
    return cut


def _may_close(cut: Cut) -> bool:
    return all(chain.final_count <= cut.count(chain) for chain in cut.closed())


def _choose(records: Iterable[Record], before: Cut, may_die: Callable[[Record, int], bool]) -> Cut:
    counts: dict[Chain, int] = {}
    good: dict[Record, None] = {}
    for record in records:
        # What happens to objects, and to the committee, is no part of the state of a checkpoint.
        if before.covers(record) or record.deeds is not None or record.committee:
            continue
        if not all(edge in good or before.covers(edge) for edge in record.edges):
            continue
        if record.final:
            counts[record.chain] = record.seq + 1
        elif not may_die(record, counts.get(record.chain, before.count(record.chain))):
            continue
        good[record] = None
        if len(good) == CHECKPOINT_VERTICES_MAX:
            break
    needed: dict[VertexId, Record] = {}
    for record in reversed(good):
        if record.final or record.id in needed:
            for edge in record.edges:
                if not edge.final and not before.covers(edge):
                    needed[edge.id] = edge
    return Cut(counts, dict(sorted(needed.items())), before.counts)


def check_cut(
    heads: Sequence[Record],
    dead: Collection[Record],
    before: Cut,
    may_die: Callable[[Record, int], bool],
) -> Cut | None:
    """Return the cut that somebody proposes, None when it is not closed, or not final here.

    ``heads`` are the last vertices covered of each chain where that changed.
    """
    counts = {head.chain: head.seq + 1 for head in heads if head.final}
    lost = {one.id: one for one in sorted(dead, key=lambda one: one.id)}
    cut = Cut(counts, lost, before.counts)
    if len(counts) < len(heads) or any(before.covers(one) for one in (*heads, *dead)):
        return None
    if not all(not one.final and may_die(one, cut.count(one.chain)) for one in dead):
        return None
    for record in (*cut.members(before), *dead):
        if (
            record.deeds is not None
            or record.committee
            or not all(cut.covers(edge) or before.covers(edge) for edge in record.edges)
        ):
            return None
    return cut if _may_close(cut) else None
