"""What a validator still owes the others: votes and acknowledgements (SPEC.md section 8.6).

Only vertices that carry something and are not final make a duty.  Votes and acknowledgements carry
nothing, so validators that have done their duties leave each other in peace.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from .acknowledgements import Entry
from .carrying import union_of_cones
from .chain import Chain
from .events import Confirmed, EpochBegan, Final, Inserted, LedgerEvent
from .home import Home
from .ledger import Ledger
from .limits import ACKNOWLEDGED_IN_PASSING, CERT_ENTRIES_MAX, VALIDATOR_PARENTS_MAX
from .objects import Outcome
from .record import Record
from .votes import has_observed


@dataclass(frozen=True, slots=True)
class _Reach:
    """How much of a chain may be acknowledged."""

    count: int
    """So many vertices from the first on."""

    is_due: bool
    """Whether one of them carries something, is not final, and is not acknowledged here."""

    is_blocked: bool
    """Whether the next vertex is L1 but waits for a source or for being observed."""


class Duties:
    """The duties of the validator that holds ``chain``."""

    def __init__(self, ledger: Ledger, chain: Chain) -> None:
        """Begin with what ``ledger`` holds already."""
        assert chain.seat is not None
        self._ledger = ledger
        self._chain = chain
        self._seat = chain.seat
        self._unobserved: deque[Record] = deque()
        self._to_look_at: dict[Chain, None] = {}
        self._shown: set[Record] = set()
        for other in ledger.chains():
            self._begin(other)

    def note(self, events: Iterable[LedgerEvent]) -> None:
        """Take what happened in the ledger."""
        for event in events:
            match event:
                case Inserted(vertex):
                    record = self._ledger.dag.get(vertex.id)
                    if vertex.carries and record is not None:
                        self._unobserved.append(record)
                case Confirmed(vertex_id) | Final(vertex_id):
                    # What is pruned since then is no duty any more.
                    record = self._ledger.dag.get(vertex_id)
                    if record is not None:
                        self._to_look_at[record.chain] = None
                        if record.final:
                            self._shown.discard(record)
                case EpochBegan():
                    self._shown.clear()
                    self._to_look_at.update(dict.fromkeys(self._ledger.chains()))
                case _:
                    pass

    def exist(self) -> bool:
        """Tell whether a vertex has to be issued."""
        if self._has_unobserved() or self._has_to_enter():
            return True
        return any(self._reach(chain).is_due for chain in list(self._to_look_at))

    def _may_speak_in(self, home: Home) -> bool:
        """Tell whether the validator acknowledges in ``home`` now.

        In that of the community: when it has not signed off (8.19).
        """
        if home.is_general:
            return not self._ledger.epochs.has_signed_off(self._chain.issuer)
        return home.weight_of(self._seat) > 0

    def entries(self) -> list[Entry]:
        """Return what the next vertex acknowledges, duties first."""
        speaks = self._may_speak_in(self._ledger.epochs.home)
        due: list[Entry] = []
        in_passing: list[Entry] = []
        for chain in list(self._to_look_at):
            reach = self._reach(chain)
            acknowledged = self._ledger.acknowledged(chain).counts[self._seat]
            entry = Entry(chain.tag, reach.count - 1)
            if reach.is_due:
                due.append(entry)
            elif not speaks:
                continue
            elif reach.count - max(acknowledged, chain.final_count) >= ACKNOWLEDGED_IN_PASSING:
                in_passing.append(entry)
            elif not reach.is_blocked:
                # Its next L1 vertex brings it back.
                del self._to_look_at[chain]
        # Two chains may share a tag; the entry of the first to come does for both or waits.
        by_tag: dict[bytes, Entry] = {}
        for entry in due + in_passing:
            by_tag.setdefault(entry.tag, entry)
        return list(by_tag.values())[:CERT_ENTRIES_MAX]

    def _begin(self, chain: Chain) -> None:
        for seq in range(chain.final_count, chain.end):
            for record in chain.contenders(seq):
                if record.carries:
                    self._unobserved.append(record)
        if chain.slots:
            self._to_look_at[chain] = None

    def _has_unobserved(self) -> bool:
        while self._unobserved:
            record = self._unobserved[0]
            settled = record.final or record.lost or has_observed(self._chain, record)
            if not settled and not self._ledger.dag.is_hidden(record):
                return True
            self._unobserved.popleft()
        return False

    def _owes(self, record: Record) -> bool:
        """Tell whether an acknowledgement of ``record`` by this seat is still missing."""
        if not self._may_speak_in(record.home):
            return False
        counts = self._ledger.acknowledged(record.chain).tally(record.home).counts
        return counts[self._seat] <= record.seq

    def _reach(self, chain: Chain) -> _Reach:
        last = chain.final_head
        is_due = False
        if chain.sealed:
            return _Reach(_count(last), is_due=False, is_blocked=False)
        while True:
            record = chain.next_confirmed(last)
            if record is None:
                return _Reach(_count(last), is_due=is_due, is_blocked=False)
            if not self._may_acknowledge(record):
                return _Reach(_count(last), is_due=is_due, is_blocked=True)
            last = record
            # Of a forker all, or a slot that only some acknowledge would stop every checkpoint.
            if record.carries or self._ledger.dag.is_forker(chain):
                is_due = is_due or self._owes(record)

    def _may_acknowledge(self, record: Record) -> bool:
        if not has_observed(self._chain, record):
            return False
        if not all(source.final for source, _ in record.claims):
            return False
        if record.creation is not None and not record.creation.final:
            return False
        deeds = record.deeds
        if deeds is not None and not (
            deeds.awaited() is None and all(map(self._shows_outcome, deeds.taken))
        ):
            return False
        return self._shows(record)

    def _has_to_enter(self) -> bool:
        """Tell whether no own vertex is in the present epoch yet."""
        epochs = self._ledger.epochs
        return bool(epochs.number) and not epochs.entered >> self._seat & 1

    # What a sign-off has to show (section 8.19): the votes that make L1 what is acknowledged.

    def _shows(self, record: Record) -> bool:
        """Tell whether the votes for ``record`` are below the next own vertex."""
        epochs = self._ledger.epochs
        if record.carried:
            return not self._has_to_enter()
        if record in self._shown:
            return True
        # Upwards through what stands on it, until enough validators who voted were met.
        all_named = self._names_all_tips()
        weight, met, queue, known = 0, 0, [record], {record}
        for one in queue:
            seat = one.chain.seat
            voted = seat is not None and record.votes & ~met & 1 << seat
            if (
                seat is not None
                and voted
                and (not record.home.is_general or epochs.counts(one))
                and self._is_vote_below(one.chain, record, all_named=all_named)
            ):
                met |= 1 << seat
                weight += record.home.weight_of(seat)
                if weight >= record.home.quorum:
                    self._shown.add(record)
                    return True
            for above in self._ledger.dag.children(one):
                if above not in known and self._will_be_below(above, all_named=all_named):
                    known.add(above)
                    queue.append(above)
        return False

    def _is_vote_below(self, voter: Chain, record: Record, *, all_named: bool) -> bool:
        """Tell whether ``voter``, which has ``record`` below it, votes for it as far as is shown.

        What a forker voted for depends on how much of its fork one sees (section 8.4).
        """
        if not voter.forked or not record.special:
            return True

        def is_shown(one: Record) -> bool:
            return self._will_be_below(one, all_named=all_named)

        for rivals in voter.contested.values():
            # Of a fork at the floor one side is settled, and no vertex any more.
            if sum(map(is_shown, rivals)) >= min(2, len(rivals)):
                return True
        contenders = set(record.chain.rivals(record))
        floor = min(rival.height for rival in contenders)
        for one in filter(is_shown, voter.records()):
            found = contenders & union_of_cones([one], floor)
            counts = not record.home.is_general or self._ledger.epochs.counts(one)
            if found and counts:
                return min(found, key=lambda rival: rival.id) is record
        return not voter.contested

    def _shows_outcome(self, outcome: Outcome) -> bool:
        if outcome.carried:
            return not self._has_to_enter()
        if outcome.held.is_over:
            return True
        all_named = self._names_all_tips()
        weight = sum(
            outcome.held.home.weight_of(seat)
            for seat, voter in outcome.cast_in.items()
            if self._will_be_below(voter, all_named=all_named)
        )
        return outcome.confirmed and weight >= outcome.held.home.quorum

    def _names_all_tips(self) -> bool:
        return len(self._ledger.dag.tips) <= VALIDATOR_PARENTS_MAX

    def _will_be_below(self, record: Record, *, all_named: bool) -> bool:
        if not record.height or has_observed(self._chain, record):
            return True
        return all_named and not self._ledger.dag.is_hidden(record)


def _count(last: Record | None) -> int:
    return 0 if last is None else last.seq + 1
