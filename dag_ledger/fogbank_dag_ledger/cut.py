"""Which final vertices a checkpoint covers, closed under what they stand on (SPEC.md 8.21)."""

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from .chain import Chain
from .limits import CHECKPOINT_DEAD_MAX, CHECKPOINT_VERTICES_MAX, SETTLING_MAX
from .objects import HeldObject, Outcome
from .operations import EscrowTerms, Take, TopUp
from .record import Record
from .vertex import VertexId

_ATTEMPTS = 8
"""So often a cut is chosen anew, without what is not settled in it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How many positions of each chain are covered, where that changed, and what is lost."""

    counts: Mapping[Chain, int] = field(default_factory=dict[Chain, int])
    dead: Mapping[VertexId, Record] = field(default_factory=dict[VertexId, Record])
    """What covered vertices stand on and what can never be final, ascending."""

    below: Mapping[Chain, int] = field(default_factory=dict[Chain, int])
    """The counts of the cut before, as far as it is above the floor."""

    epoch: int = 0
    """The newest that a covered vertex decides."""

    def count(self, chain: Chain) -> int:
        """Return how many positions of ``chain`` are covered, here or by what came before."""
        return max(self.counts.get(chain, 0), self.below.get(chain, 0), chain.floor)

    def covers(self, record: Record) -> bool:
        """Tell whether a vertex that is held is covered or listed as lost."""
        if record.final:
            return record.seq < self.count(record.chain)
        return record.id in self.dead

    def settling(self, outcome: Outcome) -> list[VertexId]:
        """Return the covered vertices that settle by ``outcome``, so that it can be taken from.

        None when there are more than a state can name.
        """
        able = {
            record.id
            for record, settlement in outcome.settling
            if record.final and self.covers(record) and _is_funded(settlement.funds_of(record))
        }
        return sorted(able) if len(able) <= SETTLING_MAX else []

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


def cone_within(tops: Iterable[Record], within: Container[Record]) -> set[Record]:
    """Return what is below ``tops``, themselves included, as far as it is all in ``within``."""
    found = {one for one in tops if one in within}
    queue = list(found)
    for record in queue:
        for edge in record.edges:
            if edge in within and edge not in found:
                found.add(edge)
                queue.append(edge)
    return found


@dataclass(slots=True)
class _Limits:
    """What a cut may not pass."""

    may_die: Callable[[Record, int], bool]
    epoch: int
    """The newest of which a decision is held."""

    held_up: set[HeldObject] = field(default_factory=set[HeldObject])
    """Objects of which a cut would show neither the outcome nor what all seats have seen."""

    are_all_held_up: bool = False

    def stops(self, record: Record) -> bool:
        """Tell whether a vertex says something that cannot be past yet."""
        if record.deeds is None and not record.committee:
            return False
        return says_of_later(record, self.epoch) or any(
            self.are_all_held_up or held in self.held_up for held in pressing(record)
        )


def says_of_later(record: Record, epoch: int) -> bool:
    """Tell whether a vertex has an op about an epoch after ``epoch``."""
    return any(operation.epoch > epoch for operation in record.committee)


def pressing(record: Record) -> Iterable[HeldObject]:
    """Return the objects of which ``record`` tells something that votes for outcomes go by."""
    if record.deeds is None:
        return []
    acted = [held for held, act in record.deeds.acts if not isinstance(act.action, TopUp)]
    opened = [held for held in record.deeds.opened if isinstance(held.terms, EscrowTerms)]
    if not record.final:
        opened = []
    return [
        held
        for held in (*opened, *acted)
        # Nothing is ever taken from what was opened by a vertex that is lost.
        if not (held.is_over or (held.opened_in is not None and held.opened_in.lost))
    ]


Passes: TypeAlias = Callable[[Cut, Cut], set[HeldObject]]
"""Tells of which objects a cut, above the one before, may not cover what it covers."""


def choose_cut(
    records: Iterable[Record],
    before: Cut,
    may_die: Callable[[Record, int], bool],
    passes: Passes,
    epoch: int = 0,
) -> Cut:
    """Return the largest cut above ``before`` that is closed, within the bounds of one checkpoint.

    It is empty when it does not reach the decision of ``epoch``, the present one.
    ``records`` are all that are held, edges first.  ``may_die`` tells whether a vertex may be
    listed as lost when so many positions of its chain are covered, ``passes`` which objects a cut
    may not pass.
    """
    beyond = [record for record in records if not before.covers(record)]
    limits = _Limits(may_die, epoch)
    for attempt in range(_ATTEMPTS):
        limits.are_all_held_up = attempt == _ATTEMPTS - 1
        cut = _choose(beyond, before, limits)
        if len(cut.dead) > CHECKPOINT_DEAD_MAX or not _may_close(cut):
            # Rather without anything lost: what stands on it waits for the next one.
            cut = _choose(beyond, before, replace(limits, may_die=_none_may_die))
        held_up = passes(cut, before)
        if not held_up:
            return cut if cut.epoch == epoch else _nothing_beyond(before)
        limits.held_up |= held_up
    return _nothing_beyond(before)


def _nothing_beyond(before: Cut) -> Cut:
    return Cut(below=before.counts, epoch=before.epoch)


def _none_may_die(_record: Record, _count: int) -> bool:
    return False


def shows_fork(cut: Cut, chain: Chain) -> bool:
    """Tell whether a cut alone shows two vertices of one slot."""
    seqs = [one.seq for one in cut.dead.values() if one.chain is chain]
    return any(seq < cut.count(chain) for seq in seqs) or len(set(seqs)) < len(seqs)


def takes_from(record: Record) -> Iterable[HeldObject]:
    """Return the objects from which ``record`` takes."""
    acts = () if record.deeds is None else record.deeds.acts
    return [held for held, act in acts if isinstance(act.action, Take)]


def _is_funded(funds: Record | None) -> bool:
    return funds is None or funds.final


def _may_close(cut: Cut) -> bool:
    # Who signs a checkpoint promises for the community, and nothing for the seats of a site.
    return all(
        chain.final_count <= cut.count(chain) and _is_general(chain, cut.count(chain))
        for chain in cut.closed()
    )


def _is_general(chain: Chain, count: int) -> bool:
    head = final_at(chain, count) if count > chain.floor else chain.settled_head
    return head is None or head.next_home.is_general


def _choose(beyond: Iterable[Record], before: Cut, limits: _Limits) -> Cut:
    counts: dict[Chain, int] = {}
    good: dict[Record, None] = {}
    left: set[Record] = set()
    for record in beyond:
        if not left.isdisjoint(record.edges) or limits.stops(record):
            left.add(record)
            continue
        if record.final:
            counts[record.chain] = record.seq + 1
        elif not limits.may_die(record, counts.get(record.chain, before.count(record.chain))):
            left.add(record)
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
    epoch = max([record.epoch for record in good if record.final], default=0)
    dead = dict(sorted(needed.items()))
    return Cut(counts, dead, before.counts, max(epoch, before.epoch))


def check_cut(
    heads: Sequence[Record],
    dead: Collection[Record],
    before: Cut,
    may_die: Callable[[Record, int], bool],
    passes: Passes,
) -> Cut | None:
    """Return the cut that somebody proposes, None when it is not closed, or not final here.

    ``heads`` are the last vertices covered of each chain where that changed.
    """
    counts = {head.chain: head.seq + 1 for head in heads if head.final}
    lost = {one.id: one for one in sorted(dead, key=lambda one: one.id)}
    epoch = max([head.epoch for head in heads], default=0)
    cut = Cut(counts, lost, before.counts, max(epoch, before.epoch))
    if len(counts) < len(heads) or any(before.covers(one) for one in (*heads, *dead)):
        return None
    if not all(not one.final and may_die(one, cut.count(one.chain)) for one in dead):
        return None
    for record in (*cut.members(before), *dead):
        is_closed = all(cut.covers(edge) or before.covers(edge) for edge in record.edges)
        if says_of_later(record, cut.epoch) or not is_closed:
            return None
    if passes(cut, before):
        return None
    return cut if _may_close(cut) else None
