"""Attacks with two vertices in one slot: at most one is paid, and only the attacker is harmed."""

import pytest

from fogbank_dag_ledger.equivocation import check_proof
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import CONTENDERS_MAX, PARKED_MAX
from fogbank_dag_ledger.vertex import Vertex
from fogbank_protocol.identity import NodeId

from ..community import Community
from .attacker import (
    Attacker,
    honest_world,
    pay_for_a_while,
    percentile_95,
    settle,
    typical_latency_s,
)

COMMUNITY = Community(seats=4, others=3)
SPENDER, SHOP, FRIEND = 4, 5, 6


def inserted(vertices: list[Vertex], community: Community = COMMUNITY) -> Ledger:
    ledger = Ledger(community.genesis)
    for vertex in vertices:
        ledger.insert(vertex)
    return ledger


def votes(ledger: Ledger, vertex: Vertex) -> int:
    record = ledger.dag.get(vertex.id)
    assert record is not None
    return record.votes.bit_count()


def test_a_large_private_subtangle_adds_no_votes() -> None:
    """A parasite chain: weight is per seat, so what nobody with a seat has seen weighs nothing."""
    paid, unpaid = COMMUNITY.vertex(SPENDER, pays={SHOP: 1_000}), COMMUNITY.vertex(SPENDER)
    honest = [COMMUNITY.vertex(seat, parents=[paid]) for seat in range(3)]
    parasite = [COMMUNITY.vertex(FRIEND, parents=[unpaid])]
    for _ in range(500):
        parasite.append(COMMUNITY.vertex(FRIEND, parasite[-1]))
    late = COMMUNITY.vertex(3, parents=[parasite[-1]])
    sides = [[paid, *honest], [unpaid, *parasite, late]]
    for first, second in (sides, sides[::-1]):
        ledger = inserted([*first, *second])
        assert votes(ledger, paid) == 3
        assert votes(ledger, unpaid) == 1
        assert ledger.is_confirmed(paid.id)
        assert not ledger.is_confirmed(unpaid.id)


def test_votes_are_never_moved_however_the_weight_swings() -> None:
    """Bait and switch: showing a heavier branch later changes no vote, so nothing can oscillate."""
    one, other = COMMUNITY.vertex(SPENDER, pays={SHOP: 1}), COMMUNITY.vertex(SPENDER)
    ledger = inserted([one, other])
    chains: list[Vertex | None] = [None, None]
    for swing in range(20):
        side = (one, other)[swing % 2]
        for seat in range(2):
            head = chains[seat]
            first = (one, other)[seat]
            parents = [first if head is None else side]
            chains[seat] = COMMUNITY.vertex(seat, head, parents)
            ledger.insert(chains[seat] or first)
        assert votes(ledger, one) == votes(ledger, other) == 1
    assert not ledger.is_confirmed(one.id)
    assert not ledger.is_confirmed(other.id)


@pytest.mark.slow
def test_keeping_two_branches_balanced_freezes_the_attacker_alone() -> None:
    usual = typical_latency_s(1)
    world = honest_world(1)
    attacker = Attacker(world, 6)
    community = world.community
    branches = [community.vertex(6, pays={0: 1_000}), community.vertex(6, pays={1: 1_000})]
    # Seats 0 and 1 see one branch first, 2 and 3 the other.
    for branch, seats in zip(branches, ((0, 1), (2, 3)), strict=True):
        attacker.send([branch], [community.names[seat] for seat in seats])
    world.deaf.update(
        (community.names[one], community.names[other])
        for one, other in ((0, 2), (0, 3), (1, 2), (1, 3))
        for one, other in ((one, other), (other, one))
    )
    world.run(world.now + 0.2)
    world.deaf.clear()
    pay_for_a_while(world)
    settle(world)
    for node in world.nodes.values():
        assert attacker.name in node.ledger.proofs()
        assert not any(node.ledger.is_final(branch.id) for branch in branches)
        assert node.ledger.balance(attacker.name) == 1_000
    assert percentile_95(world.judge.latencies_s) < 2 * usual


@pytest.mark.slow
def test_thousands_of_contenders_leave_two_and_delay_nobody() -> None:
    usual = typical_latency_s(2)
    world = honest_world(2)
    attacker = Attacker(world, 6)
    flood = [world.community.vertex(6, note=note) for note in range(2_000)]
    for start in range(0, len(flood), 100):
        attacker.send(flood[start : start + 100])
        pay_for_a_while(world, 2)
    settle(world)
    for node in world.nodes.values():
        chain = node.ledger.chain(attacker.name)
        assert chain is not None
        # Those that the honest name as parents come along, so two for each that saw others first.
        assert len(chain.contenders(0)) <= CONTENDERS_MAX * len(world.nodes)
        assert node.participant.intake.parked <= PARKED_MAX
    assert percentile_95(world.judge.latencies_s) < 2 * usual


@pytest.mark.slow
def test_a_validator_that_shows_each_half_another_chain_is_convicted_everywhere() -> None:
    world = honest_world(3, seats=5, others=2, attackers=0)
    community = world.community
    world.run(world.now + 1)
    liar = 4
    world.crash(community.names[liar])
    attacker = Attacker(world, liar)
    head = world.nodes[community.names[0]].ledger.head(attacker.name)
    seq = 0 if head is None else None
    assert seq == 0, "it has nothing to say yet"
    faces = [community.vertex(liar, note=note) for note in (1, 2)]
    attacker.send(faces[:1], community.names[:2])
    attacker.send(faces[1:], community.names[2:4])
    pay_for_a_while(world)
    settle(world)
    proofs = {node.ledger.proofs().get(attacker.name) for node in world.nodes.values()}
    assert len(proofs) == 1
    proof = proofs.pop()
    assert proof is not None
    assert check_proof(proof, community.network) == attacker.name


def test_over_the_bound_a_double_confirmation_is_possible_and_proofs_name_the_culprits() -> None:
    """Two of four seats lie: each side confirms its own branch, and both find out who lied."""
    one, other = COMMUNITY.vertex(SPENDER, pays={SHOP: 1}), COMMUNITY.vertex(SPENDER)
    sides: list[list[Vertex]] = [
        [side, *[COMMUNITY.vertex(seat, parents=[side]) for seat in (honest, 2, 3)]]
        for honest, side in enumerate((one, other))
    ]
    here, there = inserted(sides[0]), inserted(sides[1])
    assert here.is_confirmed(one.id)
    assert there.is_confirmed(other.id)
    culprits: set[NodeId] = set()
    for ledger, news in ((here, sides[1]), (there, sides[0])):
        for vertex in news:
            ledger.insert(vertex)
        proofs = ledger.proofs()
        assert set(proofs) == {COMMUNITY.names[seat] for seat in (2, 3, SPENDER)}
        culprits = {check_proof(proof, COMMUNITY.network) for proof in proofs.values()}
    weight = sum(COMMUNITY.genesis.seats.get(culprit, 0) for culprit in culprits)
    assert weight >= 2 * COMMUNITY.genesis.quorum - COMMUNITY.genesis.weight
