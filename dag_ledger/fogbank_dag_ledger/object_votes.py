"""Votes in the slots of objects, counted as they arrive (SPEC.md sections 8.4, 8.12 and 8.17).

What a validator may not vote for yet waits: in a heap when only beats are missing, at the object
when another notice must be observed first.  So a vertex of a validator costs what it brings about.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from math import inf

from .eligibility import NOTICES, beats_after, due, note_vouchers
from .home import Home
from .objects import HeldObject, Notice, Outcome, Settlement, Sight
from .operations import ChannelTerms, EscrowTerms, PostVouchers
from .record import Record

_Contender = tuple[Record, Settlement]


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
        self._settled: list[Outcome] = []

    def add(self, record: Record) -> None:
        """Take note of what a vertex that is held now settles."""
        assert record.deeds is not None
        for settlement in record.deeds.settlements:
            self._contenders.append((record, settlement))
            settlement.outcome.settling.append((record, settlement))

    def forget(self) -> None:
        """Let go of what settles objects that are over."""
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
            state.held_back = [one for one in unsettled if one[0].seen & bit]

    def observe(
        self, record: Record, seat: int, observed: Sequence[Record], *, may_vote: bool = True
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
            for held, notice in notices(one):
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
        sight = held.sight(seat)
        at = due(settlement, sight)
        if at <= beat:
            held.voted |= 1 << seat
            self._cast(settlement.outcome, seat, record)
        elif at == inf:
            sight.waiting.append(contender)
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


def _is_carried(outcome: Outcome) -> bool:
    return outcome.carried


def notices(record: Record) -> Iterable[tuple[HeldObject, Notice]]:
    """Iterate over what a vertex tells of objects."""
    if record.deeds is None:
        return
    for held in record.deeds.opened:
        if isinstance(held.terms, EscrowTerms):
            yield held, Notice.OPENED
    for held, act in record.deeds.acts:
        notice = NOTICES.get(type(act.action))
        if notice is not None:
            yield held, notice


def note_posted(
    observed: Iterable[Record], sight_of: Callable[[HeldObject], Sight], before: int
) -> None:
    """Take note of the vouchers that are posted in ``observed``, after all notices there.

    ``before`` is the beat of the validator's vertex before.  Whether a reclaim is in the same
    vertex must not depend on the order.
    """
    for record in observed:
        for held, act in () if record.deeds is None else record.deeds.acts:
            terms, action = held.terms, act.action
            if isinstance(terms, ChannelTerms) and isinstance(action, PostVouchers):
                best: dict[int, int] = {}
                for voucher in action.vouchers:
                    best[voucher.lane] = max(voucher.total, best.get(voucher.lane, 0))
                note_vouchers(sight_of(held), terms, best, before)
