"""Objects against their slow definition, and in any order of arrival (SPEC.md 8.12 to 8.17)."""

from collections import Counter
from math import inf
from random import Random
from typing import Any, get_args

import pytest

from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.operations import (
    Act,
    Action,
    EscrowTerms,
    Opening,
    RefundLate,
    Settling,
    Take,
    TopUp,
)
from fogbank_dag_ledger.vertex import Vertex
from fogbank_dag_ledger.vertex_codec import decode_vertex
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .community import Community
from .object_dag import ObjectDag
from .object_oracle import Result
from .oracle import Oracle
from .test_ledger import confirmed_in, final_in, has_two_in_one_slot, in_another_order
from .vector_files import case_name, vectors

SEEDS, STEPS = 40, 110


def broken_rule(ledger: Ledger, vertex: Vertex) -> str | None:
    try:
        ledger.insert(vertex)
    except RemoteProtocolError as error:
        return error.rule
    return None


def grow(seed: int) -> tuple[Ledger, Oracle, Counter[str]]:
    """Return a random DAG in the ledger and the oracle, which agreed on each vertex's validity."""
    random = Random(seed)
    community = Community(others=3, weights=random.choice(([1, 1, 1, 1], [1, 2, 3, 1])))
    ledger, oracle = Ledger(community.genesis), Oracle(community.genesis)
    forkers = random.choice((0, 0, 1, 2))
    source = ObjectDag(community, random, forkers, ledger, homes=seed % 3 == 0)
    met: Counter[str] = Counter()
    for _ in range(STEPS):
        vertex = source.draw()
        expected = oracle.broken_rule(vertex)
        assert broken_rule(ledger, vertex) == expected, f"seed {seed}"
        met[expected or "valid"] += 1
        if expected is None:
            oracle.add(vertex)
            source.accept(vertex)
    return ledger, oracle, met


def votes_in(ledger: Ledger) -> dict[Result, set[NodeId]]:
    validators = list(ledger.genesis.seats)
    votes: dict[Result, set[NodeId]] = {}
    for record in ledger.dag.graph:
        for one in () if record.deeds is None else record.deeds.settlements:
            outcome = one.outcome
            place = (one.act.opening, one.act.index)
            result = Result(place, outcome.is_seizure, outcome.award, outcome.shares)
            votes[result] = {
                who for seat, who in enumerate(validators) if outcome.votes >> seat & 1
            }
    return votes


def has_two_outcomes(results: set[Result]) -> bool:
    return len({result.key for result in results}) < len(results)


@pytest.mark.slow
def test_the_ledger_says_of_objects_what_the_slow_definition_says() -> None:
    met: Counter[str] = Counter()
    for seed in range(SEEDS):
        ledger, oracle, rules = grow(seed)
        met += rules
        assert votes_in(ledger) == oracle.objects.votes(), f"seed {seed}"
        assert confirmed_in(ledger) == oracle.confirmed(), f"seed {seed}"
        settled = oracle.objects.confirmed()
        final = oracle.final()
        if has_two_in_one_slot(final) or has_two_outcomes(settled):
            met["over the bound"] += 1  # where nothing is promised
            continue
        assert final_in(ledger) == final, f"seed {seed}"
        assert ledger.state_hash() == oracle.state_hash(), f"seed {seed}"
        assert ledger.supply_held() + ledger.burned == ledger.genesis.supply, f"seed {seed}"
        met["settled"] += len(settled)
        met["settled in homes"] += sum(
            bool(oracle.vertices[result.key[0]].home) for result in settled
        )
        for one in final:
            acts = [act for _, act in oracle.objects.acts(oracle.vertices[one])]
            met["final settlements"] += sum(isinstance(act.action, Settling) for act in acts)
            met["final takes"] += sum(isinstance(act.action, Take) for act in acts)
        for vertex in oracle.vertices.values():
            met.update(type(act.action).__name__ for _, act in oracle.objects.acts(vertex))
    # The comparison is worth something only when the DAGs hold what the rules are about.
    for what, least in {"settled": 50, "final takes": 15, "8.12.9": 100, "8.13.4": 10}.items():
        assert met[what] >= least, met
    for action in (*get_args(Action), TopUp, Take):
        assert met[action.__name__] >= 10, met
    assert met["over the bound"] < 10, met


@pytest.mark.slow
def test_the_order_of_arrival_changes_nothing_for_objects() -> None:
    for seed in range(12):
        ledger, oracle, _ = grow(seed)
        if has_two_in_one_slot(oracle.confirmed()) or has_two_outcomes(oracle.objects.confirmed()):
            continue
        random = Random(seed)
        other = Ledger(ledger.genesis)
        for vertex in in_another_order(list(oracle.vertices.values()), random):
            other.insert(vertex)
        assert votes_in(other) == votes_in(ledger), f"seed {seed}"
        assert final_in(other) == final_in(ledger), f"seed {seed}"
        assert other.state_hash() == ledger.state_hash(), f"seed {seed}"


def test_asking_when_a_vote_is_due_changes_no_vote() -> None:
    people = Community(others=2)
    ledger = Ledger(people.genesis)
    terms = EscrowTerms(people.names[5], (), 0, (), 10, 10, bytes(32))
    opening = people.vertex(4, does=[Opening(0, 100, terms)])
    late = people.vertex(4, opening, does=[Act(opening.id, 0, RefundLate())])
    ledger.insert(opening)
    ledger.insert(late)
    heads: dict[int, Vertex] = {}

    def vote(beat: int, *seats: int) -> None:
        for seat in seats:
            over = () if seat in heads else (late,)
            heads[seat] = people.vertex(seat, heads.get(seat), over, beat=beat)
            ledger.insert(heads[seat])

    vote(0, 0, 1, 2, 3)
    assert [ledger.beats_missing(seat) for seat in range(4)] == [10, 10, 10, 10]
    vote(10, 0, 1, 2)
    held = next(iter(ledger.objects()))
    assert held.outcome is not None
    # Nobody waits for the fourth vote, and it counts all the same: others may need it.
    assert ledger.beats_missing(3) == inf
    vote(10, 3)
    assert held.outcome.votes == 0b1111


@pytest.mark.parametrize("case", vectors("objects")["stories"], ids=case_name)
def test_a_story_is_replayed_to_its_end(case: Any) -> None:
    genesis = decode_genesis(bytes.fromhex(case["genesis"]))
    ledger, oracle = Ledger(genesis), Oracle(genesis)
    for data in case["vertices"]:
        vertex = decode_vertex(bytes.fromhex(data), genesis.network)
        assert oracle.broken_rule(vertex) is None
        ledger.insert(vertex)
        oracle.add(vertex)
    assert votes_in(ledger) == oracle.objects.votes()
    assert {one.hex() for one in final_in(ledger)} == set(case["final"])
    assert final_in(ledger) == oracle.final()
    assert ledger.state_hash().hex() == case["state_hash"] == oracle.state_hash().hex()
    assert (ledger.supply_held(), ledger.burned) == (case["supply_held"], case["burned"])
    assert ledger.supply_held() + ledger.burned == genesis.supply
    assert [
        {"id": held.id.hex(), "award": held.outcome.award, "seized": held.outcome.is_seizure}
        for held in ledger.objects()
        if held.outcome is not None
    ] == case["outcomes"]
    for account in genesis.balances:
        assert ledger.balance(account) == case["balances"][account.hex()]
