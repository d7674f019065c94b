"""What the own chain says next: votes, payments, claims, one vertex after the other (8.3, 8.6).

A vertex stands on the own head, so nothing is decided while one is being kept on disk.
"""

import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..committee_operations import Table
from ..events import LedgerEvent
from ..home_operations import MoveHome
from ..ledger import Ledger
from ..limits import CLAIM_RETRY_S, CLAIM_WAIT_S, DISK_RETRY_S, OPERATIONS_MAX
from ..operations import Opening, Operation
from ..own_objects import OwnObjects
from ..validator import LedgerGrew, Validator
from ..vertex import Draft, Vertex, VertexId
from ..wallet import PaymentRefused, Wallet
from .happenings import KeepOwn, PaymentEnded
from .issuing_state import DiskIsFull, Issuing, IssuingState, Silent, Stopped

_log = logging.getLogger(__name__)

_TOO_EARLY = "too few seats have answered since the start: try again soon"


@dataclass(frozen=True, slots=True)
class _Wish:
    number: int
    amounts: Mapping[NodeId, int]
    operations: tuple[Operation, ...] = ()

    @property
    def needed(self) -> int:
        """How many drops it certainly takes off the balance."""
        put = sum(one.amount for one in self.operations if isinstance(one, Opening))
        return put + sum(self.amounts.values())


class OwnIssuing:
    """Issues for one account, which may hold a seat."""

    def __init__(self, ledger: Ledger, own: NodeId, draws: Iterator[int]) -> None:
        """``draws`` are random integers of 32 bits."""
        self.wallet = Wallet(ledger, own, draws)
        self.objects = OwnObjects(ledger, own)
        self._ledger = ledger
        self._own = own
        self._validator: Validator | None = None
        self._seats_wished: Table | None = None
        self._grown: list[LedgerEvent] = []
        self._wishes: deque[_Wish] = deque()
        self._under_way: KeepOwn | None = None
        self._claim_at = inf
        self._may_take = False
        self._tend_at = 0.0
        self._follow_at = 0.0
        self._has_begun = False
        self._stopped: str | None = None
        self._full: tuple[str, float] | None = None
        self._store_failure: str | None = None

    @property
    def deadline(self) -> float:
        """When there may be something to issue, in seconds on the caller's clock; may be inf."""
        if not self._has_begun or self._under_way is not None or self._stopped is not None:
            return inf
        votes_at = inf if self._validator is None else self._validator.deadline
        return min(votes_at, self._claim_at)

    def state(self, silent: Silent, now: float) -> IssuingState:
        """Return whether vertices are issued; ``silent`` says what is missing before they are."""
        if self._stopped is not None:
            return Stopped(self._stopped)
        if not self._has_begun:
            return silent
        if self._full is not None and now < self._full[1]:
            return DiskIsFull(self._full[0])
        if self._store_failure is not None:
            return DiskIsFull(self._store_failure)
        return Issuing()

    def begin(self, now: float) -> None:
        """Issue from now on."""
        self._has_begun = True
        self._claim_at = now + CLAIM_WAIT_S
        self._take_seat(now)

    def stop(self, reason: str) -> None:
        """Issue nothing more; ``reason`` is for people."""
        if self._stopped is None:
            self._stopped = reason

    def note(self, events: Sequence[LedgerEvent]) -> None:
        """Take what happened in the ledger."""
        if self._validator is not None:
            self._grown.extend(events)
        if self.objects.note(events):
            self._may_take = True

    def wish_seats(self, table: Table) -> None:
        """Want the committee's next epoch to begin with ``table``."""
        self._seats_wished = table

    def note_received(self, now: float) -> None:
        """Claim soon: a payment to the account became final."""
        # More payments may come, and the next payment out carries claims along.
        if self._has_begun:
            self._claim_at = min(self._claim_at, now + CLAIM_WAIT_S)

    def note_store(self, failure: str | None) -> None:
        """Take note why the vertices of others cannot be written now; None when they can."""
        self._store_failure = failure

    def wish(self, number: int, amounts: Mapping[NodeId, int]) -> None:
        """Pay, with what can be claimed when the balance alone is too small."""
        self._wishes.append(_Wish(number, amounts))

    def wish_act(self, number: int, operations: tuple[Operation, ...]) -> None:
        """Open objects or act on them, with what can be claimed when the balance is too small."""
        self._wishes.append(_Wish(number, {}, operations))

    def withdraw(self, number: int) -> None:
        """Forget a wish, unless it is being fulfilled."""
        self._wishes = deque(wish for wish in self._wishes if wish.number != number)

    def end_kept(self, vertex: Vertex) -> list[PaymentEnded]:
        """Go on: what was under way is on disk and in the ledger."""
        self._full = None
        return self._end(vertex)

    def end_refused(self, reason: str, now: float) -> list[PaymentEnded]:
        """Go on: there was no room for what was under way."""
        self._full = (reason, now + DISK_RETRY_S)
        if self._validator is not None:
            self._validator.take_back()
        return self._end(reason)

    def end_lost(self, reason: str) -> list[PaymentEnded]:
        """Stop: whether the vertex reached the disk is unknown.

        Nothing else may take its place before the log was read again.
        """
        self.stop(f"{reason}; start the agent again when that is mended")
        return self._end(reason)

    def next(self, now: float) -> list[KeepOwn | PaymentEnded]:
        """Return what to keep next, when nothing is under way, and the wishes that ended."""
        commands: list[KeepOwn | PaymentEnded] = []
        if self._may_take:
            self._may_take = False
            self.note_received(now)
        if self._under_way is None:
            self._under_way = (
                self._vote(now)
                or self._fulfil(now, commands)
                or self._claim(now)
                or self._follow(now)
                or self._tend(now)
            )
            if self._under_way is not None:
                draft = self._under_way.draft
                draft = self._ledger.place(draft)
                self._under_way = replace(self._under_way, draft=draft)
                commands.append(self._under_way)
        return commands

    def _end(self, result: Vertex | str) -> list[PaymentEnded]:
        ended, self._under_way = self._under_way, None
        if ended is None or ended.payment is None:
            return []
        return [PaymentEnded(ended.payment, result)]

    def _take_seat(self, now: float) -> None:
        """Begin to vote once there is a seat, from genesis on or since a change of epoch."""
        if self._validator is None and self._ledger.homes.has_seat(self._own):
            # What the ledger holds already it looks at itself.
            self._validator = Validator(self._ledger, self._own, now)
        if self._validator is not None and self._seats_wished is not None:
            self._validator.wish(self._seats_wished)
            self._seats_wished = None

    def _vote(self, now: float) -> KeepOwn | None:
        self._take_seat(now)
        validator = self._validator
        if validator is None or (not self._grown and now < validator.deadline):
            return None
        grown, self._grown = self._grown, []
        for command in validator.handle(LedgerGrew(grown) if grown else Tick(), now):
            if isinstance(self._state(now), Issuing):
                return KeepOwn(command.draft)
            # The duty stays, and the machine comes back to it.
            validator.take_back()
            _log.debug("no vote now")
        return None

    def _fulfil(self, now: float, commands: list[KeepOwn | PaymentEnded]) -> KeepOwn | None:
        while self._wishes:
            wish = self._wishes[0]
            match self._state(now):
                case Issuing():
                    pass
                case DiskIsFull(reason) | Stopped(reason):
                    commands.append(PaymentEnded(self._wishes.popleft().number, reason))
                    continue
                case Silent():
                    commands.append(PaymentEnded(self._wishes.popleft().number, _TOO_EARLY))
                    continue
            try:
                if self.wallet.available < wish.needed:
                    claim = self.wallet.claim(self.objects.takes())
                    if claim is not None:
                        return KeepOwn(claim)
                if wish.operations:
                    draft = self.wallet.operate(wish.operations)
                else:
                    draft = self._payment(wish.amounts)
            except PaymentRefused as error:
                commands.append(PaymentEnded(self._wishes.popleft().number, error))
            else:
                return KeepOwn(draft, self._wishes.popleft().number)
        return None

    def _payment(self, amounts: Mapping[NodeId, int]) -> Draft:
        draft = self.wallet.pay(amounts)
        claim = self.wallet.claim()
        if claim is None:
            return draft
        # Claims ride along as far as the body's bound allows for certain.
        return replace(draft, claims=claim.claims[: OPERATIONS_MAX - len(amounts)])

    def _claim(self, now: float) -> KeepOwn | None:
        if now < self._claim_at:
            return None
        self._claim_at = now + CLAIM_RETRY_S
        if not isinstance(self._state(now), Issuing):
            return None
        try:
            claim = self.wallet.claim(self.objects.takes())
        except PaymentRefused as error:
            _log.debug("no claim now: %s", error)
            return None
        # One vertex may not hold them all.
        self._claim_at = inf if claim is None else now
        return None if claim is None else KeepOwn(claim)

    def _follow(self, now: float) -> KeepOwn | None:
        """Move to what succeeded the home in which the account lives (8.18)."""
        homes = self._ledger.homes
        home = homes.of(self._ledger.chain(self._own))
        if not self._has_begun or not home.successors or now < self._follow_at:
            return None
        self._follow_at = now + CLAIM_RETRY_S
        destination = homes.destination(home, self._ledger.is_final)
        is_bound = self.objects.are_open_in(home)
        if destination is home or is_bound or not isinstance(self._state(now), Issuing):
            return None
        try:
            return KeepOwn(self.wallet.operate([MoveHome(VertexId(destination.id))]))
        except PaymentRefused as error:
            _log.debug("no move now: %s", error)
            return None

    def _tend(self, now: float) -> KeepOwn | None:
        """Return what the account's objects ask for by themselves (8.13, 8.17)."""
        if not self._has_begun or now < self._tend_at or not isinstance(self._state(now), Issuing):
            return None
        for act in self.objects.due():
            try:
                return KeepOwn(self.wallet.operate([act]))
            except PaymentRefused as error:
                _log.debug("nothing done to an object now: %s", error)
        self._tend_at = now + CLAIM_RETRY_S
        return None

    def _state(self, now: float) -> IssuingState:
        return self.state(Silent(0, 0), now)
