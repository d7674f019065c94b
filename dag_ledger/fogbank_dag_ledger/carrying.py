"""What an epoch hands over to the next one (SPEC.md section 8.19).

The votes of section 8.4 once more, but of a part of the DAG only: the past cones of the sign-offs
that were agreed on.  It is done once an epoch, so it may look at everything that is not final.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .chain import Chain
from .eligibility import due, note_posted, notices_of
from .epochs import Epochs
from .objects import HeldObject, Outcome, Settlement, Sight
from .record import Record


def union_of_cones(tops: Iterable[Record], floor: float) -> set[Record]:
    """Return all of height ``floor`` or more that is below ``tops``, themselves included."""
    union = set(tops)
    queue = list(union)
    for record in queue:
        for edge in record.edges:
            if edge.height >= floor and edge not in union:
                union.add(edge)
                queue.append(edge)
    return union


def carried_over(
    pending: Sequence[Record], union: set[Record], epochs: Epochs, chains: Iterable[Chain]
) -> list[Record]:
    """Return those of ``pending`` that votes inside ``union`` make L1 in the epoch that ends.

    ``chains`` are those of its validators.
    """
    weights: dict[Record, int] = {}
    inside = {
        record for record in pending if record in union and not record.chain.is_closed(record.seq)
    }
    for chain in chains:
        for record in _voted_for(chain, inside, union, epochs):
            weights[record] = weights.get(record, 0) + epochs.weight_of(chain.issuer)
    return [
        record for record in pending if record.carried or weights.get(record, 0) >= epochs.quorum
    ]


def outcomes_voted_for(chain: Chain, union: set[Record], epochs: Epochs) -> set[Outcome]:
    """Return for which outcomes somebody who forked votes in the epoch that ends, inside ``union``.

    ``union`` reaches down to the floor.  Of one who is not known there to have forked, what the
    line that is there says; of the others those of whom that is known inside it are counted for all
    that they have below them.
    """
    own = [record for record in chain.records() if record in union]
    if len({record.seq for record in own}) < len(own):
        if not any(map(epochs.counts, own)):
            return set()
        below = _below(own, union)
        return {one.outcome for record in below if record.deeds for one in record.deeds.settlements}
    sights: defaultdict[HeldObject, Sight] = defaultdict(Sight)
    voted: dict[HeldObject, Outcome] = {}
    settling: list[tuple[Record, Settlement]] = []
    seen: set[Record] = set()
    fresh: set[Record] = set()
    before = 0
    for record in own:
        more = _below([record], union, seen) - seen
        seen |= more
        fresh |= more
        if epochs.is_seated(record):
            for one in fresh:
                for held, notice in notices_of(one):
                    sights[held].seen.setdefault(notice, (record.beat, before))
            note_posted(fresh, sights.__getitem__, before)
            settling += [(x, one) for x in fresh if x.deeds for one in x.deeds.settlements]
            settling.sort(key=lambda found: found[0].id)
            fresh = set()
        before = record.beat
        for _, settled in settling if epochs.counts(record) else ():
            if settled.held not in voted and due(settled, sights[settled.held]) <= record.beat:
                voted[settled.held] = settled.outcome
    return set(voted.values())


def _voted_for(
    chain: Chain, inside: set[Record], union: set[Record], epochs: Epochs
) -> Iterable[Record]:
    own = [record for record in chain.records() if record in union]
    if len({record.seq for record in own}) < len(own):
        # Forked as far as one can see inside: it votes for all that it has below it.
        return inside & _below(own, union) if any(map(epochs.counts, own)) else ()
    voted: dict[tuple[Chain, int], Record] = {}
    seen: set[Record] = set()
    for record in own:
        if not epochs.counts(record):
            continue
        fresh = _below([record], union, seen) - seen
        seen |= fresh
        best: dict[tuple[Chain, int], Record] = {}
        for one in fresh & inside:
            slot = one.chain, one.seq
            if slot not in best or one.id < best[slot].id:
                best[slot] = one
        for slot, one in best.items():
            voted.setdefault(slot, one)
    return voted.values()


def _below(
    tops: Iterable[Record],
    union: set[Record],
    stop: "set[Record] | frozenset[Record]" = frozenset(),
) -> set[Record]:
    found = set(tops)
    queue = list(found)
    for record in queue:
        for edge in record.edges:
            if edge in union and edge not in stop and edge not in found:
                found.add(edge)
                queue.append(edge)
    return found
