"""When a validator issues a vertex of its own, and what stands in it (SPEC.md section 8.6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .acknowledgements import encode_cert
from .chain import Chain
from .committee_operations import CommitteeOperation, Table
from .duties import Duties
from .events import LedgerEvent
from .ledger import Ledger
from .limits import (
    BEAT_INTERVAL_MIN_S,
    BEAT_INTERVAL_S,
    HEARTBEAT_INTERVAL_S,
    HEARTBEAT_WINDOW,
    VALIDATOR_INTERVAL_S,
    VALIDATOR_PARENTS_MAX,
)
from .reform import Reform
from .tips import oldest_tips
from .vertex import NO_VERTEX, VALIDATOR, Draft


@dataclass(frozen=True, slots=True)
class LedgerGrew:
    """Vertices were inserted, the validator's own among them, with these events."""

    events: Sequence[LedgerEvent]


@dataclass(frozen=True, slots=True)
class Issue:
    """Sign this, insert it, and send it once it is on disk, before any other own vertex."""

    draft: Draft


class Validator:
    """Votes and acknowledges at a steady pace while there is a duty, and is silent otherwise.

    A validator whose own chain has forked, as after the restore of an old disk, is silent until an
    epoch begins.
    """

    def __init__(self, ledger: Ledger, validator: NodeId, now: float) -> None:
        """Begin at time ``now``, in seconds; ``validator`` has a seat in ``ledger``'s genesis."""
        chain = ledger.chain(validator)
        assert chain is not None
        assert chain.seat is not None
        self._ledger = ledger
        self._chain: Chain = chain
        self._duties = Duties(ledger, chain)
        self._reform = Reform(ledger.epochs, chain)
        self._counted_until = now
        """Up to here seconds are counted in the beats of the own chain."""

        self._next_at = now
        self._heartbeat_at = now + HEARTBEAT_INTERVAL_S
        self._beat_at = self._next_beat(now)
        self._may_have_duties = True

    @property
    def deadline(self) -> float:
        """When to call ``handle`` with a ``Tick``, in seconds; inf when silent by itself."""
        if self._is_forked or not self._has_seat:
            return inf
        if self._may_have_duties:
            return self._next_at
        return min(self._heartbeat_at, self._beat_at, max(self._next_at, self._reform.deadline))

    def wish(self, table: Table) -> None:
        """Want the next epoch to begin with ``table``."""
        self._reform.wish(table)
        self._may_have_duties = True

    def handle(self, event: LedgerGrew | Tick, now: float) -> list[Issue]:
        """Take one event at time ``now`` (seconds, never going back) and return what to issue."""
        if isinstance(event, LedgerGrew):
            self._duties.note(event.events)
            self._may_have_duties = True
            self._beat_at = min(self._beat_at, self._next_beat(now))
        if self._is_forked or not self._has_seat or now < self._next_at:
            return []
        committee: list[CommitteeOperation] = []
        if self._may_have_duties or self._reform.deadline <= now:
            committee = self._reform.next(now)
            self._may_have_duties = bool(committee) or self._duties.exist()
        if not self._may_have_duties and not self._heart_beats(now):
            return []
        self._next_at = now + VALIDATOR_INTERVAL_S
        self._heartbeat_at = now + HEARTBEAT_INTERVAL_S
        self._beat_at = self._next_beat(now)
        return [Issue(self._draft(now, committee))]

    def take_back(self) -> None:
        """Take note that what ``handle`` returned was not issued: there was no room for it."""
        self._reform.look_again()
        self._may_have_duties = True

    @property
    def _has_seat(self) -> bool:
        return self._ledger.homes.has_seat(self._chain.issuer)

    @property
    def _is_forked(self) -> bool:
        return self._ledger.is_barred(self._chain.issuer)

    def _next_beat(self, now: float) -> float:
        """Return when to say the next beat; inf when none is counted for an object (8.17)."""
        assert self._chain.seat is not None
        missing = self._ledger.beats_missing(self._chain.seat)
        if missing == inf:
            return inf
        return now + min(max(missing, BEAT_INTERVAL_MIN_S), BEAT_INTERVAL_S)

    def _heart_beats(self, now: float) -> bool:
        if now < min(self._heartbeat_at, self._beat_at):
            return False
        if now < self._heartbeat_at and self._next_beat(now) == inf:
            self._beat_at = inf
            return False
        self._heartbeat_at = now + HEARTBEAT_INTERVAL_S
        self._beat_at = self._next_beat(now)
        return self._chain.end - self._chain.final_count <= HEARTBEAT_WINDOW

    def _seconds_passed(self, now: float) -> int:
        """Count the whole seconds since the last count; a clock that went back adds none."""
        passed = max(0, int(now - self._counted_until))
        self._counted_until = min(self._counted_until, now) + passed
        return passed

    def _draft(self, now: float, committee: Sequence[CommitteeOperation]) -> Draft:
        head = self._chain.head
        return Draft(
            kind=VALIDATOR,
            issuer=self._chain.issuer,
            seq=0 if head is None else head.seq + 1,
            prev=NO_VERTEX if head is None else head.id,
            parents=oldest_tips(self._ledger.dag, self._chain, VALIDATOR_PARENTS_MAX),
            beat=(0 if head is None else head.beat) + self._seconds_passed(now),
            cert=b"" if head is None else encode_cert(self._duties.entries()),
            committee=committee,
        )
