"""Random vertices that open objects and act on them, most of them by the rules, from one seed."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from fogbank_dag_ledger.equivocation import encode_proof
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.operations import (
    Act,
    Action,
    Agree,
    ChannelTerms,
    Close,
    Deliver,
    Dispute,
    EscrowTerms,
    Forked,
    Halve,
    Judge,
    Opening,
    Operation,
    PostVouchers,
    Reclaim,
    ReclaimFinal,
    Refund,
    RefundLate,
    Release,
    ReleaseLate,
    Seize,
    Settling,
    Slash,
    StakeTerms,
    Take,
    Terms,
    TopUp,
    Unstake,
    Voucher,
    Withdraw,
    object_id,
)
from fogbank_dag_ledger.statements import sign_verdict, sign_voucher
from fogbank_dag_ledger.vertex import NO_VERTEX, VALIDATOR, Draft, Vertex, VertexId, preimage
from fogbank_protocol.identity import Identity, NodeId

from .community import Community, people
from .random_dag import RandomDag
from .town import take_by

_BY_OPENER: tuple[type, ...] = (
    TopUp,
    Reclaim,
    ReclaimFinal,
    Dispute,
    Release,
    RefundLate,
    Unstake,
    Withdraw,
)
_BY_PROVIDER: tuple[type, ...] = (Close, Deliver, Refund, ReleaseLate)
_BY_EITHER: tuple[type, ...] = (Agree, Judge, Halve)
_BY_ANYONE: tuple[type, ...] = (PostVouchers, Slash, Seize, Take)
_ACTIONS: dict[type, tuple[type, ...]] = {
    ChannelTerms: (TopUp, PostVouchers, Close, Reclaim, ReclaimFinal, Take, Take),
    EscrowTerms: (
        Deliver,
        Dispute,
        Release,
        Refund,
        Agree,
        Judge,
        ReleaseLate,
        RefundLate,
        Halve,
        Take,
        Take,
        Take,
    ),
    StakeTerms: (Unstake, Withdraw, Withdraw, Slash, Seize, Take, Take),
}


class ObjectDag(RandomDag):
    """Draws vertices with ops on objects."""

    def __init__(
        self,
        community: Community,
        random: Random,
        forkers: int,
        ledger: Ledger,
        *,
        homes: bool = False,
        beats: Sequence[int] = (1, 10, 40),
        wide: float = 0,
    ) -> None:
        super().__init__(community, random, forkers, homes=homes, wide=wide)
        self._beats = beats
        self._ledger = ledger
        self._people = community
        self._dice = random
        self._opened: list[tuple[Vertex, Opening]] = []

    def accept(self, vertex: Vertex) -> None:
        super().accept(vertex)
        self._opened += [(vertex, one) for one in vertex.operations if isinstance(one, Opening)]

    def _more(self, draft: Draft, prev: Vertex | None) -> Draft:
        operations = tuple(self._operations(draft.issuer, len(draft.payments)))
        beat = 0
        if draft.kind == VALIDATOR:
            beat = self._beat(prev) + self._dice.choice((0, 1, 5, 20))
        return replace(draft, operations=operations, beat=beat)

    def _beat(self, prev: Vertex | None) -> int:
        by_id = {vertex.id: vertex for vertex in self.valid}
        while prev is not None and prev.kind != VALIDATOR:
            prev = by_id.get(prev.prev)
        return 0 if prev is None else prev.beat

    def _operations(self, issuer: NodeId, index: int) -> Sequence[Operation]:
        dice = self._dice
        if dice.random() < 0.12:
            return [Opening(index, dice.choice((50, 120, 400)), self._terms(issuer))]
        if self._opened and dice.random() < 0.75:
            for _ in range(12):
                act = self._act(issuer)
                if act is not None:
                    return [act]
        return []

    def _terms(self, issuer: NodeId) -> Terms:
        dice, names = self._dice, self._people.names
        others = [name for name in names if name != issuer or dice.random() < 0.02]
        beats = dice.choice(self._beats)
        chosen = sorted(dice.sample(others, min(len(others), 3)))
        sort = dice.randrange(3)
        if sort == 0:
            return ChannelTerms(dice.choice(others), issuer, dice.choice((1, 2)), beats)
        if sort == 1:
            provider = dice.choice(others)
            arbiters = tuple(name for name in chosen if name != provider)[: dice.choice((0, 1, 2))]
            split = tuple((name, 200_000) for name in chosen if name not in (provider, issuer))[:2]
            need = len(arbiters) // 2 + 1 if arbiters else 0
            return EscrowTerms(provider, arbiters, need, split, beats, beats, bytes(32))
        watch = tuple(chosen[:2])
        return StakeTerms(watch, len(watch) // 2 + 1, beats, dice.choice((10, 50, 60)))

    def _act(self, issuer: NodeId) -> Act | None:
        dice = self._dice
        opening, opened = dice.choice(self._opened)
        terms = opened.terms
        sort = dice.choice(_ACTIONS[type(terms)])
        provider = None if isinstance(terms, StakeTerms) else terms.provider
        allowed = (
            sort in _BY_ANYONE
            or (sort in (*_BY_OPENER, *_BY_EITHER) and issuer == opening.issuer)
            or (sort in (*_BY_PROVIDER, *_BY_EITHER) and issuer == provider)
        )
        if not allowed and dice.random() < 0.98:
            return None
        if dice.random() < 0.02:
            sort = dice.choice(_ACTIONS[dice.choice((ChannelTerms, EscrowTerms, StakeTerms))])
        action = self._action(sort, issuer, opening, opened)
        return None if action is None else Act(opening.id, opened.index, action)

    def _action(
        self, sort: type, issuer: NodeId, opening: Vertex, opened: Opening
    ) -> Action | None:
        dice = self._dice
        name = object_id(opening.id, opened.index)
        if sort is TopUp:
            return TopUp(dice.choice((10, 20, 30, 40)))
        if sort is PostVouchers:
            return PostVouchers(tuple(self._vouchers(opening, opened, 1)))
        if sort is Close:
            funds = self._acted(opening, opened, TopUp)
            counted = dice.choice([*funds, NO_VERTEX, NO_VERTEX])
            return Close(counted, self._posted(opening, opened), self._shown(opening, opened))
        if sort is ReclaimFinal:
            return ReclaimFinal(self._posted(opening, opened), self._shown(opening, opened))
        if sort is Agree:
            award = dice.choice((0, 10, opened.amount, opened.amount + dice.randrange(2)))
            terms = opened.terms
            provider = terms.provider if isinstance(terms, EscrowTerms) else issuer
            other = provider if issuer == opening.issuer else opening.issuer
            return Agree(award, self._verdict(other, name, award))
        if sort is Judge:
            terms = opened.terms
            arbiters = terms.arbiters if isinstance(terms, EscrowTerms) else ()
            award = dice.choice((0, opened.amount // 3))
            numbers = tuple(range(dice.randint(0, len(arbiters))))
            signatures = tuple(self._verdict(arbiters[one], name, award) for one in numbers)
            return Judge(award, numbers, signatures)
        if sort is Deliver:
            return Deliver(bytes(32))
        if sort is Slash:
            return Slash(Forked(self._fork(opening.issuer if dice.random() < 0.9 else issuer)))
        if sort is Seize:
            notices = self._acted(opening, opened, Slash)
            return Seize(dice.choice(notices)) if notices else None
        if sort is Take:
            settling = self._acted(opening, opened, Settling)
            if not settling:
                return None
            named = dice.choice(settling)
            if dice.random() < 0.05:
                return Take(named, bytes(32))
            return take_by(self._ledger, named, opening.id, opened.index)
        bare: Action = sort()
        return bare

    def _vouchers(self, opening: Vertex, opened: Opening, count: int) -> Sequence[Voucher]:
        dice, names = self._dice, self._people.names
        vouchers: list[Voucher] = []
        for _ in range(count):
            total = dice.choice((5, 20, 45, 60, 100))
            split = [(dice.choice(names), dice.choice((5, total)))] if dice.random() < 0.3 else []
            key = opened.terms.voucher_key if isinstance(opened.terms, ChannelTerms) else names[0]
            voucher = sign_voucher(
                self._key(key),
                self._people.network,
                object_id(opening.id, opened.index),
                lane=int(dice.random() < 0.4),
                total=total,
                count=total,
                root=bytes(32),
                split=split,
            )
            spoilt = dice.random() < 0.03
            vouchers.append(replace(voucher, signature=bytes(64)) if spoilt else voucher)
        return vouchers

    def _shown(self, opening: Vertex, opened: Opening) -> tuple[Voucher, ...]:
        return tuple(self._vouchers(opening, opened, self._dice.choice((0, 0, 1, 2))))

    def _posted(self, opening: Vertex, opened: Opening) -> tuple[VertexId, ...]:
        posted = self._acted(opening, opened, PostVouchers)
        if self._dice.random() < 0.03:
            posted = [vertex.id for vertex in self.valid[-2:]]
        if self._dice.random() < 0.6:
            return tuple(sorted(posted[-8:]))
        return tuple(sorted(self._dice.sample(posted, min(len(posted), 2))))

    def _acted(self, opening: Vertex, opened: Opening, sort: object) -> list[VertexId]:
        return [
            vertex.id
            for vertex in self.valid
            for one in vertex.operations
            if isinstance(one, Act)
            and (one.opening, one.index) == (opening.id, opened.index)
            and isinstance(one.action, sort)  # type: ignore[arg-type]
        ]

    def _verdict(self, who: NodeId, name: bytes, award: int) -> bytes:
        if self._dice.random() < 0.05:
            return bytes(64)
        return sign_verdict(self._key(who), self._people.network, name, award)  # type: ignore[arg-type]

    def _key(self, who: NodeId) -> Identity:
        if who in self._people.names:
            return self._people.identities[self._people.names.index(who)]
        return people(1)[0]

    def _fork(self, who: NodeId) -> bytes:
        network = self._people.network
        sides: list[tuple[VertexId, bytes]] = []
        for note in (1, 2):
            vertex = self._people.vertex(self._people.names.index(who), note=note)
            sides.append((vertex.id, self._key(who).sign(preimage(network, vertex.id))))
        return encode_proof(who, sides[0], sides[1])
