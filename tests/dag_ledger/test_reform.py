"""A committee changes while payments go on, in a made-up world (SPEC.md section 8.19)."""

from dataclasses import replace
from random import Random

import pytest

from fogbank_dag_ledger.committee_operations import Table, table_of
from fogbank_dag_ledger.events import EpochBegan
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.validator import LedgerGrew, Validator
from fogbank_dag_ledger.vertex import Draft, Vertex
from fogbank_dag_ledger.wallet import PaymentRefused, Wallet
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .community import Community, unsigned


class Member:
    """One agent: it pays, claims, and votes when it has a seat."""

    def __init__(self, community: Community, name: NodeId, random: Random) -> None:
        self.name = name
        self.network = community.network
        self.ledger = Ledger(community.genesis)
        self.wallet = Wallet(self.ledger, name, iter(lambda: random.getrandbits(32), None))
        self.validator: Validator | None = None
        self.told: list[Vertex] = []
        self.waiting: list[Vertex] = []
        self.epochs: list[Table] = []
        self.now = 0.0

    def issue(self, draft: Draft) -> None:
        draft = replace(draft, epoch=self.ledger.epoch_for(draft))
        self.take(unsigned(draft, self.network))

    def take(self, vertex: Vertex) -> None:
        if self.ledger.missing(vertex):
            self.waiting.append(vertex)
            return
        events = self.ledger.insert(vertex)
        if not events:
            return
        self.told.append(vertex)
        self.epochs += [event.table for event in events if isinstance(event, EpochBegan)]
        if self.validator is None and self.ledger.epochs.weight_of(self.name):
            self.validator = Validator(self.ledger, self.name, self.now)
        if self.validator is not None:
            for command in self.validator.handle(LedgerGrew(events), self.now):
                self.issue(command.draft)

    def tick(self, now: float) -> None:
        self.now = now
        if self.validator is None and self.ledger.epochs.weight_of(self.name):
            self.validator = Validator(self.ledger, self.name, now)
        if self.validator is not None:
            for command in self.validator.handle(Tick(), now):
                self.issue(command.draft)

    def claim(self) -> None:
        draft = self.wallet.claim()
        if draft is not None:
            self.issue(draft)


class Town:
    """Members who hear each other in a random order."""

    def __init__(self, seed: int, seats: int, others: int = 4) -> None:
        self.random = Random(seed)
        self.community = Community(seats=seats, others=others)
        self.members = [Member(self.community, name, self.random) for name in self.community.names]
        self.read = [[0] * len(self.members) for _ in self.members]
        self.now = 0.0

    def hear(self, silent: frozenset[int] = frozenset()) -> None:
        for reader, member in enumerate(self.members):
            for told, other in enumerate(self.members):
                if {reader, told} & silent:
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

    def run(self, rounds: int, *, pays: bool = False, silent: frozenset[int] = frozenset()) -> None:
        for _ in range(rounds):
            self.now += 0.1
            for number, member in enumerate(self.members):
                member.tick(self.now)
                if number in silent:
                    continue
                if pays and self.random.random() < 0.3:
                    self.pay(member)
                member.claim()
            self.hear(silent)

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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_network_of_one_grows_to_four_seats_while_payments_go_on(seed: int) -> None:
    town = Town(seed, seats=1, others=4)
    town.run(5, pays=True)
    for count in (2, 3, 4):
        town.wish(list(range(count)), by=list(range(count - 1)))
        town.run(25, pays=True)
    town.run(25)
    town.check(epochs=3)
    assert len(town.members[0].ledger.epochs.table.seats) == 4
    # The four decide now: without two of them nothing does, without one all goes on.
    payer = town.members[1]
    payer.issue(payer.wallet.pay({town.members[0].name: 1}))
    paid = payer.ledger.head(payer.name)
    assert paid is not None
    town.run(15, silent=frozenset({2, 3}))
    assert not town.members[0].ledger.is_final(paid)
    town.run(15, silent=frozenset({3}))
    assert town.members[0].ledger.is_final(paid)


@pytest.mark.slow
def test_a_seat_is_removed_by_the_others_and_an_absent_leader_only_delays() -> None:
    town = Town(7, seats=4, others=3)
    town.run(5, pays=True)
    # The first leader is silent: its attempt has to time out.
    leader = 1
    town.wish([0, 2, 3], by=[0, 2])
    town.run(60, pays=True, silent=frozenset({leader}))
    town.run(30)
    town.check(epochs=1)
    assert len(town.members[0].ledger.epochs.table.seats) == 3


@pytest.mark.slow
def test_one_member_alone_changes_nothing() -> None:
    town = Town(3, seats=4)
    town.run(3)
    town.wish([0], by=[0])
    town.run(40)
    town.check(epochs=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_change_of_epoch_frees_a_frozen_account(seed: int) -> None:
    town = Town(seed, seats=4)
    town.run(3)
    spender = 4
    name = town.members[spender].name
    head = town.members[spender].ledger.head(name)
    assert head is None
    ways = [town.community.vertex(spender, pays={to: 600}) for to in (0, 1)]
    # Each side of two sees one of the two payments first.
    town.members[0].take(ways[0])
    town.members[1].take(ways[0])
    town.members[2].take(ways[1])
    town.members[3].take(ways[1])
    for member in town.members[:4]:
        member.tick(town.now + 1)
    town.now += 1
    town.run(20)
    ledgers = [member.ledger for member in town.members]
    assert not any(ledger.is_final(way.id) for ledger in ledgers for way in ways)

    town.wish([0, 1, 2, 3, 5], by=[0, 1, 2, 3])
    town.run(40)

    assert {ledger.epochs.number for ledger in ledgers} == {1}
    final = {way.id for ledger in ledgers for way in ways if ledger.is_final(way.id)}
    assert final == {min(way.id for way in ways)}
