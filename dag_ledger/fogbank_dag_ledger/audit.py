"""The ledger worked out anew, slowly: SPEC.md sections 8.3 to 8.5, 8.9 and 8.21 word for word.

Shares nothing with ``ledger`` but decoded vertices and records: a set of vertices is an integer,
one bit a vertex, and whatever can be computed from its definition is.  Which outcome of an object
is L1 is told by the caller: what each says, and what follows from it, is computed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NodeId

from .audit_objects import AuditedObjects, Result, takes
from .audit_votes import AuditedVotes
from .checkpoint_state import AccountRecord, DeadRecord, HomeRecord, PairRecord, StateRecord
from .committee_operations import Table, table_of
from .genesis import Genesis
from .home_operations import CreateHome, MoveHome
from .object_state import ObjectRecord
from .operations import (
    Act,
    Close,
    ObjectId,
    ReclaimFinal,
    Slash,
    Take,
    TopUp,
    TwoVouchers,
    object_id,
)
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
        won: Mapping[ObjectId, Result] | None = None,
    ) -> None:
        """``vertices`` are all above the floor, edges first; ``dead`` what was dead by it.

        ``table`` are the seats of ``epoch``, that of the floor; None: those of genesis.  ``won``
        are the outcomes of objects that are L1.
        """
        self._genesis = genesis
        self._won = won or {}
        self._accounts: dict[NodeId, AccountRecord] = {}
        self._sent: defaultdict[NodeId, Pairs] = defaultdict(dict)
        self._claimed: defaultdict[NodeId, Pairs] = defaultdict(dict)
        self._dead = set(dead)
        self._records: dict[ObjectId, ObjectRecord] = {}
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
                    self._records[record.id] = record
                case _:
                    pass
        self._homes: dict[bytes, Table] = {
            record.home: record.table for record in known if isinstance(record, HomeRecord)
        }
        for vertex in vertices:
            for operation in vertex.operations:
                if isinstance(operation, CreateHome):
                    self._homes[vertex.id] = operation.table
        self._by_tag = {tag_of(account): account for account in self._accounts}
        self.vertices = {vertex.id: vertex for vertex in vertices}
        self._objects = AuditedObjects(known, self.vertices, self._line)
        self._number = {vertex.id: number for number, vertex in enumerate(vertices)}
        self._cone: dict[VertexId, int] = {}
        self.lost: set[VertexId] = set()
        self.wrong: list[str] = []
        """What breaks a rule, in sentences."""

        for vertex in vertices:
            self._add(vertex)
        seats = table or table_of(genesis.seats, genesis.quorum)
        votes = AuditedVotes(
            self.vertices, self._cone, self.lost, self._accounts, self._homes, (seats, epoch)
        )
        votes.find(self._stands)
        self.confirmed, self.final = votes.confirmed, votes.final

    def state_hash(self) -> bytes:
        """Return the state hash (8.9)."""
        digest = blake2b(b"fog-state-1\0" + self._genesis.network, digest_size=32)
        for account in sorted(self._everybody()):
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
        burned = 0
        final = [self.vertices[one] for one in self.final]
        for name, (put, taken) in self._in_objects().items():
            lost = self._objects.burned(name, final)
            burned += lost
            if put > sum(taken.values()) + lost:
                opener = self._objects.opener(name)
                digest.update(encode([name, opener, put, _value(taken)]))
        digest.update(encode(burned))
        return digest.digest()

    def _in_objects(self) -> dict[ObjectId, tuple[int, Pairs]]:
        """Return what was put into each object on final vertices, and who took how much out."""
        ends = {account: self._final_end(account) for account in self._everybody()}
        lines = {account: self._line(end) for account, end in ends.items()}
        taken = self._objects.taken_on(lines)
        names = self._objects.names(self.vertices[one] for one in self.final)
        openers = {name: self._objects.opener(name) for name in names}
        return {
            name: (self._objects.put(opener, ends[opener], name), taken.get(name, {}))
            for name, opener in openers.items()
        }

    def _everybody(self) -> set[NodeId]:
        issuers = {self.vertices[one].issuer for one in self.final}
        return {*self._genesis.balances, *self._accounts, *issuers}

    def balance(self, account: NodeId, end: Vertex | None) -> int:
        """Return the balance after ``end``, a vertex of the account; None: at the floor."""
        base = self._accounts.get(account)
        start = self._genesis.balances.get(account, 0)
        if base is not None and base.count:
            start = base.balance
        line = self._line(end)
        paid = sum(payment.amount for one in line for payment in one.payments)
        moved = sum(map(self._objects.moved, line))
        before = sum(self._claimed[account].values())
        return start + sum(self._totals(account, end)[1].values()) - before - paid + moved

    def supply_held(self) -> int:
        """Return final balances, final payments not yet claimed, and what is in objects."""
        in_objects = self._in_objects().values()
        held = sum(put - sum(taken.values()) for put, taken in in_objects)
        for account in self._everybody():
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
        else:
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
        for act in acts:
            if isinstance(act.action, Slash) and isinstance(act.action.proof, TwoVouchers):
                named.append(act.action.proof.opening)
        homes = [one.home for one in vertex.operations if isinstance(one, MoveHome) and one.home]
        named += homes
        if any(one not in self._homes for one in homes):
            return True
        if any(one.opening not in self.vertices and self._is_vain(one) for one in acts):
            return True
        return any(one in self.lost or one in self._dead for one in named)

    def _is_vain(self, act: Act) -> bool:
        """Tell whether an act on an object opened below the floor can never move a drop."""
        record = self._records.get(object_id(act.opening, act.index))
        match act.action:
            case Take(outcome=named):
                told = None if record is None else record.outcome
                return record is None or (told is not None and named != told.digest)
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
                right = claim.total == sent
            if not right or claim.total <= claimed.get(payer, 0):
                self.wrong.append(f"{vertex.id.hex()} claims what was not paid")
        if any(self._objects.owed(vertex, act) <= 0 for act in takes(vertex)):
            self.wrong.append(f"{vertex.id.hex()} takes what is not its own")
        if self.balance(vertex.issuer, vertex) < 0:
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
            pays = [(payment.recipient, payment.amount) for payment in vertex.payments]
            for recipient, amount in (*pays, *self._objects.passed_on(vertex)):
                sent[recipient] = sent.get(recipient, 0) + amount
            for claim in vertex.claims:
                source = self.vertices.get(claim.source)
                payer = self._by_tag[tag_in(claim.source)] if source is None else source.issuer
                claimed[payer] = claim.total
        return sent, claimed

    # Final.

    def _stands(self, vertex: Vertex, final: set[VertexId]) -> bool:
        """Tell whether the objects on which ``vertex`` acts are so far that it can be final."""
        for operation in vertex.operations:
            if not isinstance(operation, Act):
                continue
            needed = [operation.opening]
            match operation.action:
                case Slash(TwoVouchers(opening)):
                    needed.append(opening)
                case Take(settling):
                    name = object_id(operation.opening, operation.index)
                    if self._objects.result(operation) != self._won.get(name):
                        return False
                    needed += self._needed_of(settling, operation)
                case _:
                    pass
            if any(one in self.vertices and one not in final for one in needed):
                return False
        return True

    def _needed_of(self, settling: VertexId, take: Act) -> list[VertexId]:
        """Return what has to be final before somebody takes by what ``settling`` settles."""
        vertex = self.vertices.get(settling)
        for operation in () if vertex is None else vertex.operations:
            if not isinstance(operation, Act):
                continue
            if (operation.opening, operation.index) == (take.opening, take.index):
                match operation.action:
                    case ReclaimFinal():
                        return [settling]
                    case Close(funds) if funds:
                        return [funds]
                    case _:
                        pass
        return []

    def _final_end(self, account: NodeId) -> Vertex | None:
        own = [self.vertices[one] for one in self.final if self.vertices[one].issuer == account]
        return max(own, key=lambda one: one.seq, default=None)


def _value(pairs: Pairs) -> Value:
    return [[who, total] for who, total in sorted(pairs.items()) if total]
