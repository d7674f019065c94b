"""The ledger worked out anew, slowly: SPEC.md sections 8.3 to 8.5, 8.9 and 8.21 word for word.

Shares nothing with ``ledger`` but decoded vertices and records: a set of vertices is an integer,
one bit a vertex, and whatever can be computed from its definition is.  Money in objects is not
looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NodeId

from .checkpoint_state import AccountRecord, DeadRecord, HomeRecord, PairRecord, StateRecord
from .committee_operations import Table, table_of
from .genesis import Genesis
from .home_operations import CreateHome, MoveHome
from .object_state import ObjectRecord
from .operations import Act, ObjectId, Take, TopUp, object_id, outcome_digest
from .vertex import Vertex, VertexId, seq_in, tag_in, tag_of

Pairs = dict[NodeId, int]


class Audit:
    """What follows from a state and the vertices above it."""

    def __init__(
        self,
        genesis: Genesis,
        state: Iterable[StateRecord],
        dead: Iterable[VertexId],
        vertices: Sequence[Vertex],
        table: Table | None = None,
        epoch: int = 0,
    ) -> None:
        """``vertices`` are all above the floor, edges first; ``dead`` what was dead by it.

        ``table`` are the seats of ``epoch``, that of the floor; None: those of genesis.
        """
        self._genesis = genesis
        self._epoch = epoch
        self._accounts: dict[NodeId, AccountRecord] = {}
        self._sent: defaultdict[NodeId, Pairs] = defaultdict(dict)
        self._claimed: defaultdict[NodeId, Pairs] = defaultdict(dict)
        self._dead = set(dead)
        self._objects: dict[ObjectId, ObjectRecord] = {}
        known = list(state)
        for record in known:
            match record:
                case AccountRecord():
                    self._accounts[record.account] = record
                case PairRecord(account, other, claimed, sent):
                    self._claimed[account][other] = claimed
                    self._sent[account][other] = sent
                case DeadRecord(_, name):
                    self._dead.add(name)
                case ObjectRecord():
                    self._objects[record.id] = record
                case _:
                    pass
        self._homes = {b"": table or table_of(genesis.seats, genesis.quorum)}
        self._homes.update(
            {record.home: record.table for record in known if isinstance(record, HomeRecord)}
        )
        for vertex in vertices:
            for operation in vertex.operations:
                if isinstance(operation, CreateHome):
                    self._homes[vertex.id] = operation.table
        self._by_tag = {tag_of(account): account for account in self._accounts}
        self.vertices = {vertex.id: vertex for vertex in vertices}
        self._number = {vertex.id: number for number, vertex in enumerate(vertices)}
        self._names = list(self._number)
        self._cone: dict[VertexId, int] = {}
        self.lost: set[VertexId] = set()
        self.wrong: list[str] = []
        """What breaks a rule, in sentences."""

        for vertex in vertices:
            self._add(vertex)
        self.confirmed = self._find_confirmed()
        self.final = self._find_final()

    def state_hash(self) -> bytes:
        """Return the state hash (8.9)."""
        digest = blake2b(b"fog-state-1\0" + self._genesis.network, digest_size=32)
        issuers = {self.vertices[one].issuer for one in self.final}
        for account in sorted({*self._genesis.balances, *self._accounts, *issuers}):
            end = self._final_end(account)
            carrying = [one.id for one in self._line(end) if one.carries]
            base = self._accounts.get(account)
            payer = b"" if base is None else base.payer
            head = carrying[-1] if carrying else payer
            if not head and account not in self._genesis.balances:
                continue
            sent, claimed = self._totals(account, end)
            digest.update(
                encode([account, head, self.balance(account, end), _value(claimed), _value(sent)])
            )
        digest.update(encode(0))
        return digest.digest()

    def balance(self, account: NodeId, end: Vertex | None) -> int:
        """Return the balance after ``end``, a vertex of the account; None: at the floor."""
        base = self._accounts.get(account)
        start = self._genesis.balances.get(account, 0)
        if base is not None and base.count:
            start = base.balance
        paid = sum(payment.amount for one in self._line(end) for payment in one.payments)
        before = sum(self._claimed[account].values())
        return start + sum(self._totals(account, end)[1].values()) - before - paid

    def supply_held(self) -> int:
        """Return final balances and final payments not yet claimed, in drops."""
        issuers = {self.vertices[one].issuer for one in self.final}
        held = 0
        for account in {*self._genesis.balances, *self._accounts, *issuers}:
            end = self._final_end(account)
            sent, claimed = self._totals(account, end)
            held += self.balance(account, end) + sum(sent.values()) - sum(claimed.values())
        return held

    # Validity.

    def _add(self, vertex: Vertex) -> None:
        cone = 1 << self._number[vertex.id]
        for edge in vertex.edges:
            if edge in self._cone:
                cone |= self._cone[edge]
            elif not self._is_settled(edge):
                self.wrong.append(f"{vertex.id.hex()} stands on {edge.hex()}, which is not here")
        self._cone[vertex.id] = cone
        if self._is_lost(vertex):
            self.lost.add(vertex.id)
        elif not vertex.operations:
            self._check(vertex)

    def _is_settled(self, vertex_id: VertexId) -> bool:
        account = self._by_tag.get(tag_in(vertex_id))
        below = account is not None and seq_in(vertex_id) < self._accounts[account].count
        return below or vertex_id in self._dead

    def _is_lost(self, vertex: Vertex) -> bool:
        base = self._accounts.get(vertex.issuer)
        if base is not None and (base.closed or vertex.seq < base.count):
            return True
        is_first = vertex.prev and vertex.prev not in self.vertices
        if is_first and (base is None or vertex.prev != base.head):
            return True
        named = [vertex.prev, *(claim.source for claim in vertex.claims)]
        acts = [one for one in vertex.operations if isinstance(one, Act)]
        named += [one.opening for one in acts]
        homes = [one.home for one in vertex.operations if isinstance(one, MoveHome)]
        named += homes
        if any(one not in self._homes for one in homes):
            return True
        if any(one.opening not in self.vertices and self._is_vain(one) for one in acts):
            return True
        return any(one in self.lost or one in self._dead for one in named)

    def _is_vain(self, act: Act) -> bool:
        """Tell whether an act on an object opened below the floor can never move a drop."""
        record = self._objects.get(object_id(act.opening, act.index))
        match act.action:
            case Take(outcome=named):
                told = None if record is None else record.outcome
                return record is None or (
                    told is not None
                    and named != outcome_digest(told.award, told.shares, is_seizure=told.is_seizure)
                )
            case TopUp():
                return record is None
            case _:
                return False

    def _check(self, vertex: Vertex) -> None:
        prev = self.vertices.get(vertex.prev)
        if prev is not None and prev.issuer != vertex.issuer:
            self.wrong.append(f"{vertex.id.hex()} follows another issuer's vertex")
            return
        _, claimed = self._totals(vertex.issuer, prev)
        for claim in vertex.claims:
            source = self.vertices.get(claim.source)
            if source is None:
                payer = self._by_tag[tag_in(claim.source)]
                right = claim.total <= self._sent[payer].get(vertex.issuer, 0)
            else:
                payer = source.issuer
                sent = self._totals(payer, source)[0].get(vertex.issuer, 0)
                right = claim.total == sent or bool(source.operations)
            if not right or claim.total <= claimed.get(payer, 0):
                self.wrong.append(f"{vertex.id.hex()} claims what was not paid")
        line = self._line(vertex)
        if self.balance(vertex.issuer, vertex) < 0 and not any(one.operations for one in line):
            self.wrong.append(f"{vertex.id.hex()} pays more than there is")

    def _line(self, end: Vertex | None) -> list[Vertex]:
        """Return the vertices above the floor that ``prev`` leads through, the first one first."""
        line: list[Vertex] = []
        while end is not None:
            line.append(end)
            end = self.vertices.get(end.prev)
        return line[::-1]

    def _totals(self, account: NodeId, end: Vertex | None) -> tuple[Pairs, Pairs]:
        """Return what the account has sent and claimed up to ``end``."""
        sent, claimed = dict(self._sent[account]), dict(self._claimed[account])
        for vertex in self._line(end):
            for payment in vertex.payments:
                sent[payment.recipient] = sent.get(payment.recipient, 0) + payment.amount
            for claim in vertex.claims:
                source = self.vertices.get(claim.source)
                payer = self._by_tag[tag_in(claim.source)] if source is None else source.issuer
                claimed[payer] = claim.total
        return sent, claimed

    # Votes and final.

    def _find_confirmed(self) -> set[VertexId]:
        weights: defaultdict[VertexId, int] = defaultdict(int)
        for home, table in self._homes.items():
            for validator, weight in table.seats:
                for voted in self._votes_of(validator, home):
                    weights[voted] += weight if self.vertices[voted].home == home else 0
        return {
            one
            for one, weight in weights.items()
            if one not in self.lost and weight >= self._homes[self.vertices[one].home].quorum
        }

    def _votes_of(self, validator: NodeId, home: bytes) -> set[VertexId]:
        own = [one for one in self.vertices.values() if one.issuer == validator]
        own.sort(key=lambda one: one.seq)
        base = self._accounts.get(validator)
        has_entered = base is not None and base.epoch == self._epoch and base.count > 0
        known = base is not None and (base.forked or any(one.seq < base.count for one in own))
        if known or len({one.seq for one in own}) < len(own):
            in_epoch = has_entered or bool(home)
            if not in_epoch and all(one.epoch < self._epoch for one in own):
                return set()
            return {seen for one in own for seen in self._members(self._cone[one.id])}
        # In homes of sites there are no epochs (8.18).
        own = [one for one in own if home or one.epoch == self._epoch]
        voted: dict[tuple[NodeId, int, bytes], VertexId] = {}
        earlier = 0
        for one in own:
            fresh: dict[tuple[NodeId, int, bytes], VertexId] = {}
            for seen in self._members(self._cone[one.id] & ~earlier):
                slot = self.vertices[seen].issuer, seq_in(seen), self.vertices[seen].home
                fresh[slot] = min(seen, fresh.get(slot, seen))
            for slot, chosen in fresh.items():
                voted.setdefault(slot, chosen)
            earlier |= self._cone[one.id]
        return set(voted.values())

    def _members(self, cone: int) -> Iterator[VertexId]:
        while cone:
            lowest = cone & -cone
            yield self._names[lowest.bit_length() - 1]
            cone ^= lowest

    def _find_final(self) -> set[VertexId]:
        acknowledged: dict[tuple[NodeId, bytes, bool], int] = {}
        for vertex in self.vertices.values():
            for start in range(0, len(vertex.cert), 12):
                seq = int.from_bytes(vertex.cert[start + 8 : start + 12], "big")
                # In homes of sites there are no epochs (8.18).
                for in_site in (True, False) if vertex.epoch == self._epoch else (True,):
                    key = vertex.issuer, vertex.cert[start : start + 8], in_site
                    acknowledged[key] = max(seq, acknowledged.get(key, -1))
        final: set[VertexId] = set()
        # What it needs to be final is among its edges, and those come first.
        for one, vertex in self.vertices.items():
            if one not in self.confirmed:
                continue
            table = self._homes[vertex.home]
            weight = sum(
                share
                for seat, share in table.seats
                if acknowledged.get((seat, tag_in(one), bool(vertex.home)), -1) >= vertex.seq
            )
            needed = [vertex.prev] if vertex.prev else []
            needed += [claim.source for claim in vertex.claims]
            needed += [op.home for op in vertex.operations if isinstance(op, MoveHome)]
            stands = all(edge in final or edge not in self.vertices for edge in needed)
            if weight >= table.quorum and stands:
                final.add(one)
        return final

    def _final_end(self, account: NodeId) -> Vertex | None:
        own = [self.vertices[one] for one in self.final if self.vertices[one].issuer == account]
        return max(own, key=lambda one: one.seq, default=None)


def _value(pairs: Pairs) -> Value:
    return [[who, total] for who, total in sorted(pairs.items()) if total]
