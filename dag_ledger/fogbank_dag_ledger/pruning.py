"""Letting go of what a checkpoint covers (SPEC.md section 8.21)."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fogbank_protocol.identity import NodeId

from .chain import Chain
from .checkpoint_state import Standing, standing
from .cut import Cut, line
from .dag import Dag
from .footing import Ground
from .limits import TRAIL_MAX
from .record import Record
from .vertex import VertexId
from .votes import Votes


@dataclass(frozen=True, slots=True)
class Interval:
    """What one checkpoint covered beyond the one before."""

    counts: Mapping[NodeId, int]
    """How many positions of each chain were covered then, where that changed."""

    names: int
    """How many final vertices were."""

    dead: Sequence[VertexId]


@dataclass(slots=True)
class Trail:
    """Which intervals are still remembered by the names of their vertices."""

    intervals: deque[Interval] = field(default_factory=deque[Interval])
    names: int = 0

    def add(self, interval: Interval) -> list[Interval]:
        """Remember ``interval``; return what has to be forgotten for it, at least one is kept."""
        self.intervals.append(interval)
        self.names += interval.names
        forgotten: list[Interval] = []
        while self.names > TRAIL_MAX and len(self.intervals) > 1:
            oldest = self.intervals.popleft()
            self.names -= oldest.names
            forgotten.append(oldest)
        return forgotten


def settle(
    cut: Cut,
    dag: Dag,
    ground: Ground,
    votes: Votes,
    chains: Mapping[NodeId, Chain],
    trail: Trail,
) -> list[Record]:
    """Let the floor rise to ``cut``, and forget what is below; return that."""
    stood = {chain: standing(chain, count) for chain, count in cut.counts.items()}
    closed = cut.closed()
    gone: list[Record] = []
    touched = {*cut.counts, *(one.chain for one in cut.dead.values())}
    for chain in touched:
        chain.totals.move(chain.final_head)
    for chain, now in stood.items():
        gone += _raise_floor(chain, now, cut)
    for chain in closed:
        chain.close()
    for record in cut.dead.values():
        _take_out(record)
        gone.append(record)
    for record in gone:
        dag.forget(record)
    for record in gone:
        if record.chain.settled_head is not record:
            record.lost = not record.final
        record.settle()
    names = len(gone) - len(cut.dead)
    mark_lost(dag.records())
    gone += _drop_leaves(dag, touched)
    votes.forget(touched)
    ground.dead.update(dict.fromkeys(cut.dead))
    # What lies beyond the floor of a closed chain is part of the state, and is not forgotten.
    decided = [one.id for one in cut.dead.values() if one.seq < one.chain.floor]
    interval = Interval(
        {chain.issuer: count for chain, count in cut.counts.items()}, names, decided
    )
    forget(trail.add(interval), chains, ground)
    return gone


def forget(intervals: Iterable[Interval], chains: Mapping[NodeId, Chain], ground: Ground) -> None:
    """Forget the names of what these intervals covered."""
    for interval in intervals:
        for issuer, count in interval.counts.items():
            # The last one stays known by itself, as the head of what is settled.
            chains[issuer].shorten_trail(min(count, chains[issuer].floor - 1))
        for vertex_id in interval.dead:
            ground.dead.pop(vertex_id, None)


def _raise_floor(chain: Chain, now: Standing, cut: Cut) -> list[Record]:
    head = now.head
    assert head is not None
    members = line(head, chain.floor)
    for record in members:
        contenders = chain.contested.get(record.seq)
        if contenders is not None:
            contenders.remove(record)
            if not contenders:
                del chain.contested[record.seq]
            chain.forked = True
    chain.settle([record.id for record in members], head, now.payer, now.sent)
    return members


def _take_out(record: Record) -> None:
    """Remove a vertex that is listed as lost from its slot, which is decided or closed."""
    chain = record.chain
    contenders = chain.contested[record.seq]
    contenders.remove(record)
    if not contenders:
        del chain.contested[record.seq]
    chain.forked = chain.forked or record.seq < chain.floor


def mark_lost(records: Iterable[Record]) -> None:
    """Find what can never be final any more: edges come first, so once through is enough."""
    for record in records:
        if record.final or record.lost:
            continue
        chain = record.chain
        is_cut_off = record.prev is not None and record.prev.lost
        has_nothing = any(source.lost for source, _ in record.claims)
        if record.deeds is not None:
            has_nothing = has_nothing or any(source.lost for source in record.deeds.sources)
        if record.creation is not None:
            has_nothing = has_nothing or record.creation.lost
        record.lost = chain.closed or record.seq < chain.floor or is_cut_off or has_nothing


def _drop_leaves(dag: Dag, chains: Collection[Chain]) -> list[Record]:
    """Forget what lost its slot and nothing stands on; the votes of seats are kept."""
    gone: list[Record] = []
    for chain in chains:
        if chain.seat is not None or not dag.is_forker(chain):
            continue
        for seq in sorted(chain.contested, reverse=True):
            for record in list(chain.contested[seq]):
                if record.lost and (seq < chain.floor or chain.closed) and dag.is_leaf(record):
                    _take_out(record)
                    dag.forget(record)
                    gone.append(record)
    return gone
