"""Attacks with numbers: bounds hold, everyone honest is served."""

from collections.abc import Sequence

import pytest

from fogbank_dag_ledger.frontier import Head, Tag
from fogbank_dag_ledger.limits import (
    PARKED_PER_PEER_MAX,
    TIPS_DRAWN_FROM,
    VALIDATOR_PARENTS_MAX,
    WINDOW,
)
from fogbank_dag_ledger.vertex import (
    NO_VERTEX,
    ORDINARY,
    Claim,
    Draft,
    Vertex,
    VertexId,
    tag_of,
)
from fogbank_dag_ledger.vertex_codec import sign_vertex
from fogbank_protocol.identity import Identity

from .attacker import (
    Attacker,
    honest_world,
    pay_for_a_while,
    percentile_95,
    settle,
    typical_latency_s,
)


@pytest.mark.slow
def test_a_flood_of_tips_on_one_old_vertex_orphans_nobody() -> None:
    """Lazy tips, a blowball: everyone's vertices are final, tips and windows stay bounded."""
    floods = 4
    usual = typical_latency_s(4, others=3 + floods, attackers=floods)
    world = honest_world(4, others=3 + floods, attackers=floods)
    community = world.community
    pay_for_a_while(world, 3)
    old = next(iter(world.nodes.values())).ledger.head(community.names[0])
    assert old is not None
    first = len(community.names) - 1 - floods
    attackers = [Attacker(world, first + number) for number in range(floods)]
    parent = world.decode(world.disks[community.names[0]].find([old])[0])
    chains = [[community.vertex(first + number, parents=[parent])] for number in range(floods)]
    for _ in range(20):
        for number, attacker in enumerate(attackers):
            chain = chains[number]
            for _ in range(20):
                chain.append(community.vertex(first + number, chain[-1], [parent]))
            attacker.send(chain[-20:])
        pay_for_a_while(world, 2)
        for node in world.nodes.values():
            assert len(node.ledger.dag.tips) <= TIPS_DRAWN_FROM + VALIDATOR_PARENTS_MAX
    settle(world)
    for node in world.nodes.values():
        for attacker in attackers:
            held = node.ledger.chain(attacker.name)
            assert held is not None
            assert len(held.slots) <= held.final_count + WINDOW
    assert percentile_95(world.judge.latencies_s) < 2 * usual


@pytest.mark.parametrize("claims", [(), (Claim(VertexId(bytes(31) + b"\1"), 1),)])
def test_dust_of_many_keys_that_cost_nothing_is_not_taken(claims: Sequence[Claim]) -> None:
    """Neither empty vertices nor claims to sources that nobody has make a stranger known."""
    world = honest_world(4)
    attacker = Attacker(world, len(world.community.names) - 1)
    pay_for_a_while(world)
    before = {name: len(node.ledger) for name, node in world.nodes.items()}
    dust: list[Vertex] = []
    for number in range(500):
        key = Identity.from_seed(b"dust" + number.to_bytes(28, "big"))
        draft = Draft(ORDINARY, key.node_id, 0, NO_VERTEX, claims=claims)
        dust.append(sign_vertex(draft, key, world.community.network))
    attacker.send(dust)
    world.run(world.now + 1)
    for name, node in world.nodes.items():
        assert node.participant.intake.parked == 0
        assert len(node.ledger) >= before[name]
        assert all(node.ledger.chain(one.issuer) is None for one in dust)
    settle(world)


@pytest.mark.slow
@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_subgraph_withheld_and_released_at_once_meets_the_window_and_the_parking(
    is_reversed: bool,
) -> None:
    world = honest_world(5)
    community = world.community
    withheld = [community.vertex(6)]
    while len(withheld) < 3_000:
        withheld.append(community.vertex(6, withheld[-1]))
    attacker = Attacker(world, 6, frontier={Tag(tag_of(community.names[6])): Head(0, bytes(4))})
    attacker.send(withheld[::-1] if is_reversed else withheld)
    world.run(world.now + 0.1)
    for node in world.nodes.values():
        assert node.participant.intake.parked <= PARKED_PER_PEER_MAX
        chain = node.ledger.chain(attacker.name)
        assert chain is None or len(chain.slots) <= chain.final_count + WINDOW
    pay_for_a_while(world)
    settle(world)
    # Three requests for each edge that was missing, and frontiers every two seconds.
    assert attacker.asked <= len(world.nodes) * (3 * WINDOW + 3 * world.now)


@pytest.mark.slow
def test_made_up_frontiers_keep_nobody_from_the_truth() -> None:
    """A neighbour that promises what does not exist is asked in vain, and others are asked too."""
    world = honest_world(6)
    names = world.community.names
    promises = {Tag(tag_of(name)): Head(1_000_000, b"mine") for name in names}
    Attacker(world, 6, frontier=dict(sorted(promises.items())))
    world.separate([names[4]])
    pay_for_a_while(world)
    world.heal()
    settle(world)
