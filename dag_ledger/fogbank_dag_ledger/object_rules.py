"""The rules of objects that need the past cone: 8.12.3 to 8.15.2 (SPEC.md sections 8.12 to 8.15).

Like 8.3.13 to 8.3.18 they are functions of the cone alone.  Nothing here knows the time: what has
to wait, waits for votes (8.17).
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

from .chain import Chain
from .footing import Ground
from .home import Home
from .limits import AMOUNT_LIMIT, PARTS, SETTLEMENTS_MAX
from .objects import NOTHING, Deeds, HeldObject, Move, Outcome, Settlement, Wanted
from .operation_codec import storage_deposit
from .operations import (
    Act,
    Action,
    Agree,
    ChannelTerms,
    Close,
    Deliver,
    Dispute,
    EscrowTerms,
    Halve,
    Judge,
    Opening,
    PostVouchers,
    Proof,
    Reclaim,
    ReclaimFinal,
    Refund,
    RefundLate,
    Release,
    ReleaseLate,
    Seize,
    Settling,
    Share,
    Slash,
    StakeTerms,
    Take,
    TopUp,
    TwoVouchers,
    Unstake,
    Voucher,
    Withdraw,
    object_id,
)
from .record import Record
from .slashing import check_slashing
from .statements import is_verdict
from .vertex import Vertex, VertexId
from .vouchers import best_of_lanes, check_voucher, settle_by

_OPENER: frozenset[type] = frozenset(
    {TopUp, Reclaim, ReclaimFinal, Dispute, Release, RefundLate, Unstake, Withdraw}
)
_PROVIDER: frozenset[type] = frozenset({Close, Deliver, Refund, ReleaseLate})
_PARTIES: frozenset[type] = frozenset({Agree, Judge, Halve})

_OF_CHANNELS: frozenset[type] = frozenset({TopUp, PostVouchers, Close, Reclaim, ReclaimFinal, Take})
_OF_ESCROWS: frozenset[type] = frozenset(
    {Deliver, Dispute, Release, Refund, Agree, Judge, ReleaseLate, RefundLate, Halve, Take}
)
_OF_STAKES: frozenset[type] = frozenset({Unstake, Withdraw, Slash, Seize, Take})


@dataclass(frozen=True, slots=True)
class ObjectEffect:
    """What a valid vertex does to objects, and its issuer's account by them, in drops."""

    deeds: Deeds
    put: int
    """Taken off the balance."""

    taken: int
    """Added to it, what is passed on included."""

    passed_on: tuple[Share, ...]


@dataclass(slots=True)
class _Collected:
    opened: list[HeldObject] = field(default_factory=list[HeldObject])
    acts: list[tuple[HeldObject, Act]] = field(default_factory=list[tuple[HeldObject, Act]])
    settlements: list[Settlement] = field(default_factory=list[Settlement])
    moves: list[Move] = field(default_factory=list[Move])
    sources: list[Record] = field(default_factory=list[Record])
    funds: list[tuple[HeldObject, Record]] = field(default_factory=list[tuple[HeldObject, Record]])
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    passed_on: list[Share] = field(default_factory=list[Share])


def check_objects(
    vertex: Vertex, chain: Chain, ground: Ground, network: NetworkId, home: Home
) -> ObjectEffect:
    """Return what ``vertex`` does to objects; its edges are held in ``ground``, or settled there.

    ``chain.totals`` stands at its ``prev``; ``home`` is that of its slot.

    Raises:
        RemoteProtocolError: with the rule that was broken.
    """
    issuing = _Issuing(vertex, chain, ground, network, home)
    for operation in vertex.operations:
        match operation:
            case Opening():
                issuing.open(operation)
            case Act():
                issuing.act(operation)
            case _:
                pass
    return issuing.effect()


def deeds_of_lost(
    vertex: Vertex, chain: Chain, ground: Ground, network: NetworkId, home: Home
) -> Deeds:
    """Return what is seen of a vertex that can never be final, by who observes it (8.21).

    It moves no drop, so nothing is asked that needs its line.  An act that breaks another rule does
    nothing.
    """
    issuing = _Issuing(vertex, chain, ground, network, home, is_lost=True)
    for operation in vertex.operations:
        match operation:
            case Opening():
                with suppress(RemoteProtocolError):
                    issuing.open(operation)
            case Act():
                with suppress(RemoteProtocolError):
                    issuing.act(operation)
            case _:
                pass
    seen = issuing.effect().deeds
    return replace(seen, moves=(), sources=(), funds=(), taken=())


class _Issuing:
    """One vertex that is being checked."""

    def __init__(
        self,
        vertex: Vertex,
        chain: Chain,
        ground: Ground,
        network: NetworkId,
        home: Home,
        *,
        is_lost: bool = False,
    ) -> None:
        self._vertex = vertex
        self._issuer = vertex.issuer
        self._line = chain.totals.objects
        self._chain = chain
        self._ground = ground
        self._is_lost = is_lost
        self._network = network
        self._home = home
        self._all = _Collected()

    def effect(self) -> ObjectEffect:
        collected = self._all
        deeds = Deeds(
            tuple(collected.opened),
            tuple(collected.acts),
            tuple(collected.settlements),
            tuple(collected.moves),
            tuple(dict.fromkeys(collected.sources)),
            tuple(collected.funds),
            tuple(collected.outcomes),
        )
        put = sum(put for _, put, _, _ in collected.moves)
        taken = sum(taken for _, _, taken, _ in collected.moves)
        return ObjectEffect(deeds, put, taken, tuple(collected.passed_on))

    def open(self, opening: Opening) -> None:
        index, amount, terms = opening.index, opening.amount, opening.terms
        least = storage_deposit(opening)
        _check(amount >= least, f"put in at least {least} drops for such terms", "8.12.11")
        match terms:
            case ChannelTerms(provider):
                _check(provider != self._issuer, "a channel to oneself", "8.13.1")
            case EscrowTerms(provider, arbiters):
                others = self._issuer not in {provider, *arbiters}
                _check(others, "an opener in two roles", "8.14.1")
            case StakeTerms(reward=reward):
                _check(reward <= amount, "a reward above the stake", "8.15.1")
        home = self._home
        name = object_id(self._vertex.id, index)
        held = HeldObject(name, index, self._issuer, amount, terms, home)
        self._all.opened.append(held)
        self._all.moves.append((held, amount, 0, 0))

    def act(self, act: Act) -> None:
        held = self._object(act.opening, act.index)
        moves = isinstance(act.action, TopUp | Take)
        if held is None:
            # Everything was taken from it, and its record is gone: no act on it matters.
            _check(not moves, "an object that has come to its end", "8.12.3")
            return
        self._check_party(held, act.action)
        self._await(held)
        if held.is_over and not moves:
            return
        match act.action:
            case TopUp(total):
                self._top_up(held, total)
            case PostVouchers(vouchers):
                self._check_vouchers(held, vouchers)
            case Slash(proof):
                self._slash(held, proof)
            case Take() as take:
                self._take(held, take)
            case action if isinstance(action, Settling):
                self._settle(held, act, action)
            case _:
                pass
        self._all.acts.append((held, act))

    def _slash(self, held: HeldObject, proof: Proof) -> None:
        against = None
        if isinstance(proof, TwoVouchers):
            against = self._opened(proof.opening, proof.index)
            if against is not None:
                self._await(against)
        check_slashing(proof, held, against, self._network)

    def _await(self, held: HeldObject) -> None:
        if held.opened_in is not None:
            self._all.sources.append(held.opened_in)

    def _object(self, opening: VertexId, index: int) -> HeldObject | None:
        """Return an object; None when it was opened below the floor and nothing is left of it."""
        held = self._opened(opening, index)
        is_held = self._ground.get(opening) is not None
        _check(held is not None or not is_held, "an object that was not opened", "8.12.3")
        return held

    def _opened(self, opening: VertexId, index: int) -> HeldObject | None:
        """Return an object; None when there is none, or nothing is left of it."""
        record = self._ground.get(opening)
        if record is None:
            return self._ground.objects.get(object_id(opening, index))
        opened = () if record.deeds is None else record.deeds.opened
        return next((held for held in opened if held.index == index), None)

    def _check_party(self, held: HeldObject, action: Action) -> None:
        sort = type(action)
        provider: NodeId | None = None
        match held.terms:
            case ChannelTerms():
                known, provider = _OF_CHANNELS, held.terms.provider
            case EscrowTerms():
                known, provider = _OF_ESCROWS, held.terms.provider
            case StakeTerms():
                known = _OF_STAKES
        _check(sort in known, "an action on an object of another type", "8.12.4")
        is_opener, is_provider = self._issuer == held.opener, self._issuer == provider
        if sort in _OPENER:
            _check(is_opener, "an action of the opener", "8.12.4")
        elif sort in _PROVIDER:
            _check(is_provider, "an action of the provider", "8.12.4")
        elif sort in _PARTIES:
            _check(is_opener or is_provider, "an action of the two parties", "8.12.4")
        if is_opener and not self._is_lost:
            _check(held in self._line, "an object opened on another line", "8.12.5")

    def _top_up(self, held: HeldObject, total: int) -> None:
        if self._is_lost:
            return
        put, taken, _ = self._line[held]
        _check(not taken, "a top-up after taking what was left", "8.13.2")
        added = held.amount + total - put
        _check(added > 0, "a top-up that adds nothing", "8.13.2")
        _check(held.amount + total < AMOUNT_LIMIT, "a channel of too much", "8.13.2")
        self._all.moves.append((held, added, 0, 0))

    def _settle(self, held: HeldObject, act: Act, action: Settling) -> None:
        _, _, times = self._line.get(held, NOTHING)
        often = times >= SETTLEMENTS_MAX and not self._is_lost
        _check(not often, "an object settled too often", "8.12.8")
        match action:
            case Close(funds, posted, vouchers):
                source, limit = self._funds(held, funds)
                settlement = self._by_vouchers(held, act, posted, vouchers, source, limit)
            case ReclaimFinal(posted, vouchers):
                put = AMOUNT_LIMIT if self._is_lost else self._line[held][0]
                settlement = self._by_vouchers(held, act, posted, vouchers, None, put)
            case Seize(notice):
                if self._ground.get(notice) is not None or notice not in held.passed_acts:
                    self._find(notice, held, Slash)
                settlement = Settlement(held, act, held.amount, ())
            case Withdraw():
                settlement = Settlement(held, act, 0, ())
            case _:
                settlement = self._by_award(held, act, self._award(held, action))
        self._all.settlements.append(settlement)
        self._all.moves.append((held, 0, 0, 1))

    # Channels.

    def _funds(self, held: HeldObject, funds: VertexId) -> tuple[Record | None, int]:
        if not funds:
            return None, held.amount
        record = self._ground.get(funds)
        if record is None and held.settled_put:
            if funds in self._ground.dead:
                # What it said is forgotten, and nothing can be taken by it.
                return Record.dead(funds, self._chain), AMOUNT_LIMIT
            return None, held.settled_put
        top_up = self._find(funds, held, TopUp)
        return record, held.amount + top_up.total

    def _check_vouchers(self, held: HeldObject, vouchers: Iterable[Voucher]) -> None:
        terms = held.terms
        assert isinstance(terms, ChannelTerms)
        for voucher in vouchers:
            check_voucher(voucher, held.id, terms, self._network)

    def _by_vouchers(
        self,
        held: HeldObject,
        act: Act,
        posted: Sequence[VertexId],
        shown: Sequence[Voucher],
        funds: Record | None,
        limit: int,
    ) -> Settlement:
        self._check_vouchers(held, shown)
        vouchers = list(shown)
        for vertex_id in posted:
            if self._ground.get(vertex_id) is None and vertex_id in held.passed_acts:
                vouchers += held.passed_acts[vertex_id] or ()
            else:
                vouchers += self._find(vertex_id, held, PostVouchers).vouchers
        best = best_of_lanes(vouchers)
        award, shares = settle_by(best.values(), limit)
        lanes = {lane: voucher.leaves for lane, voucher in sorted(best.items())}
        return Settlement(held, act, award, shares, funds, lanes)

    # Escrows.

    def _award(self, held: HeldObject, action: Settling) -> int:
        match action:
            case Release() | ReleaseLate():
                return held.amount
            case Halve():
                return held.amount // 2
            case Agree(award, signature):
                self._check_agreed(held, award, signature)
                return award
            case Judge():
                self._check_verdicts(held, action)
                return action.award
            case _:
                return 0

    def _check_agreed(self, held: HeldObject, award: int, signature: bytes) -> None:
        terms = held.terms
        assert isinstance(terms, EscrowTerms)
        _check(award <= held.amount, "an award of more than there is", "8.14.2")
        other = terms.provider if self._issuer == held.opener else held.opener
        holds = is_verdict(other, self._network, held.id, award, signature)
        _check(holds, "an agreement with a wrong signature", "8.12.7")

    def _check_verdicts(self, held: HeldObject, judged: Judge) -> None:
        terms = held.terms
        assert isinstance(terms, EscrowTerms)
        _check(judged.award <= held.amount, "an award of more than there is", "8.14.2")
        enough = 1 <= terms.need <= len(judged.arbiters)
        known = all(number < len(terms.arbiters) for number in judged.arbiters)
        _check(enough and known, "not the arbiters it takes", "8.14.2")
        for number, signature in zip(judged.arbiters, judged.signatures, strict=True):
            arbiter = terms.arbiters[number]
            holds = is_verdict(arbiter, self._network, held.id, judged.award, signature)
            _check(holds, "a verdict with a wrong signature", "8.12.7")

    def _by_award(self, held: HeldObject, act: Act, award: int) -> Settlement:
        assert isinstance(held.terms, EscrowTerms)
        parts = ((who, award * share // PARTS) for who, share in held.terms.split)
        shares = tuple((who, drops) for who, drops in parts if drops)
        by_provider = self._issuer != held.opener
        return Settlement(held, act, award, shares, by_provider=by_provider)

    # Taking.

    def _take(self, held: HeldObject, take: Take) -> None:
        if self._is_lost:
            return
        outcome, funds = self._outcome(held, take.settling)
        _check(outcome.digest == take.outcome, "a take of another outcome", "8.12.6")
        put, taken, _ = self._line.get(held, NOTHING)
        gained = outcome.owed(self._issuer, put, taken)
        _check(gained > 0, "a take that gains nothing", "8.12.9")
        _check(held.home is self._home, "a take away from the home of the object", "8.12.10")
        self._all.moves.append((held, 0, gained, 0))
        self._all.outcomes.append(outcome)
        if self._issuer != held.opener:
            self._all.passed_on += outcome.shares
        if funds is not None:
            self._all.funds.append((held, funds))

    def _outcome(self, held: HeldObject, settling: VertexId) -> tuple[Outcome, Record | None]:
        """Return what is taken from, and what must be final before; None: nothing."""
        if held.is_over:
            assert held.outcome is not None
            return held.outcome, None
        record = self._ground.get(settling)
        if record is None and settling in held.passed:
            passed, known = held.passed[settling]
            return known.outcome, known.funds_of(passed)
        deeds = None if record is None else record.deeds
        settlement = None if deeds is None else deeds.settlement(held)
        if record is None or settlement is None:
            raise RemoteProtocolError("a vertex that does not settle it", rule="8.12.6")
        return settlement.outcome, settlement.funds_of(record)

    # References.

    def _find(self, vertex_id: VertexId, held: HeldObject, action: type[Wanted]) -> Wanted:
        record = self._ground.get(vertex_id)
        deeds = None if record is None else record.deeds
        found = None if deeds is None else deeds.act_on(held, action)
        if found is None:
            raise RemoteProtocolError("a vertex that does not do that to it", rule="8.12.6")
        return found


def _check(holds: bool, message: str, rule: str) -> None:
    if not holds:
        raise RemoteProtocolError(message, rule=rule)
