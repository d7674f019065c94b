"""Attacks on whom a node hears: what it cannot know it does not hold for final."""

import pytest

from fogbank_dag_ledger.committee_operations import table_of
from fogbank_dag_ledger.participation.happenings import SeatsWanted

from .attacker import Attacker, honest_world, pay_for_a_while, settle


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 4])
def test_whoever_hears_the_attacker_alone_holds_nothing_for_final(victim: int) -> None:
    """An eclipse, of a validator and of a client: safety holds, and too little weight is heard."""
    world = honest_world(7)
    community = world.community
    attacker = Attacker(world, 6)
    world.separate([community.names[victim], attacker.name])
    world.connect(community.names[victim], attacker.name)
    node = world.nodes[community.names[victim]]
    before = node.ledger.final_count
    bait = community.vertex(6, pays={victim: 1_000})
    attacker.send([bait], [node.name])
    node.pay(community.names[1], 5)
    pay_for_a_while(world, 20)
    world.run(world.now + 10)
    assert bait.id in node.ledger
    assert not node.ledger.is_final(bait.id)
    assert node.ledger.final_count == before
    heard = {*node.participant.peers, node.name}
    weight = sum(community.genesis.seats.get(name, 0) for name in heard)
    assert weight < community.genesis.quorum
    world.heal()
    settle(world)


@pytest.mark.slow
def test_an_old_backup_put_back_unheard_freezes_its_account_and_no_other() -> None:
    """What the others had not heard of it signs anew: it is convicted, and all others go on."""
    world = honest_world(8, attackers=0)
    community = world.community
    victim = community.names[4]
    backup = world.disks[victim].image()
    world.separate([victim])
    world.nodes[victim].pay(community.names[0], 1)
    world.run(world.now + 0.2)
    (lost,) = world.disks[victim].find(world.nodes[victim].paid)
    world.crash(victim)
    world.disks[victim] = backup
    world.judge.excused.add(victim)
    world.heal()
    world.start(victim)
    world.run(world.now + 3)
    world.nodes[victim].pay(community.names[1], 2)
    world.run(world.now + 0.02)
    # The vertex from before turns up after all, at somebody who had been near.
    witness = world.nodes[community.names[1]]
    witness.take_found([lost], community.names[2])
    pay_for_a_while(world)
    settle(world)
    for node in world.nodes.values():
        assert victim in node.ledger.proofs()
        held = [node.ledger.is_final(one) for one in (world.decode(lost).id, *world.judge.paid)]
        assert held.count(True) > 10
    assert world.nodes[victim].stopped

    # The seats begin an epoch, its owner starts it again, and it pays like anybody.
    world.judge.one_epoch = False
    seats = table_of(community.genesis.seats, community.genesis.quorum)
    for name in community.validators:
        world.nodes[name].tell(SeatsWanted(seats))
    world.run(world.now + 20)
    assert {node.ledger.epochs.number for node in world.nodes.values()} == {1}
    world.crash(victim)
    world.start(victim)
    world.run(world.now + 5)
    assert world.nodes[victim].may_issue
    world.nodes[victim].pay(community.names[0], 3)
    world.run(world.now + 5)
    (paid,) = world.nodes[victim].paid
    assert all(node.ledger.is_final(paid) for node in world.nodes.values())
