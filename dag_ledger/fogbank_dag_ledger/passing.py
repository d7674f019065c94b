"""What seats have seen of open objects, by covered vertices alone (SPEC.md section 8.21).

The votes of section 8.17 once more, along the covered line of each seat: a function of the state
at the cut before and of what is covered beyond, so that all who sign find the same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf

from fogbank_protocol.identity import NodeId

from .cut import Cut, cone_within, final_at, line
from .eligibility import due, note_vouchers, notices_of, posted_by
from .epochs import Epochs
from .object_state import ObjectRecord
from .objects import HeldObject, OutcomeKey, Settlement, Sight
from .operations import ChannelTerms, ObjectId, PostVouchers, Slash, Voucher
from .passed_state import (
    ActRecord,
    PassedRecord,
    SettlementRecord,
    SightRecord,
    VoteAt,
    record_of,
    settlement_of,
)
from .record import Record
from .vertex import VertexId


@dataclass(slots=True)
class Open:
    """One object without an outcome in the state, and what is known of it at the cut."""

    held: HeldObject
    record: ObjectRecord
    sights: dict[NodeId, Sight] = field(default_factory=dict[NodeId, Sight])
    votes: dict[NodeId, VoteAt] = field(default_factory=dict[NodeId, VoteAt])
    settlements: dict[VertexId, Settlement] = field(default_factory=dict[VertexId, Settlement])
    """Those that a cut before covered."""

    told: dict[VertexId, SettlementRecord] = field(default_factory=dict[VertexId, SettlementRecord])
    acts: dict[tuple[VertexId, int], ActRecord] = field(
        default_factory=dict[tuple[VertexId, int], ActRecord]
    )
    is_changed: bool = False

    def load(self, record: PassedRecord) -> None:
        """Take what the state at the cut before says."""
        match record:
            case SightRecord():
                sight = self.sights[record.account] = Sight()
                sight.seen = {notice: (at, after) for notice, at, after in record.seen}
                sight.best = dict(record.best)
                if record.vote is not None:
                    self.votes[record.account] = record.vote
            case SettlementRecord():
                self.told[record.settling] = record
                self.settlements[record.settling] = settlement_of(record, self.held)[1]
            case ActRecord():
                self.acts[record.vertex, record.number] = record

    def records(self) -> Iterator[PassedRecord]:
        """Iterate over what the state at this cut says."""
        name = self.held.id
        for seat in {*self.sights, *self.votes}:
            sight, vote = self.sights.get(seat) or Sight(), self.votes.get(seat)
            seen = sorted(sight.seen.items(), key=lambda one: one[0].value)
            told = tuple((notice, at, after) for notice, (at, after) in seen)
            if told or sight.best or vote is not None:
                yield SightRecord(name, seat, told, tuple(sorted(sight.best.items())), vote)
        yield from self.told.values()
        yield from self.acts.values()

    def note_beyond(self, record: Record) -> None:
        """Take note of what ``record``, which is covered or dead now, does to the object."""
        assert record.deeds is not None
        self.is_changed = True
        for settlement in record.deeds.settlements:
            if settlement.held is self.held:
                self.told[record.id] = record_of(record, settlement)
        for held, act in record.deeds.acts:
            if held is not self.held:
                continue
            if isinstance(act.action, Slash):
                self.acts[record.id, 0] = ActRecord(held.id, record.id, 0, None)
            if isinstance(act.action, PostVouchers):
                for number, one in enumerate(act.action.vouchers):
                    bare = Voucher(one.lane, one.total, one.count, b"", one.split, b"")
                    self.acts[record.id, number] = ActRecord(held.id, record.id, number, bare)


def replay(
    cut: Cut,
    covered: Collection[Record],
    known: Mapping[ObjectId, Open],
    epochs: Epochs,
    forked: Collection[NodeId],
) -> None:
    """Let the seats see and vote in ``covered`` vertices, as ``known`` tells what they did before.

    ``forked`` are seats that count for every outcome, whatever they saw.
    """
    within = {*covered, *cut.dead.values()}
    for record in within:
        for held in objects_of(record):
            if held.id in known:
                known[held.id].note_beyond(record)
    if not known:
        return
    for chain, count in cut.counts.items():
        if chain.seat is not None and chain.issuer not in forked:
            first = cut.below.get(chain, chain.floor)
            own = line(final_at(chain, count), first)
            _Line(chain.issuer, chain.seat, cut, known, epochs).follow(own, within)


def objects_of(record: Record) -> set[HeldObject]:
    """Return the objects that ``record`` opens or acts on."""
    if record.deeds is None:
        return set()
    return {*record.deeds.opened, *(held for held, _ in record.deeds.acts)}


def weight_by_outcome(
    one: Open, cut: Cut, epochs: Epochs, forked: Collection[NodeId]
) -> Mapping[OutcomeKey, int]:
    """Return how much covered votes in the epoch of ``cut`` weigh for each outcome of an object."""
    home = one.held.home
    table = epochs.table_of(cut.epoch) if home.is_general else home.table
    weights = {} if table is None else table.weights()
    found: dict[OutcomeKey, int] = {}
    for told in one.told.values():
        found[told.is_seizure, told.award, told.shares] = 0
    for seat, weight in weights.items():
        vote = one.votes.get(seat)
        if seat in forked:
            for key in found:
                found[key] += weight
        elif vote is not None and (vote.epoch == cut.epoch or not home.is_general):
            found[vote.key] = found.get(vote.key, 0) + weight
    return found


class _Line:
    """One seat, from one of its covered vertices to the next."""

    def __init__(
        self, name: NodeId, seat: int, cut: Cut, known: Mapping[ObjectId, Open], epochs: Epochs
    ) -> None:
        self._name = name
        self._seat = seat
        self._cut = cut
        self._open = known
        self._epochs = epochs
        self._seen: dict[ObjectId, dict[VertexId, Settlement]] = {
            of: dict(one.settlements) for of, one in known.items() if one.settlements
        }
        self._early: list[Record] = []
        """Observed in epochs in which the seat was none."""

        self._wake: list[tuple[float, ObjectId]] = []
        for of, settlements in self._seen.items():
            sight = known[of].sights.get(name) or Sight()
            self._wake += [(due(one, sight), of) for one in settlements.values()]
        heapify(self._wake)

    def follow(self, own: Iterable[Record], within: set[Record]) -> None:
        left = set(within)
        for record in own:
            observed = cone_within([record], left)
            left -= observed
            self._step(record, [one for one in observed if one.deeds is not None])

    def _step(self, record: Record, observed: list[Record]) -> None:
        before = 0 if record.prev is None else record.prev.beat
        sits = self._sits(record.epoch)
        woken: set[ObjectId] = set()
        for one in observed:
            assert one.deeds is not None
            for settlement in one.deeds.settlements:
                self._seen.setdefault(settlement.held.id, {})[one.id] = settlement
            woken.update(held.id for held in objects_of(one))
        seen_now = observed
        if not sits:
            self._early += observed
        elif self._enters(record):
            seen_now = [*self._early, *observed]
            self._early = []
            for name, open_ in self._open.items():
                if open_.held.home.is_general:
                    self._note_all(open_, record.beat, before)
                    woken.add(name)
        if not sits:
            return
        self._note(seen_now, record.beat, before)
        while self._wake and self._wake[0][0] <= record.beat:
            woken.add(heappop(self._wake)[1])
        for name in woken & self._open.keys():
            self._vote(self._open[name], record)

    def _sits(self, epoch: int) -> bool:
        return self._epochs.had_seat(self._name, epoch)

    def _may_vote(self, record: Record) -> bool:
        table = self._epochs.table_of(record.epoch)
        in_epoch = record.epoch == self._cut.epoch
        return in_epoch and table is not None and self._name in table.weights()

    def _enters(self, record: Record) -> bool:
        return record.epoch > 0 and (record.prev is None or record.prev.epoch < record.epoch)

    def _may_see(self, held: HeldObject) -> bool:
        return held.home.is_general or held.home.weight_of(self._seat) > 0

    def _sight(self, one: Open) -> Sight:
        one.is_changed = True
        return one.sights.setdefault(self._name, Sight())

    def _note(self, observed: Iterable[Record], beat: int, before: int) -> None:
        facts = list(observed)
        for one in facts:
            for held, notice in notices_of(one):
                if held.id in self._open and self._may_see(held):
                    self._sight(self._open[held.id]).seen.setdefault(notice, (beat, before))
        for one in facts:
            for held, best in posted_by(one):
                terms = held.terms
                if held.id in self._open and self._may_see(held):
                    assert isinstance(terms, ChannelTerms)
                    note_vouchers(self._sight(self._open[held.id]), terms, best, before)

    def _note_all(self, one: Open, beat: int, before: int) -> None:
        """See whatever cuts before passed, in the first vertex of an epoch."""
        notices = {notice for sight in one.sights.values() for notice in sight.seen}
        for notice in notices:
            self._sight(one).seen.setdefault(notice, (beat, before))
        if isinstance(one.held.terms, ChannelTerms):
            for act in one.acts.values():
                if act.voucher is not None:
                    best = {act.voucher.lane: act.voucher.leaves}
                    note_vouchers(self._sight(one), one.held.terms, best, before)

    def _vote(self, one: Open, record: Record) -> None:
        held, vote = one.held, one.votes.get(self._name)
        if held.home.is_general:
            may_vote = self._may_vote(record)
            has_voted = vote is not None and vote.epoch == record.epoch
        else:
            may_vote = held.home.weight_of(self._seat) > 0
            has_voted = vote is not None
        if has_voted:
            return
        sight = one.sights.get(self._name) or Sight()
        for _, settlement in sorted(self._seen.get(held.id, {}).items()):
            at = due(settlement, sight)
            if may_vote and at <= record.beat:
                one.is_changed = True
                seized, award, shares = settlement.key
                one.votes[self._name] = VoteAt(record.epoch, seized, award, shares)
                return
            if record.beat < at < inf:
                heappush(self._wake, (at, held.id))
