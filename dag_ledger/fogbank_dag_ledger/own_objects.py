"""The objects that one account has to do with, and what it should do about them (8.12 to 8.17).

What is owed is taken, a reclaim is answered with the best vouchers, and what had to wait for beats
is finished when enough validators may vote for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from fogbank_protocol.identity import NodeId

from .events import Final, Inserted, LedgerEvent, Settled
from .home import Home
from .ledger import Ledger
from .limits import SETTLEMENTS_MAX
from .objects import NOTHING, HeldObject, Outcome, Settlement
from .operations import (
    Act,
    Action,
    ChannelTerms,
    EscrowTerms,
    ObjectId,
    PostVouchers,
    Reclaim,
    ReclaimFinal,
    Settling,
    StakeTerms,
    Take,
    TopUp,
    Unstake,
    Voucher,
    Withdraw,
)
from .record import Record
from .vertex import NO_VERTEX, VertexId
from .vouchers import rank


class ObjectState(Enum):
    """How far an object is."""

    OPENING = auto()
    """Its opening is not final."""

    OPEN = auto()
    CLOSING = auto()
    """Somebody settled it, or asked for it back, and no outcome is L1 yet."""

    SETTLED = auto()
    """An outcome is L1; what it owes this account may still have to be taken."""


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A payment channel from or to this account, in drops."""

    id: ObjectId
    opening: VertexId
    payer: NodeId
    terms: ChannelTerms
    state: ObjectState
    deposit: int
    """Final opening and top-ups: vouchers up to here are good."""

    deposit_pending: int
    """Top-ups, or an opening, that are not final."""

    paid: int
    """What the outcome gives the provider, with what it passes on; 0 before there is one."""

    shown: int
    """All vouchers that were posted, the best of each lane."""

    reclaimed: bool
    """Whether the payer wants its money back."""

    owed: int
    """What is to be taken by this account; it happens by itself."""


@dataclass(frozen=True, slots=True)
class ObjectView:
    """An escrow or a stake that this account has a part in."""

    id: ObjectId
    opening: VertexId
    opener: NodeId
    terms: EscrowTerms | StakeTerms
    state: ObjectState
    amount: int
    award: int
    """Of the outcome that is L1; 0 before there is one."""

    is_seized: bool
    owed: int


@dataclass(frozen=True, slots=True)
class ShareView:
    """What the outcome of an object has its provider pass on to this account."""

    id: ObjectId
    payer: NodeId
    provider: NodeId
    drops: int


@dataclass(slots=True)
class _Own:
    held: HeldObject
    opening: Record
    top_ups: list[tuple[Record, int]] = field(default_factory=list[tuple[Record, int]])
    """With what each says was put in altogether beyond the opening."""

    shown: dict[int, tuple[Voucher, VertexId]] = field(
        default_factory=dict[int, tuple[Voucher, VertexId]]
    )
    """By lane, the best voucher that was posted, and where."""

    notices: set[type] = field(default_factory=set[type])
    is_settling: bool = False
    own_settlements: list[Settlement] = field(default_factory=list[Settlement])

    def deposit(self, *, final: bool) -> int:
        """Return what was put in, by final vertices only or by all."""
        if final and not self.opening.final:
            return 0
        return self.held.amount + self.top_up(final=final)[1]

    def top_up(self, *, final: bool) -> tuple[VertexId, int]:
        """Return the last top-up, of the final ones or of all, and what it says.

        Nothing and 0 when there is none.
        """
        held = self.held
        settled = max(0, held.settled_put - held.amount)
        counted = [(one.id, total) for one, total in self.top_ups if one.final or not final]
        last = max(counted, key=lambda one: one[1], default=(NO_VERTEX, 0))
        return last if last[1] > settled else (held.settled_funds, settled)

    @property
    def state(self) -> ObjectState:
        if self.held.outcome is not None:
            return ObjectState.SETTLED
        if not self.opening.final:
            return ObjectState.OPENING
        asked = self.notices & {Reclaim, Unstake}
        return ObjectState.CLOSING if self.is_settling or asked else ObjectState.OPEN


class OwnObjects:
    """The objects of one account."""

    def __init__(self, ledger: Ledger, owner: NodeId) -> None:
        """Follow ``owner`` in ``ledger``, which is still empty."""
        self._ledger = ledger
        self._owner = owner
        self._own: dict[ObjectId, _Own] = {}
        self._remembered: dict[ObjectId, dict[int, Voucher]] = {}
        self._unsettled: dict[ObjectId, None] = {}
        self._owing: dict[ObjectId, None] = {}
        self._shares: dict[ObjectId, ShareView] = {}

    def restore(self) -> None:
        """Take what the ledger knows of objects after it was restored to a checkpoint."""
        for held in self._ledger.objects():
            self._note_share(held.id)
            if not self._concerns(held) or held.opened_in is None:
                continue
            self._own[held.id] = _Own(held, held.opened_in)
            if held.outcome is None:
                self._unsettled[held.id] = None
            else:
                self._owing[held.id] = None

    def note(self, events: Iterable[LedgerEvent]) -> bool:
        """Take what happened in the ledger; tell whether there may be something to take now."""
        may_take = False
        for event in events:
            match event:
                case Inserted(vertex) if vertex.operations:
                    self._insert(vertex.id)
                case Settled(name):
                    self._note_share(name)
                    if name in self._own:
                        self._unsettled.pop(name, None)
                        self._remembered.pop(name, None)
                        self._owing[name] = None
                        may_take = True
                case Final(_):
                    may_take = may_take or bool(self._owing)
                case _:
                    pass
        return may_take

    def remember(self, channel: ObjectId, voucher: Voucher) -> None:
        """Keep ``voucher`` to answer a reclaim with, unless a better one of its lane is kept."""
        if self.is_better(channel, voucher):
            self._remembered.setdefault(channel, {})[voucher.lane] = voucher

    def is_better(self, channel: ObjectId, voucher: Voucher) -> bool:
        """Tell whether ``voucher`` is better than what is kept of its lane."""
        known = self._remembered.get(channel, {}).get(voucher.lane)
        return known is None or rank(known) < rank(voucher)

    def remembered(self, channel: ObjectId) -> Sequence[Voucher]:
        """Return the best voucher of each lane that was remembered, ascending by lane."""
        lanes = self._remembered.get(channel, {})
        return [lanes[lane] for lane in sorted(lanes)]

    def place(self, name: ObjectId) -> tuple[VertexId, int] | None:
        """Return which op of which vertex opened an object; None when it is not the owner's."""
        own = self._own.get(name)
        return None if own is None else (own.opening.id, own.held.index)

    def funds(self, name: ObjectId) -> VertexId:
        """Return the payer's last final top-up of a channel, empty when there is none."""
        return self._own[name].top_up(final=True)[0]

    def next_total(self, name: ObjectId, drops: int) -> int:
        """Return what a top-up by ``drops`` has to say."""
        return drops + self._own[name].top_up(final=False)[1]

    def are_open_in(self, home: Home) -> bool:
        """Tell whether something of ``home`` concerns the owner who would take it from there."""
        return bool(self.takes()) or any(
            own.held.home is home and own.held.outcome is None for own in self._own.values()
        )

    def takes(self) -> list[Act]:
        """Return what takes all that is owed to the owner."""
        acts: list[Act] = []
        home = self._ledger.homes.of(self._ledger.chain(self._owner))
        for name in list(self._owing):
            own = self._own[name]
            # Who has moved takes nothing until it is back (8.12.10).
            if not own.opening.final or own.held.home is not home:
                continue
            if not self._owed(own):
                # A later top-up that is owed too brings it back.
                del self._owing[name]
                continue
            outcome = own.held.outcome
            assert outcome is not None
            if outcome.hangs_on_forker:
                continue
            settling = own.held.settling[0] if own.held.is_over else _settling(outcome)
            if settling is not None:
                take = Take(settling, outcome.digest)
                acts.append(Act(own.opening.id, own.held.index, take))
        return acts

    def due(self) -> list[Act]:
        """Return what the owner should do to its objects now, beside taking."""
        acts: list[Act] = []
        for name in self._unsettled:
            own = self._own[name]
            if own.opening.final:
                acts += self._due(own)
        return acts

    def channels(self) -> list[ChannelView]:
        """Return the channels from and to the owner, in the order of their openings."""
        return [
            self._channel(own, terms)
            for own in self._own.values()
            if isinstance(terms := own.held.terms, ChannelTerms)
        ]

    def channel(self, name: ObjectId) -> ChannelView | None:
        """Return one channel; None when the owner has none of that name."""
        own = self._own.get(name)
        if own is None or not isinstance(own.held.terms, ChannelTerms):
            return None
        return self._channel(own, own.held.terms)

    def state(self, name: ObjectId) -> ObjectState | None:
        """Return how far an object is; None when it is not the owner's."""
        own = self._own.get(name)
        return None if own is None else own.state

    def others(self) -> list[ObjectView]:
        """Return the escrows and stakes that the owner has a part in."""
        return [
            self._view(own, terms)
            for own in self._own.values()
            if not isinstance(terms := own.held.terms, ChannelTerms)
        ]

    def shares(self) -> list[ShareView]:
        """Return what objects of others gave the owner a part of, in the order of outcomes.

        The provider pays it with what it takes itself.
        """
        return list(self._shares.values())

    def share(self, name: ObjectId) -> ShareView | None:
        """Return what one object of others gave the owner a part of; None when nothing."""
        return self._shares.get(name)

    def _note_share(self, name: ObjectId) -> None:
        held = self._ledger.object(name)
        if held is None or held.outcome is None or isinstance(held.terms, StakeTerms):
            return
        drops = sum(drops for who, drops in held.outcome.shares if who == self._owner)
        if drops:
            self._shares[name] = ShareView(name, held.opener, held.terms.provider, drops)

    def _insert(self, vertex_id: VertexId) -> None:
        record = self._ledger.dag.get(vertex_id)
        assert record is not None
        assert record.deeds is not None
        for held in record.deeds.opened:
            if self._concerns(held):
                self._own[held.id] = _Own(held, record)
                self._unsettled[held.id] = None
        for held, act in record.deeds.acts:
            own = self._own.get(held.id)
            if own is not None:
                self._note_act(own, record, act)
        for settlement in record.deeds.settlements:
            own = self._own.get(settlement.held.id)
            if own is not None and record.chain.issuer == self._owner:
                own.own_settlements.append(settlement)

    def _note_act(self, own: _Own, record: Record, act: Act) -> None:
        own.notices.add(type(act.action))
        match act.action:
            case TopUp(total):
                own.top_ups.append((record, total))
                if own.held.outcome is not None:
                    self._owing[own.held.id] = None
            case PostVouchers(vouchers):
                for voucher in vouchers:
                    if _is_better(voucher, own.shown.get(voucher.lane)):
                        own.shown[voucher.lane] = (voucher, record.id)
            case action if isinstance(action, Settling):
                own.is_settling = True
            case _:
                pass

    def _concerns(self, held: HeldObject) -> bool:
        match held.terms:
            case ChannelTerms(provider) | EscrowTerms(provider):
                return self._owner in (held.opener, provider)
            case StakeTerms(watch):
                return self._owner == held.opener or self._owner in watch

    def _owed(self, own: _Own) -> int:
        outcome = own.held.outcome
        if outcome is None or not own.opening.final:
            return 0
        if self._ledger.object(own.held.id) is None:
            # All was taken, and it was forgotten.
            return 0
        put, taken = 0, 0
        chain = self._ledger.chain(self._owner)
        if chain is not None:
            chain.totals.move(chain.head)
            put, taken, _ = chain.totals.objects.get(own.held, NOTHING)
        return outcome.owed(self._owner, put, taken)

    def _due(self, own: _Own) -> Iterable[Act]:
        held = own.held
        is_opener = held.opener == self._owner
        if isinstance(held.terms, ChannelTerms) and Reclaim in own.notices:
            if not is_opener:
                better = self._better_vouchers(own)
                return [self._act(own, PostVouchers((better[0],)))] if better else []
            return self._finish_reclaim(own)
        if is_opener and Unstake in own.notices and not own.own_settlements:
            return self._when_possible(Settlement(held, self._act(own, Withdraw()), 0, ()))
        return []

    def _better_vouchers(self, own: _Own) -> list[Voucher]:
        return [
            voucher
            for voucher in self.remembered(own.held.id)
            if voucher.total and _is_better(voucher, own.shown.get(voucher.lane))
        ]

    def _finish_reclaim(self, own: _Own) -> Iterable[Act]:
        lanes = {lane: voucher.leaves for lane, (voucher, _) in own.shown.items()}
        tried = own.own_settlements
        if len(tried) >= SETTLEMENTS_MAX or (tried and _covers(tried[-1].lanes, lanes)):
            return []
        posted = tuple(sorted({vertex_id for _, vertex_id in own.shown.values()}))
        act = self._act(own, ReclaimFinal(posted, ()))
        return self._when_possible(Settlement(own.held, act, 0, (), lanes=lanes))

    def _when_possible(self, settlement: Settlement) -> Iterable[Act]:
        """Return the act of ``settlement`` once a quorum may vote for it."""
        enough = self._ledger.weight_for(settlement) >= settlement.held.home.quorum
        return [settlement.act] if enough else []

    def _act(self, own: _Own, action: Action) -> Act:
        return Act(own.opening.id, own.held.index, action)

    def _channel(self, own: _Own, terms: ChannelTerms) -> ChannelView:
        held = own.held
        deposit = own.deposit(final=True)
        return ChannelView(
            id=held.id,
            opening=own.opening.id,
            payer=held.opener,
            terms=terms,
            state=own.state,
            deposit=deposit,
            deposit_pending=own.deposit(final=False) - deposit,
            paid=0 if held.outcome is None else held.outcome.award,
            shown=sum(voucher.total for voucher, _ in own.shown.values()),
            reclaimed=Reclaim in own.notices,
            owed=self._owed(own),
        )

    def _view(self, own: _Own, terms: EscrowTerms | StakeTerms) -> ObjectView:
        held = own.held
        return ObjectView(
            id=held.id,
            opening=own.opening.id,
            opener=held.opener,
            terms=terms,
            state=own.state,
            amount=held.amount,
            award=0 if held.outcome is None else held.outcome.award,
            is_seized=held.outcome is not None and held.outcome.is_seizure,
            owed=self._owed(own),
        )


def _covers(used: Mapping[int, int], shown: Mapping[int, int]) -> bool:
    return all(used.get(lane, 0) >= leaves for lane, leaves in shown.items())


def _is_better(voucher: Voucher, known: tuple[Voucher, VertexId] | None) -> bool:
    return known is None or rank(known[0]) < rank(voucher)


def _settling(outcome: Outcome) -> VertexId | None:
    """Return a vertex that settles by ``outcome``, and may be taken by; None when none may yet."""
    # One that is final first: a checkpoint may have it already, and not the others.
    for record, settlement in sorted(outcome.settling, key=lambda one: not one[0].final):
        funds = settlement.funds_of(record)
        if funds is None or funds.final:
            return record.id
    return None
