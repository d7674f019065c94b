"""The rules of objects that need the past cone: 8.12.3 to 8.15.2 (SPEC.md sections 8.12 to 8.15).

Like 8.3.13 to 8.3.18 they are functions of the cone alone.  Nothing here knows the time: what has
to wait, waits for votes (8.17).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

from .chain import Chain
from .limits import AMOUNT_LIMIT, PARTS, PAYEES_MAX, SETTLEMENTS_MAX
from .objects import NOTHING, Deeds, HeldObject, Move, Outcome, Settlement, Wanted
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
    Terms,
    TopUp,
    TwoVouchers,
    Unstake,
    Voucher,
    Withdraw,
    object_id,
)
from .record import Record
from .slashing import check_slashing
from .statements import is_verdict, is_voucher
from .vertex import Vertex, VertexId

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
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    passed_on: list[Share] = field(default_factory=list[Share])


def check_objects(
    vertex: Vertex, chain: Chain, get: Callable[[VertexId], Record | None], network: NetworkId
) -> ObjectEffect:
    """Return what ``vertex`` does to objects; its edges are held, and ``get`` returns them.

    ``chain.totals`` stands at its ``prev``.

    Raises:
        RemoteProtocolError: with the rule that was broken.
    """
    issuing = _Issuing(vertex, chain, get, network)
    for operation in vertex.operations:
        match operation:
            case Opening(index, amount, terms):
                issuing.open(index, amount, terms)
            case Act():
                issuing.act(operation)
            case _:
                pass
    return issuing.effect()


class _Issuing:
    """One vertex that is being checked."""

    def __init__(
        self,
        vertex: Vertex,
        chain: Chain,
        get: Callable[[VertexId], Record | None],
        network: NetworkId,
    ) -> None:
        self._vertex = vertex
        self._issuer = vertex.issuer
        self._line = chain.totals.objects
        self._get = get
        self._network = network
        self._all = _Collected()

    def effect(self) -> ObjectEffect:
        collected = self._all
        deeds = Deeds(
            tuple(collected.opened),
            tuple(collected.acts),
            tuple(collected.settlements),
            tuple(collected.moves),
            tuple(dict.fromkeys(collected.sources)),
            tuple(collected.outcomes),
        )
        put = sum(put for _, put, _, _ in collected.moves)
        taken = sum(taken for _, _, taken, _ in collected.moves)
        return ObjectEffect(deeds, put, taken, tuple(collected.passed_on))

    def open(self, index: int, amount: int, terms: Terms) -> None:
        match terms:
            case ChannelTerms(provider):
                _check(provider != self._issuer, "a channel to oneself", "8.13.1")
            case EscrowTerms(provider, arbiters):
                others = self._issuer not in {provider, *arbiters}
                _check(others, "an opener in two roles", "8.14.1")
            case StakeTerms(reward=reward):
                _check(reward <= amount, "a reward above the stake", "8.15.1")
        held = HeldObject(object_id(self._vertex.id, index), index, self._issuer, amount, terms)
        self._all.opened.append(held)
        self._all.moves.append((held, amount, 0, 0))

    def act(self, act: Act) -> None:
        opening = self._record(act.opening)
        held = _opened_by(opening, act.index)
        self._check_party(held, act.action)
        self._all.acts.append((held, act))
        self._all.sources.append(opening)
        match act.action:
            case TopUp(total):
                self._top_up(held, total)
            case PostVouchers(vouchers):
                self._check_vouchers(held, vouchers)
            case Slash(proof):
                against = None
                if isinstance(proof, TwoVouchers):
                    against = _opened_by(self._record(proof.opening), proof.index)
                check_slashing(proof, held, against, self._network)
            case Take(settling):
                self._take(held, settling)
            case action if isinstance(action, Settling):
                self._settle(held, act, action)
            case _:
                pass

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
        if is_opener:
            _check(held in self._line, "an object opened on another line", "8.12.5")

    def _top_up(self, held: HeldObject, total: int) -> None:
        put, _, _ = self._line[held]
        added = held.amount + total - put
        _check(added > 0, "a top-up that adds nothing", "8.13.2")
        _check(held.amount + total < AMOUNT_LIMIT, "a channel of too much", "8.13.2")
        self._all.moves.append((held, added, 0, 0))

    def _settle(self, held: HeldObject, act: Act, action: Settling) -> None:
        _, _, times = self._line.get(held, NOTHING)
        _check(times < SETTLEMENTS_MAX, "an object settled too often", "8.12.8")
        match action:
            case Close(funds, posted, vouchers):
                source, limit = self._funds(held, funds)
                settlement = self._by_vouchers(held, act, posted, vouchers, source, limit)
            case ReclaimFinal(posted, vouchers):
                put, _, _ = self._line[held]
                settlement = self._by_vouchers(held, act, posted, vouchers, None, put)
            case Seize(notice):
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
        top_up = self._find(funds, held, TopUp)
        return self._record(funds), held.amount + top_up.total

    def _check_vouchers(self, held: HeldObject, vouchers: Iterable[Voucher]) -> None:
        terms = held.terms
        assert isinstance(terms, ChannelTerms)
        for voucher in vouchers:
            _check(voucher.lane < terms.lanes, "a lane that is not open", "8.13.3")
            named = {recipient for recipient, _ in voucher.split}
            _check(terms.provider not in named, "a provider in a split", "8.13.3")
            holds = is_voucher(terms.voucher_key, self._network, held.id, voucher)
            _check(holds, "a voucher with a wrong signature", "8.12.7")

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
            vouchers += self._find(vertex_id, held, PostVouchers).vouchers
        best: dict[int, Voucher] = {}
        for voucher in vouchers:
            if voucher.lane not in best or _rank(voucher) > _rank(best[voucher.lane]):
                best[voucher.lane] = voucher
        lanes = {lane: voucher.total for lane, voucher in sorted(best.items())}
        award = sum(lanes.values())
        _check(award <= limit, "vouchers for more than there is", "8.13.4")
        shares = _added(share for voucher in best.values() for share in voucher.split)
        _check(len(shares) <= PAYEES_MAX, "too many to pay", "8.13.4")
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

    def _take(self, held: HeldObject, settling: VertexId) -> None:
        record = self._record(settling)
        deeds = record.deeds
        settlement = None if deeds is None else deeds.settlement(held)
        if settlement is None:
            raise RemoteProtocolError("a vertex that does not settle it", rule="8.12.6")
        put, taken, _ = self._line.get(held, NOTHING)
        outcome = settlement.outcome
        gained = outcome.owed(self._issuer, put, taken)
        _check(gained > 0, "a take that gains nothing", "8.12.9")
        self._all.moves.append((held, 0, gained, 0))
        self._all.outcomes.append(outcome)
        if self._issuer != held.opener:
            self._all.passed_on += outcome.shares
        funds = settlement.funds_of(record)
        if funds is not None:
            self._all.sources.append(funds)

    # References.

    def _record(self, vertex_id: VertexId) -> Record:
        record = self._get(vertex_id)
        assert record is not None, "an edge is held"
        return record

    def _find(self, vertex_id: VertexId, held: HeldObject, action: type[Wanted]) -> Wanted:
        deeds = self._record(vertex_id).deeds
        found = None if deeds is None else deeds.act_on(held, action)
        if found is None:
            raise RemoteProtocolError("a vertex that does not do that to it", rule="8.12.6")
        return found


def _opened_by(record: Record, index: int) -> HeldObject:
    if record.deeds is not None:
        for held in record.deeds.opened:
            if held.index == index:
                return held
    raise RemoteProtocolError("an object that was not opened", rule="8.12.3")


def _rank(voucher: Voucher) -> tuple[int, int, tuple[Share, ...]]:
    return voucher.total, voucher.count, voucher.split


def _added(shares: Iterable[tuple[NodeId, int]]) -> tuple[Share, ...]:
    sums: dict[NodeId, int] = {}
    for who, drops in shares:
        sums[who] = sums.get(who, 0) + drops
    return tuple(sorted(sums.items()))


def _check(holds: bool, message: str, rule: str) -> None:
    if not holds:
        raise RemoteProtocolError(message, rule=rule)
