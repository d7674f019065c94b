"""Objects again, slowly: the definitions of SPEC.md sections 8.12 to 8.17 word for word."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import inf
from typing import TYPE_CHECKING, NamedTuple, cast

from fogbank_dag_ledger.operations import (
    Act,
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
    Slash,
    StakeTerms,
    Take,
    TopUp,
    TwoVerdicts,
    TwoVouchers,
    Unstake,
    Voucher,
    Withdraw,
)
from fogbank_dag_ledger.vertex import Vertex, VertexId, seq_in
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.identity import NodeId, is_signed_by

if TYPE_CHECKING:
    from .oracle import Oracle

Key = tuple[VertexId, int]

_TYPES = {
    ChannelTerms: (TopUp, PostVouchers, Close, Reclaim, ReclaimFinal, Take),
    EscrowTerms: (
        *(Deliver, Dispute, Release, Refund, Agree, Judge),
        *(ReleaseLate, RefundLate, Halve, Take),
    ),
    StakeTerms: (Unstake, Withdraw, Slash, Seize, Take),
}
_OPENER = (TopUp, Reclaim, ReclaimFinal, Dispute, Release, RefundLate, Unstake, Withdraw)
_PROVIDER = (Close, Deliver, Refund, ReleaseLate)
_EITHER = (Agree, Judge, Halve)


class Result(NamedTuple):
    """An outcome: of which object, and what it says."""

    key: Key
    seized: bool
    award: int
    shares: tuple[tuple[NodeId, int], ...]


class Settle(NamedTuple):
    vertex: Vertex
    act: Act
    result: Result


class ObjectOracle:
    """What follows for objects from the vertices of an oracle."""

    def __init__(self, oracle: "Oracle") -> None:
        self._of = oracle
        self._confirmed_in: dict[int, set[Result]] = {}

    def forget(self) -> None:
        """Compute anew what follows: the oracle has changed."""
        self._confirmed_in.clear()

    # What is said.

    def name(self, key: Key) -> bytes:
        return blake2b(b"fog-obj-1\0" + key[0] + bytes([key[1]]), digest_size=32).digest()

    def opening(self, key: Key) -> Opening | None:
        vertex = self._of.vertices[key[0]]
        for operation in vertex.operations:
            if isinstance(operation, Opening) and operation.index == key[1]:
                return operation
        return None

    def terms(self, key: Key) -> ChannelTerms | EscrowTerms | StakeTerms:
        opening = self.opening(key)
        assert opening is not None
        return opening.terms

    def opener(self, key: Key) -> NodeId:
        return self._of.vertices[key[0]].issuer

    def acts(self, vertex: Vertex) -> Iterator[tuple[Key, Act]]:
        for one in vertex.operations:
            if isinstance(one, Act):
                yield (one.opening, one.index), one

    # Sums along a line.

    def on_line(self, end: Vertex | None, key: Key) -> bool:
        return any(one.id == key[0] for one in self._of.line(end))

    def put(self, end: Vertex | None, key: Key) -> int:
        opening = self.opening(key)
        assert opening is not None
        totals = [
            act.action.total
            for one in self._of.line(end)
            for other, act in self.acts(one)
            if other == key and isinstance(act.action, TopUp)
        ]
        return opening.amount + max(totals, default=0) if self.on_line(end, key) else 0

    def taken(self, end: Vertex | None, key: Key) -> int:
        return sum(
            self.owed(one, key, act.action)
            for one in self._of.line(end)
            for other, act in self.acts(one)
            if other == key and isinstance(act.action, Take)
        )

    def owed(self, vertex: Vertex, key: Key, take: Take) -> int:
        """Return what ``vertex``, of which ``take`` is an act, takes."""
        before = self._of.vertices.get(vertex.prev)
        settling = self._of.vertices[take.settling]
        result = self.result(settling, key)
        terms, taken = self.terms(key), self.taken(before, key)
        if result.seized:
            assert isinstance(terms, StakeTerms)
            if vertex.issuer not in terms.watch or taken:
                return 0
            return terms.reward // len(terms.watch)
        if vertex.issuer == self.opener(key):
            return self.put(before, key) - result.award - taken
        if isinstance(terms, StakeTerms) or vertex.issuer != terms.provider or taken:
            return 0
        return result.award

    def moved(self, vertex: Vertex) -> int:
        """Return by how much ``vertex`` changes its issuer's balance through objects."""
        before = self._of.vertices.get(vertex.prev)
        moved = 0
        for one in vertex.operations:
            if isinstance(one, Opening):
                moved -= one.amount
        for key, act in self.acts(vertex):
            if isinstance(act.action, TopUp):
                opening = self.opening(key)
                assert opening is not None
                moved -= opening.amount + act.action.total - self.put(before, key)
            if isinstance(act.action, Take):
                moved += self.owed(vertex, key, act.action)
        return moved - sum(drops for _, drops in self.passed_on(vertex))

    def passed_on(self, vertex: Vertex) -> list[tuple[NodeId, int]]:
        shares: list[tuple[NodeId, int]] = []
        for key, act in self.acts(vertex):
            if isinstance(act.action, Take) and vertex.issuer != self.opener(key):
                result = self.result(self._of.vertices[act.action.settling], key)
                shares += [] if result.seized else result.shares
        return shares

    # Settlements.

    def settles(self, vertex: Vertex) -> Iterator[Settle]:
        for key, act in self.acts(vertex):
            if isinstance(act.action, Settling):
                yield Settle(vertex, act, self.result(vertex, key))

    def lanes(self, key: Key, act: Act) -> dict[int, Voucher]:
        action = act.action
        assert isinstance(action, Close | ReclaimFinal)
        vouchers = list(action.vouchers)
        for posted in action.posted:
            for other, one in self.acts(self._of.vertices[posted]):
                if other == key and isinstance(one.action, PostVouchers):
                    vouchers += one.action.vouchers
        return {
            lane: max(
                (one for one in vouchers if one.lane == lane),
                key=lambda one: (_left(one), one.total, one.count, one.split),
            )
            for lane in {one.lane for one in vouchers}
        }

    def result(self, vertex: Vertex, key: Key) -> Result:
        (act,) = (
            one
            for other, one in self.acts(vertex)
            if other == key and isinstance(one.action, Settling)
        )
        opening, terms = self.opening(key), self.terms(key)
        assert opening is not None
        action = act.action
        if isinstance(action, Close | ReclaimFinal):
            best = self.lanes(key, act).values()
            award = sum(one.total for one in best)
            sums: dict[NodeId, int] = {}
            for one in best:
                for who, drops in one.split:
                    sums[who] = sums.get(who, 0) + drops
            return Result(key, False, award, tuple(sorted(sums.items())))
        if isinstance(action, Seize):
            return Result(key, True, opening.amount, ())
        award = 0
        if isinstance(action, Release | ReleaseLate):
            award = opening.amount
        if isinstance(action, Halve):
            award = opening.amount // 2
        if isinstance(action, Agree | Judge):
            award = action.award
        shares: list[tuple[NodeId, int]] = []
        if isinstance(terms, EscrowTerms):
            shares = [(who, award * parts // 10**6) for who, parts in terms.split]
        return Result(key, False, award, tuple(one for one in shares if one[1]))

    def digest(self, settling: Vertex, key: Key) -> bytes:
        """Return the digest of the outcome for which a vertex settles an object."""
        result = self.result(settling, key)
        shares: Value = [[who, drops] for who, drops in result.shares]
        said = encode([int(result.seized), result.award, shares])
        return blake2b(b"fog-outcome-1\0" + said, digest_size=32).digest()

    # Validity: 8.12.3 to 8.15.2.

    def broken_rule(self, vertex: Vertex) -> str | None:
        for operation in vertex.operations:
            rule = None
            if isinstance(operation, Opening):
                rule = self._broken_by_opening(vertex, operation)
            if isinstance(operation, Act):
                rule = self._broken_by_act(vertex, operation)
            if rule is not None:
                return rule
        return None

    def _broken_by_opening(self, vertex: Vertex, opening: Opening) -> str | None:
        terms = opening.terms
        fields = cast("list[list[Value]]", decode(vertex.body))
        if 100 * opening.amount < len(encode(fields[9][opening.index])):
            return "8.12.11"
        if isinstance(terms, ChannelTerms) and terms.provider == vertex.issuer:
            return "8.13.1"
        if isinstance(terms, EscrowTerms) and vertex.issuer in (terms.provider, *terms.arbiters):
            return "8.14.1"
        if isinstance(terms, StakeTerms) and terms.reward > opening.amount:
            return "8.15.1"
        return None

    def _broken_by_act(self, vertex: Vertex, act: Act) -> str | None:
        key = (act.opening, act.index)
        if self.opening(key) is None:
            return "8.12.3"
        terms, sort = self.terms(key), type(act.action)
        if sort not in _TYPES[type(terms)]:
            return "8.12.4"
        is_opener = vertex.issuer == self.opener(key)
        is_provider = not isinstance(terms, StakeTerms) and vertex.issuer == terms.provider
        if (sort in _OPENER and not is_opener) or (sort in _PROVIDER and not is_provider):
            return "8.12.4"
        if sort in _EITHER and not is_opener and not is_provider:
            return "8.12.4"
        before = self._of.vertices.get(vertex.prev)
        if is_opener and not self.on_line(before, key):
            return "8.12.5"
        return self._broken_by_action(vertex, key, act, before)

    def _broken_by_action(
        self, vertex: Vertex, key: Key, act: Act, before: Vertex | None
    ) -> str | None:
        action, opening = act.action, self.opening(key)
        assert opening is not None
        if isinstance(action, TopUp):
            late = opening.amount + action.total <= self.put(before, key)
            late = late or self.taken(before, key) > 0
            return "8.13.2" if late or opening.amount + action.total >= 2**64 else None
        if isinstance(action, PostVouchers):
            return self._broken_by_vouchers(key, action.vouchers)
        if isinstance(action, Slash):
            return None if self._proves(key, action.proof) else "8.15.2"
        if isinstance(action, Take):
            settling = self._of.vertices[action.settling]
            if not any(one.result.key == key for one in self.settles(settling)):
                return "8.12.6"
            if action.outcome != self.digest(settling, key):
                return "8.12.6"
            if self.owed(vertex, key, action) <= 0:
                return "8.12.9"
            home = self._of.vertices[key[0]].home
            return None if vertex.home == home else "8.12.10"
        if isinstance(action, Settling):
            times = sum(
                one.result.key == key for own in self._of.line(before) for one in self.settles(own)
            )
            if times >= 4:
                return "8.12.8"
            return self._broken_by_settling(vertex, key, act, before)
        return None

    def _broken_by_settling(
        self, vertex: Vertex, key: Key, act: Act, before: Vertex | None
    ) -> str | None:
        action, terms, opening = act.action, self.terms(key), self.opening(key)
        assert opening is not None
        if isinstance(action, Close) and action.funds and not self._does(action.funds, key, TopUp):
            return "8.12.6"
        if isinstance(action, Close | ReclaimFinal):
            rule = self._broken_by_vouchers(key, action.vouchers)
            if rule is not None:
                return rule
            if not all(self._does(one, key, PostVouchers) for one in action.posted):
                return "8.12.6"
            limit = self.put(before, key)
            if isinstance(action, Close):
                limit = opening.amount + self._funds(action.funds, key)
            result = self.result(vertex, key)
            return "8.13.4" if result.award > limit or len(result.shares) > 16 else None
        if isinstance(action, Seize):
            return None if self._does(action.notice, key, Slash) else "8.12.6"
        if isinstance(action, Agree | Judge):
            assert isinstance(terms, EscrowTerms)
            if action.award > opening.amount:
                return "8.14.2"
            if isinstance(action, Judge):
                return self._broken_by_judging(key, terms, action)
            other = terms.provider if vertex.issuer == self.opener(key) else self.opener(key)
            return None if self._verdict(other, key, action.award, action.signature) else "8.12.7"
        return None

    def _broken_by_judging(self, key: Key, terms: EscrowTerms, judged: Judge) -> str | None:
        known = all(one < len(terms.arbiters) for one in judged.arbiters)
        if not terms.need or len(judged.arbiters) < terms.need or not known:
            return "8.14.2"
        for number, signature in zip(judged.arbiters, judged.signatures, strict=True):
            if not self._verdict(terms.arbiters[number], key, judged.award, signature):
                return "8.12.7"
        return None

    def _verdict(self, who: NodeId, key: Key, award: int, signature: bytes) -> bool:
        preimage = b"fog-verdict-1\0" + self._of.genesis.network
        return is_signed_by(who, preimage + encode([1, self.name(key), award]), signature)

    def _broken_by_vouchers(self, key: Key, vouchers: Sequence[Voucher]) -> str | None:
        terms = self.terms(key)
        assert isinstance(terms, ChannelTerms)
        for one in vouchers:
            split: Value = [[who, drops] for who, drops in one.split]
            if one.lane >= terms.lanes or any(who == terms.provider for who, _ in one.split):
                return "8.13.3"
            body = encode([1, self.name(key), one.lane, one.total, one.count, one.root, split])
            preimage = b"fog-vch-1\0" + self._of.genesis.network + body
            if not is_signed_by(terms.voucher_key, preimage, one.signature):
                return "8.12.7"
        return None

    def _proves(self, key: Key, proof: Proof) -> bool:
        owner, network, terms = self.opener(key), self._of.genesis.network, self.terms(key)
        assert isinstance(terms, StakeTerms)
        if isinstance(proof, Forked):
            data = proof.proof
            sides = [
                (data[start : start + 32], data[start + 32 : start + 96]) for start in (32, 128)
            ]
            position = blake2b(owner, digest_size=8).digest() + sides[0][0][8:12]
            return (
                data[:32] == owner
                and all(
                    side.startswith(position)
                    and is_signed_by(owner, b"fog-vtx-1\0" + network + side, signature)
                    for side, signature in sides
                )
                and sides[0][0] < sides[1][0]
            )
        if isinstance(proof, TwoVerdicts):
            return all(
                is_signed_by(
                    owner,
                    b"fog-verdict-1\0" + network + encode([1, proof.object_id, award]),
                    signature,
                )
                for award, signature in zip(proof.awards, proof.signatures, strict=True)
            )
        if isinstance(proof, TwoVouchers):
            channel = (proof.opening, proof.index)
            is_channel = self.opening(channel) and isinstance(self.terms(channel), ChannelTerms)
            if not is_channel or self.opener(channel) != owner:
                return False
            if (seq_in(channel[0]), channel[1]) <= (seq_in(key[0]), key[1]):
                return False
            return self._broken_by_vouchers(channel, proof.vouchers) != "8.12.7"
        there_are = all(member < len(terms.watch) for member in proof.members)
        if len(proof.members) < terms.need or not there_are:
            return False
        said = encode([1, owner, proof.receipt_id, proof.number, proof.right])
        finding = b"fog-wrong-1\0" + network + said
        return all(
            is_signed_by(terms.watch[member], finding, signature)
            for member, signature in zip(proof.members, proof.signatures, strict=True)
        )

    def _does(self, vertex_id: VertexId, key: Key, sort: type) -> bool:
        return any(
            other == key and isinstance(act.action, sort)
            for other, act in self.acts(self._of.vertices[vertex_id])
        )

    def _funds(self, vertex_id: VertexId, key: Key) -> int:
        if not vertex_id:
            return 0
        return next(
            act.action.total
            for other, act in self.acts(self._of.vertices[vertex_id])
            if other == key and isinstance(act.action, TopUp)
        )

    # Votes: 8.12 and 8.17.

    def votes(self) -> dict[Result, set[NodeId]]:
        """Return who votes now for each outcome that a vertex settles by."""
        present = self._of.present()
        return self._votes_in(present, self._everything(), self._closed(present))

    def _everything(self) -> int:
        return (1 << len(self._of.vertices)) - 1

    def _votes_in(self, epoch: int, within: int, closed: set[Key]) -> dict[Result, set[NodeId]]:
        """Return who votes by vertices in the set ``within``: in homes, or in ``epoch``."""
        votes: dict[Result, set[NodeId]] = {
            one.result: set()
            for vertex in self._of.vertices.values()
            for one in self.settles(vertex)
        }
        tables = {b"": self._of.table(epoch), **self._of.home_tables()}
        for home, table in tables.items():
            for validator in table.weights():
                for result in self._votes_of(validator, home, epoch, within):
                    if result.key not in closed:
                        votes[result].add(validator)
        return votes

    def _home(self, key: Key) -> bytes:
        """Return the home of the vertex that opens an object (8.18)."""
        home = self._of.vertices[key[0]].home
        return home if home in self._of.home_tables() else b""

    def _votes_of(self, validator: NodeId, home: bytes, epoch: int, within: int) -> set[Result]:
        own = self._of.own(validator, within)
        speaking = [one for one in own if home or self._of.speaks(one, epoch)]
        if len({one.seq for one in own}) < len(own):
            below = {one for mine in own for one in self._of.cone(mine.id)} if speaking else set()
            found = [one for vertex in below for one in self.settles(self._of.vertices[vertex])]
            return {one.result for one in found if self._home(one.result.key) == home}
        voted: dict[Key, Result] = {}
        for x in speaking:
            if not self._of.is_seated(x):
                continue
            line = own[: own.index(x) + 1]
            for seen in sorted(self._of.cone(x.id)):
                for one in self.settles(self._of.vertices[seen]):
                    key = one.result.key
                    if self._home(key) != home or key in voted:
                        continue
                    if self._may_vote(line, one):
                        voted[key] = one.result
        return set(voted.values())

    def _beat(self, vertex: Vertex) -> int:
        beats = [one.beat for one in self._of.line(vertex) if one.kind == 2]
        return beats[-1] if beats else 0

    def _first(self, line: Sequence[Vertex], key: Key, sort: type) -> tuple[int, int] | None:
        """Return at and after of the first notice of a sort, None when none is seen."""
        for number, x in enumerate(line):
            if not self._of.is_seated(x):
                continue
            cone = self._of.cone(x.id)
            seen = (
                key[0] in cone if sort is Opening else any(self._does(y, key, sort) for y in cone)
            )
            if seen:
                return self._beat(x), self._beat(line[number - 1]) if number else 0
        return None

    def _may_vote(self, line: Sequence[Vertex], settle: Settle) -> bool:
        key, action = settle.result.key, settle.act.action
        terms, beat = self.terms(key), self._beat(line[-1])

        def over(sort: type, beats: float) -> bool:
            seen = self._first(line, key, sort)
            return seen is not None and beat - seen[0] >= beats

        def in_time(sort: type, start: type, beats: float) -> bool:
            seen, began = self._first(line, key, sort), self._first(line, key, start)
            return seen is not None and not (began is not None and seen[1] - began[0] >= beats)

        if isinstance(terms, ChannelTerms):
            if not isinstance(action, ReclaimFinal):
                return True
            used = {lane: _left(one) for lane, one in self.lanes(key, settle.act).items()}
            shown = self._shown_in_time(line, key, terms.beats)
            enough = all(used.get(lane, 0) >= left for lane, left in shown)
            return over(Reclaim, terms.beats) and enough
        if isinstance(terms, StakeTerms):
            if isinstance(action, Seize):
                return in_time(Slash, Unstake, terms.beats)
            return over(Unstake, terms.beats) and not in_time(Slash, Unstake, terms.beats)
        delivery, dispute = terms.delivery_beats, terms.dispute_beats
        if isinstance(action, RefundLate):
            return over(Opening, delivery) and not in_time(Deliver, Opening, delivery)
        if isinstance(action, ReleaseLate):
            return (
                over(Deliver, dispute)
                and in_time(Deliver, Opening, delivery)
                and not in_time(Dispute, Deliver, dispute)
            )
        if isinstance(action, Halve):
            by_opener = settle.vertex.issuer == self.opener(key)
            return over(Dispute, dispute * (2 if by_opener else 1))
        return True

    def _shown_in_time(
        self, line: Sequence[Vertex], key: Key, beats: int
    ) -> Iterator[tuple[int, int]]:
        began = self._first(line, key, Reclaim)
        at = inf if began is None else began[0]
        earlier: set[VertexId] = set()
        before = 0
        for x in line:
            if not self._of.is_seated(x):
                before = self._beat(x)
                continue
            cone = self._of.cone(x.id)
            for seen in cone - earlier:
                for other, act in self.acts(self._of.vertices[seen]):
                    if (
                        other == key
                        and isinstance(act.action, PostVouchers)
                        and before - at < beats
                    ):
                        yield from ((one.lane, _left(one)) for one in act.action.vouchers)
            earlier = cone
            before = self._beat(x)

    def confirmed(self, epoch: int | None = None) -> set[Result]:
        """Return the outcomes that are L1 in an epoch; None: in the present one."""
        present = self._of.present() if epoch is None else epoch
        if present not in self._confirmed_in:
            found = self._confirmed_by(present, self._everything(), self._closed(present))
            self._confirmed_in[present] = found | self._carried(present)
        return self._confirmed_in[present]

    def _confirmed_by(self, epoch: int, within: int, closed: set[Key]) -> set[Result]:
        tables = {b"": self._of.table(epoch), **self._of.home_tables()}
        found: set[Result] = set()
        for result, voters in self._votes_in(epoch, within, closed).items():
            table = tables[self._home(result.key)]
            if sum(table.weights()[one] for one in voters) >= table.quorum:
                found.add(result)
        return found

    def _carried(self, epoch: int) -> set[Result]:
        """Return the outcomes of the community's objects that were carried over (8.19)."""
        if epoch == 0:
            return set()
        before = self._carried(epoch - 1)
        closed = {one.key for one in before}
        found = self._confirmed_by(epoch - 1, self._of.union(epoch), closed)
        return before | {one for one in found if not self._home(one.key)}

    def _closed(self, epoch: int) -> set[Key]:
        return {one.key for one in self._carried(epoch)}

    # Final and state: 8.12, 8.15 and 8.9.

    def stands_on(self, vertex: Vertex, final: set[VertexId], confirmed: set[Result]) -> bool:
        for key, act in self.acts(vertex):
            if key[0] not in final:
                return False
            if isinstance(act.action, Slash) and not self._stands(act.action.proof, final):
                return False
            if isinstance(act.action, Take):
                settling = self._of.vertices[act.action.settling]
                if self.result(settling, key) not in confirmed:
                    return False
                for other, one in self.acts(settling):
                    is_reclaim = isinstance(one.action, ReclaimFinal)
                    if other == key and is_reclaim and settling.id not in final:
                        return False
                    funds = one.action.funds if isinstance(one.action, Close) else b""
                    if other == key and funds and funds not in final:
                        return False
        return True

    def _stands(self, proof: Proof, final: set[VertexId]) -> bool:
        return not isinstance(proof, TwoVouchers) or proof.opening in final

    def records(self, final: set[VertexId], ends: dict[NodeId, Vertex]) -> list[Value]:
        keys = [
            (one, operation.index)
            for one in final
            for operation in self._of.vertices[one].operations
            if isinstance(operation, Opening)
        ]
        records: list[Value] = []
        for key in sorted(keys, key=self.name):
            taken: Value = [
                [who, self.taken(end, key)]
                for who, end in sorted(ends.items())
                if self.taken(end, key)
            ]
            put = self.put(ends[self.opener(key)], key)
            gone = sum(self.taken(end, key) for end in ends.values()) + self._burned(final, key)
            if put > gone:
                records.append([self.name(key), self.opener(key), put, taken])
        return records

    def burned(self, final: set[VertexId]) -> int:
        keys = {key for one in final for key, _ in self.acts(self._of.vertices[one])}
        return sum(self._burned(final, key) for key in keys)

    def _burned(self, final: set[VertexId], key: Key) -> int:
        takes_reward = any(
            other == key
            and isinstance(act.action, Take)
            and self.result(self._of.vertices[act.action.settling], key).seized
            for one in final
            for other, act in self.acts(self._of.vertices[one])
        )
        if not takes_reward:
            return 0
        opening, terms = self.opening(key), self.terms(key)
        assert opening is not None
        assert isinstance(terms, StakeTerms)
        return opening.amount - terms.reward // len(terms.watch) * len(terms.watch)


def _left(voucher: Voucher) -> int:
    return voucher.total - sum(drops for _, drops in voucher.split)
