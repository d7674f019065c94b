"""A ledger that forgets answers as its slow definition, which forgets nothing (SPEC.md 8.21)."""

from collections import Counter
from random import Random

import pytest

from fogbank_dag_ledger.audit import Audit
from fogbank_dag_ledger.checkpoint_state import decode_record
from fogbank_dag_ledger.cut import Cut
from fogbank_dag_ledger.events import Unsolid
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.restoring import Names
from fogbank_dag_ledger.vertex import Vertex, VertexId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .community import Community
from .oracle import Oracle
from .random_dag import RandomDag


class Pair:
    """A ledger that prunes beside the definition, and what was different about the vertices."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.community = Community(others=self.random.randint(1, 4))
        self.ledger = Ledger(self.community.genesis)
        self.oracle = Oracle(self.community.genesis)
        forkers = self.random.choice((0, 0, 1, 1, 2))
        self.source = RandomDag(
            self.community,
            self.random,
            forkers,
            reach=self.random.choice((12, 60)),
            homes=seed % 3 == 0,
        )
        self.met: Counter[str] = Counter()
        self.state: dict[bytes, bytes] = {}
        self.names: list[Names] = []

    def step(self) -> None:
        vertex = self.source.draw()
        expected = self.oracle.broken_rule(vertex)
        assert self.broken_rule(vertex) == expected
        self.met[expected or "valid"] += 1
        if expected is None:
            self.met["lost"] += self.oracle.is_lost(vertex)
            self.met["on ancient edges"] += any(self.ledger.is_settled(one) for one in vertex.edges)
            self.met["ancient claims"] += any(
                self.ledger.is_settled(claim.source) for claim in vertex.claims
            )
            self.oracle.add(vertex)
            self.source.accept(vertex)

    def broken_rule(self, vertex: Vertex) -> str | None:
        try:
            for event in self.ledger.insert(vertex):
                if isinstance(event, Unsolid):
                    # Somebody asks for what was forgotten, and whoever has it gives it.
                    for missing in event.missing:
                        self.met["brought back"] += 1
                        assert self.broken_rule(self.oracle.vertices[missing]) is None
                    return self.broken_rule(vertex)
        except RemoteProtocolError as error:
            return error.rule
        return None

    def prune(self) -> None:
        cut = self.ledger.choose_cut(Cut(), lambda record, _count: self.ledger.may_die(record))
        if cut.counts:
            counts = {chain.issuer: count for chain, count in cut.counts.items()}
            self.oracle.settle(counts, list(cut.dead))
            self.met["dead"] += len(cut.dead)
            self.met["closed"] += len(cut.closed())
            members = sorted(record.id for record in cut.members(Cut()))
            self.names.append(Names(members, list(cut.dead)))
            self.state = self.ledger.state_at(self.state, cut, cut.members(Cut()))
            self.met["pruned"] += len(self.ledger.settle(cut, self.state))

    def restored(self) -> Ledger:
        """Return a ledger that knows the last checkpoint, and what is held above it."""
        ledger = Ledger(self.community.genesis)
        ledger.restore(map(decode_record, self.state.values()), self.names)
        for record in self.ledger.dag.records():
            assert ledger.insert(self.oracle.vertices[record.id])
        return ledger

    def compare(self, ledger: Ledger) -> None:
        oracle = self.oracle
        held = {record.id for record in ledger.dag.graph}
        assert len(held) == len(ledger)
        votes, confirmed, final = oracle.votes(), oracle.confirmed(), oracle.final()
        # Votes for what can never be final decide nothing, and some of them are forgotten.
        open_ = {record.id for record in ledger.dag.graph if not record.lost}
        assert {one: cast for one, cast in votes_in(ledger).items() if one in open_} == {
            one: votes[one] for one in open_
        }
        assert {
            record.id for record in ledger.dag.graph if record.confirmed
        } & open_ == confirmed & open_
        assert {record.id for record in ledger.dag.graph if record.final} == final & held
        for record in ledger.dag.graph:
            assert record.lost == oracle.is_lost(oracle.vertices[record.id])
        for one in oracle.vertices:
            assert ledger.is_final(one) == (one in final), one.hex()
        assert ledger.state_hash() == oracle.state_hash()
        assert ledger.supply_held() == ledger.genesis.supply

    def audit(self) -> None:
        """Compare with what a slow computation makes of the state and what is held."""
        ledger = self.ledger
        dead = [one for names in self.names for one in names.dead]
        held = [self.oracle.vertices[record.id] for record in ledger.dag.records()]
        audit = Audit(ledger.genesis, map(decode_record, self.state.values()), dead, held)
        assert audit.wrong == []
        assert audit.lost == {record.id for record in ledger.dag.records() if record.lost}
        assert audit.final == {record.id for record in ledger.dag.records() if record.final}
        assert (audit.state_hash(), audit.supply_held()) == (
            ledger.state_hash(),
            ledger.genesis.supply,
        )


def votes_in(ledger: Ledger) -> dict[VertexId, set[NodeId]]:
    validators = list(ledger.genesis.seats)
    return {
        record.id: {who for seat, who in enumerate(validators) if record.votes >> seat & 1}
        for record in ledger.dag.graph
    }


def has_two_in_one_slot(ids: set[VertexId]) -> bool:
    return len({one[:12] for one in ids}) < len(ids)


def run(seed: int, steps: int, met: Counter[str]) -> None:
    pair = Pair(seed)
    for number in range(steps):
        pair.step()
        if number % 20 == 19:
            if has_two_in_one_slot(pair.oracle.confirmed()):
                met["over the bound"] += 1  # where nothing is promised
                break
            pair.prune()
            pair.compare(pair.ledger)
            pair.compare(pair.restored())
            pair.audit()
            if pair.random.random() < 0.2:
                pair.ledger = pair.restored()
    met += pair.met


@pytest.mark.slow
def test_a_pruned_ledger_says_what_one_that_keeps_everything_says() -> None:
    met: Counter[str] = Counter()
    for seed in range(12):
        run(seed, 160, met)
    for what, least in {
        "pruned": 600,
        "lost": 200,
        "on ancient edges": 200,
        "ancient claims": 60,
    }.items():
        assert met[what] >= least, met
    assert met["dead"] >= 50, met
    assert met["closed"] >= 10, met


class Rounds:
    """One account pays again and again; all seats vote, acknowledge, and forget."""

    def __init__(self) -> None:
        self.community = Community(others=2)
        self.ledger = Ledger(self.community.genesis)
        self.paid: list[Vertex] = []
        self.names: list[Names] = []
        self.state: dict[bytes, bytes] = {}
        self._heads: list[Vertex | None] = [None] * 4

    def pay(self) -> None:
        """Add a payment, and make it final."""
        prev = self.paid[-1] if self.paid else None
        self.paid.append(self.community.vertex(4, prev, pays={0: 5}))
        self._insert(self.paid[-1])
        for acknowledged in ([], [self.paid[-1]]):
            parents = [self.paid[-1], *(one for one in self._heads if one is not None)]
            vertices = [
                self.community.vertex(
                    seat,
                    head,
                    [one for one in parents if one is not head],
                    acknowledges=acknowledged if head is None else [head, *acknowledged],
                )
                for seat, head in enumerate(self._heads)
            ]
            for vertex in vertices:
                self._insert(vertex)
            self._heads = [*vertices]

    def _insert(self, vertex: Vertex) -> None:
        assert not isinstance(self.ledger.insert(vertex)[0], Unsolid)

    def prune(self) -> None:
        """Forget what is final."""
        cut = self.ledger.choose_cut(Cut(), lambda _record, _count: False)
        members = cut.members(Cut())
        self.names.append(Names(sorted(record.id for record in members), []))
        self.state = self.ledger.state_at(self.state, cut, members)
        assert self.ledger.settle(cut, self.state)

    def restored(self) -> Ledger:
        """Return a ledger that has the names of the last interval alone."""
        ledger = Ledger(self.community.genesis)
        ledger.restore(map(decode_record, self.state.values()), self.names[-1:])
        return ledger


def test_a_vertex_in_an_old_slot_that_stands_on_what_is_new_is_lost_whatever_is_remembered() -> (
    None
):
    rounds = Rounds()
    for _ in range(3):
        rounds.pay()
        rounds.prune()
    new = rounds.community.vertex(5)
    forged = rounds.community.vertex(4, parents=[new], pays={0: 7})
    above = rounds.community.vertex(4, parents=[forged])
    for ledger in (rounds.ledger, rounds.restored()):
        for settled in rounds.paid:
            assert ledger.is_settled(settled.id)
            assert ledger.insert(settled) == []
        assert isinstance(ledger.insert(forged)[0], Unsolid)
        for one in (new, forged, above):
            assert ledger.insert(one)
        assert {record.id for record in ledger.dag.records() if record.lost} == {
            forged.id,
            above.id,
        }
