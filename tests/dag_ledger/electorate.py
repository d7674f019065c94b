"""Members of a small network, some with seats, who pay, hear each other, and change the seats."""

from random import Random

from fogbank_dag_ledger.committee_operations import Table, table_of
from fogbank_dag_ledger.events import EpochBegan
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.validator import LedgerGrew, Validator
from fogbank_dag_ledger.vertex import Draft, Vertex
from fogbank_dag_ledger.wallet import PaymentRefused, Wallet
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .community import Community, unsigned
from .oracle import Oracle


class Member:
    """One agent: it pays, claims, and votes when it has a seat."""

    def __init__(
        self, community: Community, name: NodeId, random: Random, *, signs: bool = False
    ) -> None:
        self.name = name
        self.community = community
        self.signs = signs
        self.ledger = Ledger(community.genesis)
        self.wallet = Wallet(self.ledger, name, iter(lambda: random.getrandbits(32), None))
        self.validator: Validator | None = None
        self.told: list[Vertex] = []
        self.waiting: list[Vertex] = []
        self.epochs: list[Table] = []
        self.now = 0.0

    def issue(self, draft: Draft) -> None:
        draft = self.ledger.place(draft)
        if self.signs:
            self.take(self.community.sign(draft))
        else:
            self.take(unsigned(draft, self.community.network))

    def take(self, vertex: Vertex) -> None:
        if self.ledger.missing(vertex):
            self.waiting.append(vertex)
            return
        events = self.ledger.insert(vertex)
        if not events:
            return
        self.told.append(vertex)
        self.epochs += [event.table for event in events if isinstance(event, EpochBegan)]
        if self.validator is None and self.ledger.homes.has_seat(self.name):
            self.validator = Validator(self.ledger, self.name, self.now)
        if self.validator is not None:
            for command in self.validator.handle(LedgerGrew(events), self.now):
                self.issue(command.draft)

    def tick(self, now: float) -> None:
        self.now = now
        if self.validator is None and self.ledger.homes.has_seat(self.name):
            self.validator = Validator(self.ledger, self.name, now)
        if self.validator is not None:
            for command in self.validator.handle(Tick(), now):
                self.issue(command.draft)

    def claim(self) -> None:
        draft = self.wallet.claim()
        if draft is not None:
            self.issue(draft)


class Electorate:
    """Members who hear each other in a random order."""

    def __init__(self, seed: int, seats: int, others: int = 4, *, signs: bool = False) -> None:
        self.random = Random(seed)
        self.community = Community(seats=seats, others=others)
        self.members = [
            Member(self.community, name, self.random, signs=signs) for name in self.community.names
        ]
        self.read = [[0] * len(self.members) for _ in self.members]
        self.now = 0.0

    def hear(
        self, silent: frozenset[int] = frozenset(), apart: frozenset[int] = frozenset()
    ) -> None:
        for reader, member in enumerate(self.members):
            for told, other in enumerate(self.members):
                if {reader, told} & silent or (reader in apart) != (told in apart):
                    continue
                news = other.told[self.read[reader][told] :]
                self.read[reader][told] += len(news)
                member.waiting += [one for one in news if one.id not in member.ledger]
            self.random.shuffle(member.waiting)
            before = -1
            while len(member.waiting) != before:
                before = len(member.waiting)
                waiting, member.waiting = member.waiting, []
                for vertex in waiting:
                    member.take(vertex)

    def run(
        self,
        rounds: int,
        *,
        pays: bool = False,
        silent: frozenset[int] = frozenset(),
        apart: frozenset[int] = frozenset(),
    ) -> None:
        """Let time pass; those in ``apart`` hear only each other."""
        for _ in range(rounds):
            self.now += 0.1
            for number, member in enumerate(self.members):
                member.tick(self.now)
                if number in silent:
                    continue
                if pays and self.random.random() < 0.3:
                    self.pay(member)
                member.claim()
            self.hear(silent, apart)

    def pay(self, member: Member) -> None:
        to = self.random.choice([one.name for one in self.members if one is not member])
        try:
            member.issue(member.wallet.pay({to: 1}))
        except PaymentRefused:
            return

    def wish(self, numbers: list[int], by: list[int]) -> Table:
        seats = {self.members[number].name: 1 for number in numbers}
        table = table_of(seats, 2 * len(seats) // 3 + 1)
        for number in by:
            validator = self.members[number].validator
            assert validator is not None
            validator.wish(table)
        return table

    def ask_oracle(self) -> None:
        """See that the literal definitions give the same."""
        for member in self.members[:1]:
            oracle = Oracle(self.community.genesis)
            for vertex in member.told:
                assert oracle.broken_rule(vertex) is None
                oracle.add(vertex)
            graph = member.ledger.dag.graph
            assert oracle.final() == {one.id for one in graph if one.final}
            now = {one.id for one in graph if one.confirmed and not one.final}
            assert oracle.confirmed() - oracle.final() == now
            assert oracle.state_hash() == member.ledger.state_hash()

    def check(self, epochs: int) -> None:
        """Everybody is in this epoch, and holds the same for final, which is everything paid."""
        first = self.members[0].ledger
        for member in self.members:
            ledger = member.ledger
            assert ledger.epochs.number == epochs
            assert ledger.epochs.table == first.epochs.table
            assert ledger.state_hash() == first.state_hash()
            assert ledger.supply_held() == ledger.genesis.supply
            pending = [
                one for one in ledger.dag.graph if not one.final and (one.payments or one.claims)
            ]
            assert pending == []
