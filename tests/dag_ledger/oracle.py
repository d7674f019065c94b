"""The ledger again, slowly: SPEC.md sections 8.3 to 8.5, 8.9, 8.18 and 8.19 word for word.

Nothing is incremental and nothing is shared with the ledger but the decoded vertex.  A set of
vertices is an integer, one bit a vertex.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from fogbank_dag_ledger.committee_operations import (
    CommitteeOperation,
    CommitteeVote,
    Decision,
    Proposal,
    SignOff,
    Table,
    table_of,
)
from fogbank_dag_ledger.genesis import Genesis
from fogbank_dag_ledger.home_operations import CreateHome, MoveHome
from fogbank_dag_ledger.vertex import Vertex, VertexId, tag_of
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NodeId, is_signed_by

from .object_oracle import ObjectOracle


class Oracle:
    """A set of valid vertices, and everything that follows from it."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.vertices: dict[VertexId, Vertex] = {}
        self._number: dict[VertexId, int] = {}
        self._cone: dict[VertexId, int] = {}
        self._epoch: dict[VertexId, int] = {}
        self._final_by: dict[int, set[VertexId]] = {}
        self.objects = ObjectOracle(self)
        self.floor: dict[NodeId, int] = {}
        """How many positions of each chain are settled (8.21)."""

        self.dead: set[VertexId] = set()
        self._settled: dict[VertexId, Vertex] = {}
        self._lost: dict[VertexId, bool] = {}

    # 8.21.

    def settle(
        self,
        counts: dict[NodeId, int],
        dead: list[VertexId],
        certified: Iterable[VertexId] = (),
    ) -> None:
        """Let a checkpoint with these counts and these lost vertices be the floor.

        ``certified`` are final though nothing that shows it is here.
        """
        final = self.final() | set(certified)
        self._lost.clear()
        self._final_by.clear()
        self.objects.forget()
        self.floor.update(counts)
        self.dead.update(dead)
        self._settled = {
            one: self.vertices[one]
            for one in {*final, *self._settled}
            if self.vertices[one].seq < self.floor.get(self.vertices[one].issuer, 0)
        }

    def epoch_of(self, vertex_id: VertexId) -> int:
        """Return the epoch that a vertex is in."""
        return self._epoch[vertex_id]

    def is_lost(self, vertex: Vertex) -> bool:
        """Tell whether a vertex can never be final, whatever comes."""
        if vertex.id not in self._lost:
            self._lost[vertex.id] = self._cannot_be_final(vertex)
        return self._lost[vertex.id]

    def _cannot_be_final(self, vertex: Vertex) -> bool:
        if vertex.id in self._settled:
            return False
        floor = self.floor.get(vertex.issuer, 0)
        if vertex.seq < floor or vertex.issuer in self.closed():
            return True
        prev = self.vertices.get(vertex.prev)
        if prev is not None and self.is_lost(prev):
            return True
        for op in vertex.operations:
            if isinstance(op, MoveHome) and op.home:
                is_none = op.home in self._settled and self._home_table(op.home) is None
                if is_none or self.is_lost(self.vertices[op.home]):
                    return True
        return any(self.is_lost(self.vertices[claim.source]) for claim in vertex.claims)

    def closed(self) -> set[NodeId]:
        """Return whose chain has a vertex listed as lost beyond the floor."""
        return {
            self.vertices[one].issuer
            for one in self.dead
            if self.vertices[one].seq >= self.floor.get(self.vertices[one].issuer, 0)
        }

    def settled_sent(self, issuer: NodeId, recipient: NodeId) -> int:
        line = [one for one in self._settled.values() if one.issuer == issuer]
        return self.sent(max(line, key=lambda one: one.seq), recipient)

    # 8.3, rules 13 to 18.

    def broken_rule(self, vertex: Vertex) -> str | None:
        """Return the rule that a vertex with all its edges held breaks, None when it is valid."""
        prev = self.vertices.get(vertex.prev)
        if prev is not None and prev.issuer != vertex.issuer:
            return "8.3.13"
        if vertex.kind == 2 and not self._had_seat(vertex):
            return "8.3.14"
        if self.is_lost(vertex):
            return None
        line = self.line(prev)
        beats = [one.beat for one in line if one.kind == 2]
        if vertex.kind == 2 and beats and vertex.beat < beats[-1]:
            return "8.3.15"
        senders = [self.vertices[claim.source].issuer for claim in vertex.claims]
        for claim, sender in zip(vertex.claims, senders, strict=True):
            source = self.vertices[claim.source]
            if source.id not in self._settled and all(
                recipient != vertex.issuer for recipient, _ in self.paid(source)
            ):
                return "8.3.16"
            if senders.count(sender) > 1:
                return "8.3.16"
            if source.id in self._settled:
                if claim.total > self.settled_sent(sender, vertex.issuer):
                    return "8.3.16"
            elif claim.total != self.sent(source, vertex.issuer):
                return "8.3.16"
            if claim.total <= self.claimed(prev, sender):
                return "8.3.16"
        gains = sum(
            claim.total - self.claimed(prev, sender)
            for claim, sender in zip(vertex.claims, senders, strict=True)
        )
        rule = self.objects.broken_rule(vertex)
        if rule is not None:
            return rule
        paid = sum(payment.amount for payment in vertex.payments)
        balance = self.balance(vertex.issuer, prev) + gains - paid + self.objects.moved(vertex)
        if not 0 <= balance < 2**64:
            return "8.3.17"
        for recipient, amount in self.paid(vertex):
            if self.sent(prev, recipient) + amount >= 2**64:
                return "8.3.17"
        cone = 0 if prev is None else self._cone[prev.id]
        for start in range(0, len(vertex.cert), 12):
            position = vertex.cert[start : start + 12]
            if self._is_below_the_floor(position):
                continue
            if not any(
                one.startswith(position) and cone >> self._number[one] & 1 for one in self.vertices
            ):
                return "8.3.18"
        if vertex.epoch != max([self._epoch[edge] for edge in vertex.edges], default=0):
            return "8.3.7"
        return self._broken_rule_of_committee(vertex) or self._broken_rule_of_homes(vertex)

    def _had_seat(self, vertex: Vertex, name: NodeId | None = None) -> bool:
        return self.had_seat(vertex.epoch, name or vertex.issuer)

    def had_seat(self, latest: int, wanted: NodeId) -> bool:
        """Tell whether an account had a seat in an epoch, or before."""
        known = range(min(latest, self.present()) + 1)
        return any(wanted in self.table(epoch).weights() for epoch in known)

    # 8.18.

    def _broken_rule_of_homes(self, vertex: Vertex) -> str | None:
        line = self.line(self.vertices.get(vertex.prev))
        moves = [op.home for one in line for op in one.operations if isinstance(op, MoveHome)]
        lives = moves[-1] if moves else b""
        if vertex.home != lives:
            return "8.18.5"
        for op in vertex.operations:
            if isinstance(op, CreateHome):
                names = [vertex.issuer, *(name for name, _ in op.table.seats)]
                if not all(self._had_seat(vertex, name) for name in names):
                    return "8.18.2"
                seats: Value = [[name, weight] for name, weight in op.table.seats]
                said = encode([1, vertex.issuer, [seats, op.table.quorum], op.succeeds])
                signed = b"fog-home-1\0" + self.genesis.network + said
                for (name, _), signature in zip(op.table.seats, op.signatures, strict=True):
                    if not is_signed_by(name, signed, signature):
                        return "8.18.2"
                made = [one for one in line for op in one.operations if isinstance(op, CreateHome)]
                if len(made) >= 4:
                    return "8.18.3"
                before = self._home_table(op.succeeds)
                if (op.succeeds and op.succeeds not in self._settled) and (
                    before is None
                    or sum(before.weights().get(name, 0) for name, _ in op.table.seats)
                    < before.quorum
                ):
                    return "8.18.6"
            if isinstance(op, MoveHome) and (
                op.home == lives or (op.home and self._home_table(op.home) is None)
            ):
                return "8.18.4"
        return None

    def _home_table(self, home: bytes) -> Table | None:
        creating = self.vertices.get(VertexId(home))
        for op in () if creating is None else creating.operations:
            if isinstance(op, CreateHome):
                return op.table
        return None

    def home_tables(self) -> dict[bytes, Table]:
        """Return the seats of the homes of sites."""
        tables = {one: self._home_table(one) for one in self.vertices}
        return {one: table for one, table in tables.items() if table is not None}

    def confirmed_in_homes(self) -> set[VertexId]:
        """Return what is L1 by the seats of sites, in whatever epoch."""
        everything = (1 << len(self.vertices)) - 1
        found: set[VertexId] = set()
        for home, table in self.home_tables().items():
            votes: dict[VertexId, int] = {}
            for validator, weight in table.seats:
                for voted in self._votes_in_home(validator, home, everything):
                    votes[voted] = votes.get(voted, 0) + weight
            found |= {one for one, weight in votes.items() if weight >= table.quorum}
        return found

    def _votes_in_home(self, validator: NodeId, home: bytes, within: int) -> set[VertexId]:
        own = self.own(validator, within)
        here = {one.id for one in self.vertices.values() if one.home == home}
        if len({one.seq for one in own}) < len(own):
            return {seen for one in own for seen in self._members(self._cone[one.id])} & here
        voted: dict[tuple[NodeId, int], VertexId] = {}
        earlier = 0
        for one in own:
            observed = here.intersection(self._members(self._cone[one.id] & ~earlier))
            for slot in {self._slot(seen) for seen in observed} - voted.keys():
                voted[slot] = min(seen for seen in observed if self._slot(seen) == slot)
            earlier |= self._cone[one.id]
        return set(voted.values())

    def own(self, issuer: NodeId, within: int) -> list[Vertex]:
        """Return the vertices of an issuer in the set ``within``, by seq."""
        own = [
            one
            for one in self.vertices.values()
            if one.issuer == issuer and within >> self._number[one.id] & 1
        ]
        return sorted(own, key=lambda one: one.seq)

    def _broken_rule_of_committee(self, vertex: Vertex) -> str | None:
        for op in vertex.committee:
            table = self.table(vertex.epoch)
            if vertex.issuer not in table.weights():
                return "8.19.2"
            if op.epoch != vertex.epoch + 1:
                return "8.19.3"
            if isinstance(op, Proposal) and not self._is_quorum(
                op.sign_offs, SignOff(op.epoch), table
            ):
                return "8.19.4"
            if isinstance(op, Decision):
                proposed = self._proposal(op)
                if proposed is None:
                    return "8.19.5"
                digest = blake2b(proposed.value, digest_size=32).digest()
                said = CommitteeVote(op.epoch, proposed.attempt, digest, is_precommit=True)
                if not self._is_quorum(op.precommits, said, table):
                    return "8.19.5"
        return None

    def _proposal(self, decision: Decision) -> Proposal | None:
        for op in self.vertices[decision.proposal].committee:
            if isinstance(op, Proposal) and op.epoch == decision.epoch:
                return op
        return None

    def _is_quorum(self, ids: Sequence[VertexId], said: CommitteeOperation, table: Table) -> bool:
        names = [self.vertices[one].issuer for one in ids if said in self.vertices[one].committee]
        weights = table.weights()
        if len(names) < len(ids) or len(set(names)) < len(names) or not set(names) <= set(weights):
            return False
        return sum(weights[name] for name in names) >= table.quorum

    def _is_below_the_floor(self, position: bytes) -> bool:
        closed = {tag_of(issuer) for issuer in self.closed()}
        return position[:8] in closed or any(
            one.id[:8] == position[:8] and one.id[8:12] >= position[8:12]
            for one in self._settled.values()
        )

    def line(self, end: Vertex | None) -> list[Vertex]:
        """Return the vertices that ``prev`` leads through, the first one first."""
        line: list[Vertex] = []
        while end is not None:
            line.append(end)
            end = self.vertices.get(end.prev)
        return line[::-1]

    def sent(self, end: Vertex | None, recipient: NodeId) -> int:
        return sum(
            amount for one in self.line(end) for who, amount in self.paid(one) if who == recipient
        )

    def paid(self, vertex: Vertex) -> list[tuple[NodeId, int]]:
        """Return the pays of a vertex, and what its takes pass on."""
        pays = [(payment.recipient, payment.amount) for payment in vertex.payments]
        return pays + self.objects.passed_on(vertex)

    def claimed(self, end: Vertex | None, sender: NodeId) -> int:
        totals = [
            claim.total
            for one in self.line(end)
            for claim in one.claims
            if self.vertices[claim.source].issuer == sender
        ]
        return totals[-1] if totals else 0

    def balance(self, issuer: NodeId, end: Vertex | None) -> int:
        senders = {
            self.vertices[claim.source].issuer for one in self.line(end) for claim in one.claims
        }
        paid = sum(payment.amount for one in self.line(end) for payment in one.payments)
        claimed = sum(self.claimed(end, sender) for sender in senders)
        moved = sum(self.objects.moved(one) for one in self.line(end))
        return self.genesis.balances.get(issuer, 0) + claimed - paid + moved

    def add(self, vertex: Vertex) -> None:
        """Add a valid vertex whose edges are held, or settled and observed by nobody (8.21)."""
        self._final_by.clear()
        self.objects.forget()
        number = len(self.vertices)
        self._number[vertex.id] = number
        self.vertices[vertex.id] = vertex
        cone = 1 << number
        for edge in vertex.edges:
            cone |= self._cone.get(edge, 0)
        self._cone[vertex.id] = cone
        decided = [op.epoch for op in vertex.committee if isinstance(op, Decision)]
        self._epoch[vertex.id] = max([vertex.epoch, *decided])

    # 8.19.

    def present(self) -> int:
        """Return the newest epoch of which a decision is held."""
        return max(self._epoch.values(), default=0)

    def _decided(self, epoch: int) -> Proposal:
        for vertex in self.vertices.values():
            for op in vertex.committee:
                if isinstance(op, Decision) and op.epoch == epoch:
                    proposal = self._proposal(op)
                    assert proposal is not None
                    return proposal
        raise AssertionError(epoch)

    def table(self, epoch: int) -> Table:
        """Return the seats of an epoch."""
        if epoch == 0:
            return table_of(self.genesis.seats, self.genesis.quorum)
        return self._decided(epoch).table

    def carried(self, epoch: int) -> set[VertexId]:
        """Return what was carried over into an epoch."""
        if epoch == 0:
            return set()
        return self.carried(epoch - 1) | self.confirmed_in(epoch - 1, self.union(epoch))

    def union(self, epoch: int) -> int:
        """Return what the sign-offs that a decision goes by have below them."""
        union = 0
        for one in self._decided(epoch).sign_offs:
            union |= self._cone[one]
        return union

    def _closed(self, epoch: int) -> set[tuple[NodeId, int]]:
        if epoch == 0:
            return set()
        return {self._slot(one) for one in self.carried(epoch) | self.final(epoch - 1)}

    def confirmed_in(self, epoch: int, within: int) -> set[VertexId]:
        """Return what votes of an epoch, by vertices in the set ``within``, make L1."""
        table = self.table(epoch)
        weights = table.weights()
        votes: dict[VertexId, int] = {}
        closed = self._closed(epoch)
        for validator, weight in weights.items():
            for voted in self._votes_of(validator, epoch, within, closed):
                votes[voted] = votes.get(voted, 0) + weight
        return {one for one, weight in votes.items() if weight >= table.quorum}

    def speaks(self, vertex: Vertex, epoch: int) -> bool:
        """Tell whether a vertex of a member votes and acknowledges in ``epoch``."""
        off = SignOff(epoch + 1)
        before = self.line(vertex)[:-1]
        in_epoch = self._epoch[vertex.id] == epoch
        return in_epoch and not any(off in one.committee for one in before)

    def is_seated(self, vertex: Vertex) -> bool:
        """Tell whether a vertex is in an epoch in which its issuer has, or had, a seat."""
        return self.had_seat(self._epoch[vertex.id], vertex.issuer)

    # 8.4.

    def _votes_of(
        self, validator: NodeId, epoch: int, within: int, closed: set[tuple[NodeId, int]]
    ) -> set[VertexId]:
        own = self.own(validator, within)
        here = {one.id for one in self.vertices.values() if not one.home}
        speaking = [one for one in own if self.speaks(one, epoch)]
        if len({one.seq for one in own}) < len(own):
            below = {seen for one in own for seen in self._members(self._cone[one.id])} & here
            return {one for one in below if speaking and self._slot(one) not in closed}
        voted: dict[tuple[NodeId, int], VertexId] = {}
        earlier = 0
        for one in speaking:
            observed = here.intersection(self._members(self._cone[one.id] & ~earlier))
            for slot in {self._slot(seen) for seen in observed} - voted.keys() - closed:
                voted[slot] = min(seen for seen in observed if self._slot(seen) == slot)
            earlier |= self._cone[one.id]
        return set(voted.values())

    def _slot(self, vertex_id: VertexId) -> tuple[NodeId, int]:
        return self.vertices[vertex_id].issuer, self.vertices[vertex_id].seq

    def cone(self, vertex_id: VertexId) -> set[VertexId]:
        """Return the past cone of a vertex."""
        return set(self._members(self._cone[vertex_id]))

    def _members(self, cone: int) -> list[VertexId]:
        return [one for one, number in self._number.items() if cone >> number & 1]

    def votes(self) -> dict[VertexId, set[NodeId]]:
        """Return who votes for each vertex in the present epoch."""
        votes: dict[VertexId, set[NodeId]] = {one: set() for one in self.vertices}
        everything = (1 << len(self.vertices)) - 1
        present = self.present()
        for validator in self.table(present).weights():
            for voted in self._votes_of(validator, present, everything, self._closed(present)):
                votes[voted].add(validator)
        for home, table in self.home_tables().items():
            for validator in table.weights():
                for voted in self._votes_in_home(validator, home, everything):
                    votes[voted].add(validator)
        return votes

    def weight(self, validators: set[NodeId]) -> int:
        weights = self.table(self.present()).weights()
        return sum(weights.get(validator, 0) for validator in validators)

    def confirmed(self) -> set[VertexId]:
        """Return what is L1 in the present epoch."""
        everything = (1 << len(self.vertices)) - 1
        present = self.present()
        in_homes = self.confirmed_in_homes()
        return self.confirmed_in(present, everything) | self.carried(present) | in_homes

    # 8.5.

    def final(self, until: int | None = None) -> set[VertexId]:
        """Return what is final, by the epochs up to ``until``; None: up to the present one."""
        final = set(self._settled)
        for epoch in range((self.present() if until is None else until) + 1):
            if epoch not in self._final_by:
                everything = (1 << len(self.vertices)) - 1
                confirmed = self.confirmed_in(epoch, everything) | self.carried(epoch)
                confirmed |= self.confirmed_in_homes()
                self._final_by[epoch] = self._final_in(epoch, confirmed, final)
            final = self._final_by[epoch]
        return set(final)

    def _final_in(
        self, epoch: int, confirmed: set[VertexId], before: set[VertexId]
    ) -> set[VertexId]:
        table = self.table(epoch)
        weights = table.weights()
        said: defaultdict[bytes, dict[NodeId, bytes]] = defaultdict(dict)
        said_here: defaultdict[bytes, dict[NodeId, bytes]] = defaultdict(dict)
        homes = self.home_tables()
        for sayer in self.vertices.values():
            if sayer.cert:
                for start in range(0, len(sayer.cert), 12):
                    tag, seq = sayer.cert[start : start + 8], sayer.cert[start + 8 : start + 12]
                    said[tag][sayer.issuer] = max(seq, said[tag].get(sayer.issuer, b""))
                    if sayer.issuer in weights and self.speaks(sayer, epoch):
                        here = said_here[tag]
                        here[sayer.issuer] = max(seq, here.get(sayer.issuer, b""))
        final = set(before)
        settled = self.objects.confirmed(epoch)
        while True:
            more: set[VertexId] = set()
            for one in confirmed - final:
                vertex = self.vertices[one]
                votes, heard = (
                    (homes[vertex.home], said) if vertex.home in homes else (table, said_here)
                )
                sayers = {who for who, seq in heard[one[:8]].items() if seq >= one[8:12]}
                there = votes.weights()
                enough = sum(there.get(who, 0) for who in sayers) >= votes.quorum
                stands = self._stands_on(one, final) and not self.is_lost(vertex)
                if enough and stands and self.objects.stands_on(vertex, final, settled):
                    more.add(one)
            if not more:
                return final
            final |= more

    def _stands_on(self, vertex_id: VertexId, final: set[VertexId]) -> bool:
        vertex = self.vertices[vertex_id]
        sources = {claim.source for claim in vertex.claims}
        sources |= {op.home for op in vertex.operations if isinstance(op, MoveHome) and op.home}
        return (not vertex.prev or vertex.prev in final) and sources <= final

    # 8.9.

    def state_hash(self) -> bytes:
        """Return the state hash."""
        final = self.final()
        preimage = b"fog-state-1\0" + self.genesis.network
        ends: dict[NodeId, Vertex] = {}
        accounts = {*self.genesis.balances, *(self.vertices[one].issuer for one in final)}
        for account in sorted(accounts):
            own = [one for one in final if self.vertices[one].issuer == account]
            end = self.vertices[max(own, key=lambda one: one[8:12])] if own else None
            if end is not None:
                ends[account] = end
            carrying = [one for one in self.line(end) if one.carries]
            if not carrying and account not in self.genesis.balances:
                continue
            everybody = sorted({one.issuer for one in self.vertices.values()} | self._payees())
            claimed: Value = [
                [who, self.claimed(end, who)] for who in everybody if self.claimed(end, who)
            ]
            sent: Value = [[who, self.sent(end, who)] for who in everybody if self.sent(end, who)]
            head = carrying[-1].id if carrying else b""
            preimage += encode([account, head, self.balance(account, end), claimed, sent])
        for record in self.objects.records(final, ends):
            preimage += encode(record)
        preimage += encode(self.objects.burned(final))
        return blake2b(preimage, digest_size=32).digest()

    def _payees(self) -> set[NodeId]:
        return {who for one in self.vertices.values() for who, _ in self.paid(one)}
