"""The ledger against its slow definition, and in any order of arrival (SPEC.md section 8)."""

from collections import Counter
from random import Random

import pytest

from fogbank_dag_ledger.equivocation import encode_proof
from fogbank_dag_ledger.events import Confirmed, Equivocated, Final, Inserted, Unsolid, Unwanted
from fogbank_dag_ledger.genesis import new_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import WINDOW
from fogbank_dag_ledger.vertex import Vertex, VertexId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .community import Community
from .oracle import Oracle
from .random_dag import RandomDag


def broken_rule(ledger: Ledger, vertex: Vertex) -> str | None:
    try:
        ledger.insert(vertex)
    except RemoteProtocolError as error:
        return error.rule
    return None


def votes_in(ledger: Ledger) -> dict[VertexId, set[NodeId]]:
    validators = list(ledger.genesis.seats)
    return {
        record.id: {who for seat, who in enumerate(validators) if record.votes >> seat & 1}
        for record in ledger.dag.graph
    }


def grow(seed: int, steps: int = 80) -> tuple[Ledger, Oracle, Counter[str]]:
    """Return a random DAG in the ledger and the oracle, which agreed on each vertex's validity."""
    random = Random(seed)
    community = Community(
        weights=random.choice(([1, 1, 1, 1], [1, 2, 3, 1])), others=random.randint(1, 4)
    )
    ledger, oracle = Ledger(community.genesis), Oracle(community.genesis)
    forkers = random.choice((0, 1, 1, 2, 3)) if seed % 3 else random.choice((0, 0, 1))
    source = RandomDag(community, random, forkers, homes=seed % 3 == 0)
    rules: Counter[str] = Counter()
    for _ in range(steps):
        vertex = source.draw()
        expected = oracle.broken_rule(vertex)
        assert broken_rule(ledger, vertex) == expected, f"seed {seed}"
        rules[expected or "valid"] += 1
        if expected is None:
            oracle.add(vertex)
            source.accept(vertex)
    return ledger, oracle, rules


def confirmed_in(ledger: Ledger) -> set[VertexId]:
    return {record.id for record in ledger.dag.graph if record.confirmed}


def final_in(ledger: Ledger) -> set[VertexId]:
    return {record.id for record in ledger.dag.graph if record.final}


def has_two_in_one_slot(ids: set[VertexId]) -> bool:
    return len({one[:12] for one in ids}) < len(ids)


@pytest.mark.slow
def test_the_ledger_says_what_the_slow_definition_says() -> None:
    met: Counter[str] = Counter()
    for seed in range(120):
        ledger, oracle, rules = grow(seed)
        assert votes_in(ledger) == oracle.votes(), f"seed {seed}"
        assert confirmed_in(ledger) == oracle.confirmed(), f"seed {seed}"
        final = oracle.final()
        met += rules
        met["contested"] += sum(len(chain.contested) for chain in ledger.chains())
        met["forked validators"] += sum(
            chain.forked and chain.seat is not None for chain in ledger.chains()
        )
        if has_two_in_one_slot(final):
            met["over the bound"] += 1  # where nothing is promised
            continue
        met["final"] += len(final)
        met["final in homes"] += sum(bool(oracle.vertices[one].home) for one in final)
        met["final claims"] += sum(bool(oracle.vertices[one].claims) for one in final)
        assert final_in(ledger) == final, f"seed {seed}"
        assert ledger.state_hash() == oracle.state_hash(), f"seed {seed}"
        assert ledger.supply_held() == ledger.genesis.supply, f"seed {seed}"
    # The comparison is worth something only when the DAGs hold what the rules are about.
    for what, least in {
        "8.3.16": 100,
        "8.3.17": 100,
        "8.3.18": 100,
        "contested": 100,
        "forked validators": 50,
        "final": 1_000,
        "final claims": 20,
        "final in homes": 50,
        "8.18.4": 20,
        "8.18.5": 5,
    }.items():
        assert met[what] >= least, met
    assert met["over the bound"] < 50, met


def in_another_order(vertices: list[Vertex], random: Random) -> list[Vertex]:
    """Return ``vertices`` in a random order in which every edge comes before what stands on it."""
    placed: list[Vertex] = []
    waiting, held = list(vertices), set[VertexId]()
    while waiting:
        ready = [vertex for vertex in waiting if held.issuperset(vertex.edges)]
        chosen = random.choice(ready)
        waiting.remove(chosen)
        held.add(chosen.id)
        placed.append(chosen)
    return placed


@pytest.mark.slow
def test_the_order_of_arrival_changes_nothing() -> None:
    for seed in range(40):
        ledger, oracle, _ = grow(seed)
        if has_two_in_one_slot(oracle.confirmed()):
            continue
        random = Random(seed)
        for _ in range(2):
            other = Ledger(ledger.genesis)
            for vertex in in_another_order(list(oracle.vertices.values()), random):
                other.insert(vertex)
            assert votes_in(other) == votes_in(ledger), f"seed {seed}"
            assert confirmed_in(other) == confirmed_in(ledger), f"seed {seed}"
            assert final_in(other) == final_in(ledger), f"seed {seed}"
            assert other.state_hash() == ledger.state_hash(), f"seed {seed}"
            assert set(other.heads()) == set(ledger.heads()), f"seed {seed}"
            assert set(other.proofs()) == set(ledger.proofs()), f"seed {seed}"
            assert set(other.tips()) == set(ledger.tips()), f"seed {seed}"


def test_a_vertex_without_its_edges_is_not_inserted_and_what_it_lacks_is_told() -> None:
    community = Community()
    first = community.vertex(4, pays={0: 10})
    second = community.vertex(0, parents=[first])
    ledger = Ledger(community.genesis)

    assert ledger.insert(second) == [Unsolid((first.id,))]
    assert len(ledger) == 0
    assert ledger.missing(second) == (first.id,)

    assert ledger.insert(first) == [Inserted(first)]
    assert ledger.insert(second) == [Inserted(second)]
    assert ledger.insert(second) == []


def test_a_payment_is_confirmed_by_votes_and_final_by_acknowledgements() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    payment = community.vertex(4, pays={6: 100})
    votes = [community.vertex(seat, parents=[payment]) for seat in range(3)]
    acknowledgements = [
        community.vertex(seat, votes[seat], acknowledges=[payment]) for seat in range(3)
    ]

    told = [list(ledger.insert(vertex))[1:] for vertex in (payment, *votes, *acknowledgements)]

    assert told == [[], [], [], [Confirmed(payment.id)], [], [], [Final(payment.id)]]
    assert ledger.balance(community.names[4]) == 900
    assert ledger.balance(community.names[6]) == 0
    assert ledger.claimable(community.names[6]) == {community.names[4]: (payment.id, 100)}
    assert ledger.supply_held() == ledger.genesis.supply


def test_a_claim_is_final_only_after_its_source() -> None:
    community = Community(seats=1, others=2, quorum=1)
    ledger = Ledger(community.genesis)
    payment = community.vertex(1, pays={2: 100})
    claim = community.vertex(2, claims=[(payment, 100)])
    vote = community.vertex(0, parents=[claim])
    early = community.vertex(0, vote, acknowledges=[claim])
    late = community.vertex(0, early, acknowledges=[payment])
    for vertex in (payment, claim, vote, early):
        ledger.insert(vertex)
    assert ledger.is_confirmed(claim.id)
    assert not ledger.is_final(claim.id)

    told = list(ledger.insert(late))
    assert told[2:] == [Final(payment.id), Final(claim.id)]
    assert ledger.balance(community.names[2]) == 100
    assert ledger.claimable(community.names[2]) == {}


def test_a_double_spend_freezes_its_spender_and_nobody_else() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    one = community.vertex(4, pays={5: 700})
    other = community.vertex(4, pays={6: 700})
    honest = community.vertex(5, pays={6: 100})
    # Two validators see one side first, two the other.
    votes = [
        community.vertex(seat, parents=[one if seat < 2 else other, honest]) for seat in range(4)
    ]
    told = [event for vertex in (one, other, honest, *votes) for event in ledger.insert(vertex)]
    assert [event for event in told if isinstance(event, Confirmed)] == [Confirmed(honest.id)]
    proof = encode_proof(community.names[4], (one.id, one.signature), (other.id, other.signature))
    assert Equivocated(community.names[4], proof) in told
    for seat in range(4):
        ledger.insert(community.vertex(seat, votes[seat], votes, acknowledges=[honest, one]))

    assert ledger.is_final(honest.id)
    assert not ledger.is_confirmed(one.id)
    assert not ledger.is_confirmed(other.id)
    assert ledger.balance(community.names[4]) == 1_000
    assert ledger.balance(community.names[5]) == 900
    assert ledger.supply_held() == ledger.genesis.supply


def test_what_nobody_asked_for_is_taken_within_bounds_only() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    chain = [community.vertex(4)]
    for _ in range(WINDOW):
        chain.append(community.vertex(4, chain[-1]))
    assert ledger.unwanted(chain[WINDOW - 1]) is None
    assert ledger.unwanted(chain[WINDOW]) is Unwanted.BEYOND_WINDOW
    # Asked for, it is taken all the same: the window is no rule of validity.
    for vertex in chain:
        ledger.insert(vertex)
    assert ledger.unwanted(chain[0]) is Unwanted.HELD
    assert len(ledger) == WINDOW + 1

    rival = community.vertex(4, note=1)
    assert ledger.unwanted(rival) is None
    ledger.insert(rival)
    assert ledger.unwanted(community.vertex(4, note=2)) is Unwanted.FORKER


@pytest.mark.parametrize("person", [4, 6])
def test_a_proof_from_elsewhere_closes_the_door_but_changes_no_vote(person: int) -> None:
    community = Community()
    one, other = community.vertex(person, note=1), community.vertex(person, note=2)
    proof = encode_proof(
        community.names[person], (one.id, one.signature), (other.id, other.signature)
    )
    ledger = Ledger(community.genesis)

    assert ledger.learn_proof(proof) == community.names[person]
    assert ledger.learn_proof(proof) is None
    assert ledger.unwanted(one) is Unwanted.FORKER
    ledger.insert(one)
    assert list(ledger.tips()) == []
    for seat in range(3):
        ledger.insert(community.vertex(seat, parents=[one]))
    assert ledger.is_confirmed(one.id)


def test_of_strangers_no_more_proofs_are_kept_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fogbank_dag_ledger.insertion.STRANGE_FORKERS_MAX", 1)
    community = Community(others=4)
    community.genesis = new_genesis(
        "test", community.genesis.seats, {community.names[4]: 1}, bytes(16)
    )
    ledger = Ledger(community.genesis)

    def proof(person: int) -> bytes:
        one, other = (community.vertex(person, note=note) for note in (1, 2))
        return encode_proof(
            community.names[person], (one.id, one.signature), (other.id, other.signature)
        )

    assert ledger.learn_proof(proof(5)) == community.names[5]
    assert ledger.learn_proof(proof(6)) is None
    assert ledger.learn_proof(proof(4)) == community.names[4]
    ledger.insert(community.vertex(5))
    assert ledger.learn_proof(proof(6)) == community.names[6]
    # What says nothing new is not checked again: two signatures are much work for 224 bytes.
    assert ledger.learn_proof(proof(6)[:-1] + b"?") is None


def test_accounts_that_genesis_does_not_know_begin_with_nothing() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    stranger = community.names[6]

    assert ledger.balance(stranger) == 0
    assert ledger.claimable(stranger) == {}
    assert ledger.head(stranger) is None
    with pytest.raises(RemoteProtocolError, match=r"8\.3\.17"):
        ledger.insert(community.vertex(6, pays={0: 1}))
    assert ledger.head(stranger) is None
    empty = community.vertex(6)
    ledger.insert(empty)
    assert ledger.head(stranger) == empty.id
