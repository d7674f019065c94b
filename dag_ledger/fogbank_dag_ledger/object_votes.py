"""Votes in the slots of objects, counted as they arrive (SPEC.md sections 8.4, 8.12 and 8.17).

What a validator may not vote for yet waits: in a heap when only beats are missing, at the object
when another notice must be observed first.  So a vertex of a validator costs what it brings about.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import inf

from .eligibility import beats_after, due, note_posted, note_vouchers, notices_of, posted_by
from .home import Home
from .objects import HeldObject, Notice, Outcome, Settlement, Sight
from .operations import ChannelTerms
from .passed_state import SightRecord
from .record import Record

_Contender = tuple[Record, Settlement]


@dataclass(frozen=True, slots=True)
class _Fact:
    """What a vertex told of an object: a notice, or by lane what vouchers that it posts leave."""

    record: Record
    notice: Notice | None
    posted: dict[int, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the seat with a number saw by covered vertices, the last of which is ``head``."""

    seat: int
    head: Record
    told: SightRecord


class _Seat:
    """What one validator has yet to vote for."""

    __slots__ = ("held_back", "idle", "looks", "running", "turn", "waiting")

    def __init__(self, *, looks: bool) -> None:
        """Begin; with ``looks`` it has seen nothing yet, whatever its chain observed (8.17)."""
        self.looks = looks
        self.waiting: list[tuple[float, int, _Contender]] = []
        """A heap by due beat."""

        self.idle: list[tuple[float, int, _Contender]] = []
        """The same, for objects that have an outcome: a vote is due then, and none waits for it."""

        self.running: list[tuple[int, int, HeldObject]] = []
        """A heap of the ends of all counts of beats that have begun."""

        self.turn = 0
        """Tells equal entries of the heaps apart."""

        self.held_back: list[_Contender] = []
        """Observed while the validator had no vote, between two epochs."""


class ObjectVotes:
    """Who has voted for which outcome."""

    def __init__(self, general: Home, held: Callable[[], Iterable[Record]]) -> None:
        """``general`` is the home of the community, in which everybody has a number.

        ``held`` lists all vertices that are held.
        """
        self._general = general
        self._all_held = held
        self._seats = [_Seat(looks=False) for _ in general.weights]
        self._contenders: list[_Contender] = []
        self._facts: dict[HeldObject, list[_Fact]] = {}
        """What was told of objects of the community, for who gets a seat later."""

        self._settled: list[Outcome] = []

    def add(self, record: Record) -> None:
        """Take note of what a vertex that is held now settles."""
        assert record.deeds is not None
        for settlement in record.deeds.settlements:
            self._contenders.append((record, settlement))
            settlement.outcome.settling.append((record, settlement))
        for held, notice in notices_of(record):
            self._keep(held, _Fact(record, notice, {}))
        for held, posted in posted_by(record):
            self._keep(held, _Fact(record, None, posted))

    def _keep(self, held: HeldObject, fact: _Fact) -> None:
        if held.home.is_general and not held.is_over:
            self._facts.setdefault(held, []).append(fact)

    def pass_on(self, objects: Iterable[HeldObject], forked: Iterable[int]) -> None:
        """Count seats that the state shows to have ``forked`` for whatever it says is settled."""
        seats = list(forked)
        for held in objects:
            for record, settlement in held.passed.values():
                for seat in seats:
                    self._cast(settlement.outcome, seat, record)

    def restore(
        self,
        held: HeldObject,
        seen: Sequence[Seen],
        forked: Iterable[int],
        late: Container[int],
        epoch: int,
    ) -> None:
        """Let an object stand as a state says: ``seen`` is what seats saw of it and voted.

        Those in ``forked`` voted for everything; those in ``late`` are not in ``epoch`` yet, the
        present one, and look at all again in their first vertex there.
        """
        opening = held.opened_in
        assert opening is not None
        notices: set[Notice] = set()
        for one in seen:
            sight = held.sight(one.seat)
            sight.seen = {notice: (at, after) for notice, at, after in one.told.seen}
            sight.best = dict(one.told.best)
            notices.update(sight.seen)
            for notice, (at, _) in sight.seen.items():
                if _has_vote(held, one.seat):
                    self._start(self._seats[one.seat], held, notice, at)
            vote = one.told.vote
            if vote is not None and (vote.epoch == epoch or not held.home.is_general):
                held.voted |= 1 << one.seat
                self._cast(held.contender(vote.key), one.seat, one.head)
        for notice in sorted(notices, key=lambda one: one.value):
            self._keep(held, _Fact(opening, notice, {}))
        for vouchers in held.passed_acts.values():
            for voucher in vouchers or ():
                self._keep(held, _Fact(opening, None, {voucher.lane: voucher.leaves}))
        for contender in held.passed.values():
            self._contenders.append(contender)
            contender[1].outcome.settling.append(contender)
            for seat, state in enumerate(self._seats):
                if held.home.is_general and seat in late:
                    state.held_back.append(contender)
                elif not held.voted >> seat & 1:
                    self._wait(contender, seat, due(contender[1], held.sight(seat)))
        self.pass_on([held], forked)

    def forget(self) -> None:
        """Let go of what settles objects that are over."""
        self._facts = {
            held: facts
            for held, facts in self._facts.items()
            if not held.is_over and not held.has_ended
        }
        self._contenders = [one for one in self._contenders if not one[1].held.is_over]
        for state in self._seats:
            state.held_back = [one for one in state.held_back if not one[1].held.is_over]
            for heap in (state.waiting, state.idle):
                heap[:] = [one for one in heap if not one[2][1].held.is_over]
                heapify(heap)

    def take_settled(self) -> list[Outcome]:
        """Return the outcomes that became L1 since the last call."""
        settled, self._settled = self._settled, []
        return settled

    def weight_for(self, settlement: Settlement, beats: Sequence[int]) -> int:
        """Return the weight of those that may vote for ``settlement``, or have voted for the like.

        ``beats`` are those of the last vertices of all validators, by number of the seat.
        """
        held = settlement.held
        outcome = held.outcomes.get(settlement.key)
        weight = 0
        for seat, beat in enumerate(beats):
            if held.voted >> seat & 1:
                may = outcome is not None and bool(outcome.votes >> seat & 1)
            else:
                may = due(settlement, held.sights.get(seat) or Sight()) <= beat
            weight += held.home.weight_of(seat) if may else 0
        return weight

    def next_due(self, seat: int, beat: int) -> float:
        """Return the next beat that ``seat``, whose last vertex has ``beat``, counts towards.

        inf when it counts towards none.
        """
        state = self._seats[seat]
        while state.waiting and state.waiting[0][2][1].held.outcome:
            heappush(state.idle, heappop(state.waiting))
        while state.running and (state.running[0][0] <= beat or state.running[0][2].outcome):
            heappop(state.running)
        return min(
            (float(heap[0][0]) for heap in (state.waiting, state.running) if heap), default=inf
        )

    def lowest_vote(self) -> float:
        """Return the least height at which somebody voted who is not final; inf without any."""
        return min(
            [
                x.height
                for held in self._held()
                for outcome in held.outcomes.values()
                for x in outcome.cast_in.values()
                if not x.final
            ],
            default=inf,
        )

    def _held(self) -> Iterable[HeldObject]:
        """Return the objects of the community that somebody settles, each once."""
        return {one.held: None for _, one in self._contenders if one.held.home.is_general}

    def is_open(self) -> bool:
        """Tell whether somebody settled an object of the community that has no outcome for good."""
        return any(not any(map(_is_carried, held.outcomes.values())) for held in self._held())

    def begin_epoch(
        self, union: Container[Record], forked: Mapping[int, Container[Outcome]]
    ) -> None:
        """Vote anew, but for outcomes that votes inside ``union`` made L1 (section 8.19).

        What is final is below some sign-off, however far ``union`` reaches down.  ``forked`` are
        the outcomes for which those vote, by number of the seat, who have forked as is known here:
        inside ``union`` one may see less of it.

        The weights are still those of the epoch that ends: see ``seat_all``.
        """
        for held in self._held():
            for outcome in held.outcomes.values():
                voters = [
                    seat
                    for seat, x in outcome.cast_in.items()
                    if seat not in forked and (x.final or x in union)
                ]
                voters += [seat for seat, voted in forked.items() if outcome in voted]
                weight = sum(held.home.weight_of(seat) for seat in voters)
                outcome.carried = outcome.carried or weight >= held.home.quorum
            kept = [outcome for outcome in held.outcomes.values() if outcome.carried]
            held.outcome = kept[0] if kept else None
            held.voted = 0
            for outcome in held.outcomes.values():
                outcome.confirmed = outcome.carried
                outcome.votes = outcome.weight = 0
                outcome.cast_in = {}
                if outcome.carried:
                    self._settled.append(outcome)

    def seat_all(self) -> None:
        """Go by the new weights, and let everybody look again at what is not settled."""
        while len(self._seats) < len(self._general.weights):
            self._seats.append(_Seat(looks=True))
        unsettled = [
            one
            for one in self._contenders
            if one[1].held.outcome is None and one[1].held.home.is_general
        ]
        for seat, state in enumerate(self._seats):
            bit = 1 << seat
            state.held_back = [one for one in unsettled if _is_below(one[0], bit)]

    def enter(self, record: Record, seat: int) -> None:
        """Let ``seat`` see in ``record``, its first vertex in an epoch, all that is below it.

        Who has been a seat before saw it when it was told, and nothing changes.
        """
        bit = 1 << seat
        before = 0 if record.prev is None else record.prev.beat
        for held, facts in self._facts.items():
            told = [fact for fact in facts if _is_below(fact.record, bit)]
            sight = held.sight(seat)
            for fact in told:
                if fact.notice is not None and fact.notice not in sight.seen:
                    sight.seen[fact.notice] = (record.beat, before)
                    self._start(self._seats[seat], held, fact.notice, record.beat)
            for fact in told:
                if fact.posted and isinstance(held.terms, ChannelTerms):
                    note_vouchers(sight, held.terms, fact.posted, before)

    def observe(
        self,
        record: Record,
        seat: int,
        observed: Sequence[Record],
        *,
        may_vote: bool = True,
    ) -> None:
        """Let ``seat`` vote in its vertex ``record``, in which it observes ``observed``.

        When it has no vote now it keeps in mind what it would have voted for.
        """
        state = self._seats[seat]
        if state.looks:
            # What it observed before it had a seat it sees in the first vertex since.
            state.looks = False
            bit = 1 << seat
            observed = [one for one in self._all_held() if one.special and one.seen & bit]
        heaps = state.waiting, state.idle
        is_due = any(heap and heap[0][0] <= record.beat for heap in heaps)
        if not observed and not is_due and not (may_vote and state.held_back):
            return
        before = 0 if record.prev is None else record.prev.beat
        contenders: dict[tuple[bytes, int], _Contender] = {}

        def consider(found: Iterable[_Contender]) -> None:
            for one in found:
                contenders[one[0].id, id(one[1])] = one

        touched: dict[HeldObject, Sight] = {}
        for one in observed:
            deeds = one.deeds
            if deeds is None:
                continue
            for held, notice in notices_of(one):
                sight = held.sight(seat)
                if notice not in sight.seen:
                    sight.seen[notice] = (record.beat, before)
                    touched[held] = sight
                    if _has_vote(held, seat):
                        self._start(state, held, notice, record.beat)
            consider((one, settlement) for settlement in deeds.settlements)
        note_posted(observed, lambda held: held.sight(seat), before)
        for sight in touched.values():
            consider(sight.waiting)
            sight.waiting = []
        for heap in heaps:
            while heap and heap[0][0] <= record.beat:
                consider([heappop(heap)[2]])
        if may_vote:
            consider(state.held_back)
            state.held_back = []
        else:
            general = [key for key, one in contenders.items() if one[1].held.home.is_general]
            state.held_back += [contenders.pop(key) for key in general]
        for _, contender in sorted(contenders.items(), key=lambda item: item[0][0]):
            self._vote_when_due(contender, seat, record)

    def count_all(
        self, record: Record, seat: int, observed: Iterable[Record], *, is_local: bool = False
    ) -> None:
        """Count ``seat``, which has forked, for whatever settles an object in ``observed``.

        ``record`` is the vertex in which it votes.  ``is_local``: objects in the homes of sites
        only.
        """
        for one in observed:
            if one.deeds is not None:
                for settlement in one.deeds.settlements:
                    if not (is_local and settlement.held.home.is_general):
                        self._cast(settlement.outcome, seat, record)

    def count_all_observed(self, record: Record, seat: int, *, is_local: bool = False) -> None:
        """Count ``seat``, known to have forked with ``record``, for all that it ever observed."""
        bit = 1 << seat
        seen = [one for one, _ in self._contenders if one.seen & bit]
        for one, settlement in self._contenders:
            if not one.height and not (is_local and settlement.held.home.is_general):
                self._cast(settlement.outcome, seat, record)
        self.count_all(record, seat, seen, is_local=is_local)

    def _start(self, state: _Seat, held: HeldObject, notice: Notice, beat: int) -> None:
        beats = beats_after(held.terms, notice)
        if beats:
            state.turn += 1
            heappush(state.running, (beat + beats, state.turn, held))

    def _vote_when_due(self, contender: _Contender, seat: int, record: Record) -> None:
        _, settlement = contender
        held, beat = settlement.held, record.beat
        carried = held.outcome is not None and held.outcome.carried
        if held.is_over or carried or held.voted >> seat & 1 or not _has_vote(held, seat):
            return
        at = due(settlement, held.sight(seat))
        if at <= beat:
            held.voted |= 1 << seat
            self._cast(settlement.outcome, seat, record)
        else:
            self._wait(contender, seat, at)

    def _wait(self, contender: _Contender, seat: int, at: float) -> None:
        if at == inf:
            contender[1].held.sight(seat).waiting.append(contender)
        else:
            state = self._seats[seat]
            state.turn += 1
            heappush(state.waiting, (at, state.turn, contender))

    def _cast(self, outcome: Outcome, seat: int, record: Record) -> None:
        bit = 1 << seat
        held = outcome.held
        carried = held.outcome is not None and held.outcome.carried
        if outcome.votes & bit or carried or held.is_over or not _has_vote(held, seat):
            return
        outcome.cast_in[seat] = record
        outcome.votes |= bit
        outcome.weight += held.home.weights[seat]
        if outcome.weight >= held.home.quorum and not outcome.confirmed:
            outcome.confirmed = True
            outcome.held.outcome = outcome.held.outcome or outcome
            self._settled.append(outcome)


def _has_vote(held: HeldObject, seat: int) -> bool:
    """Tell whether a seat votes on ``held`` at all; in the community that changes by epochs."""
    return held.home.is_general or held.home.weight_of(seat) > 0


def _is_below(record: Record, bit: int) -> bool:
    """Tell whether a vertex is below who has ``bit``; whatever is settled is (8.21)."""
    return not record.height or bool(record.seen & bit)


def _is_carried(outcome: Outcome) -> bool:
    return outcome.carried
