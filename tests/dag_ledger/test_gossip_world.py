"""Many whole nodes in a made-up world: whatever happened, they agree when it is over."""

import pytest

from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId

from .gossip_world import Disk, Weather, World

QUIET_S = 20.0


def pay_at_random(world: World, payments: int) -> list[VertexId]:
    """Let nodes that may issue pay each other a little over some seconds."""
    made: list[VertexId] = []
    for _ in range(payments):
        payer, payee = world.random.sample(world.community.names, 2)
        if payer in world.nodes:
            vertex_id = world.nodes[payer].pay(payee, world.random.randint(1, 20))
            if vertex_id is not None:
                made.append(vertex_id)
        world.run(world.now + world.random.uniform(0, 0.2))
    return made


def assert_all_agree(world: World, made: list[VertexId]) -> None:
    ledgers = [node.ledger for node in world.nodes.values()]
    assert len(ledgers) == len(world.community.names)
    assert len({ledger.state_hash() for ledger in ledgers}) == 1
    assert len({len(ledger) for ledger in ledgers}) == 1
    for ledger in ledgers:
        assert ledger.supply_held() == world.community.genesis.supply
        assert [vertex_id for vertex_id in made if not ledger.is_final(vertex_id)] == []
    assert world.forked == set()


def started(seed: int) -> World:
    world = World(seed)
    for name in world.community.names:
        world.start(name)
    world.run(1.0)
    assert all(node.may_issue for node in world.nodes.values())
    return world


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_nodes_agree_after_loss_partition_and_crashes(seed: int) -> None:
    world = started(seed)
    world.weather = Weather(lost=0.2, doubled=0.2, delay_s=(0.001, 0.3))
    made = pay_at_random(world, 15)
    world.separate(world.random.sample(world.community.names, 2))
    made += pay_at_random(world, 15)
    victims: list[NodeId] = world.random.sample(world.community.names, 2)
    for victim in victims:
        world.crash(victim)
        made += pay_at_random(world, 5)
    for victim in victims:
        world.start(victim)
    made += pay_at_random(world, 10)
    world.heal()
    made += pay_at_random(world, 5)
    world.run(world.now + QUIET_S)
    assert len(made) > 10
    assert_all_agree(world, made)


@pytest.mark.slow
def test_a_node_that_lost_its_whole_disk_learns_its_own_chain_before_it_issues() -> None:
    world = started(7)
    made = pay_at_random(world, 12)
    world.run(world.now + 5)
    victim = world.community.names[0]
    head = world.nodes[victim].ledger.head(victim)
    assert head is not None
    world.crash(victim)
    world.disks[victim].log.clear()
    world.disks[victim].store.clear()
    world.start(victim)
    assert not world.nodes[victim].may_issue
    world.run(world.now + 10)
    node = world.nodes[victim]
    assert node.may_issue
    assert head in node.ledger
    made += [made_now for made_now in [node.pay(world.community.names[1], 1)] if made_now]
    world.run(world.now + QUIET_S)
    assert_all_agree(world, made)


@pytest.mark.slow
def test_a_node_that_lost_its_store_rebuilds_it_from_its_own_log_and_the_others() -> None:
    world = started(8)
    made = pay_at_random(world, 12)
    world.run(world.now + 5)
    victim = world.community.names[1]
    world.crash(victim)
    world.disks[victim].store.clear()
    world.start(victim)
    world.run(world.now + 10)
    assert world.nodes[victim].may_issue
    world.run(world.now + QUIET_S)
    assert_all_agree(world, made)


@pytest.mark.slow
def test_an_old_image_put_back_is_noticed_and_nothing_forks() -> None:
    world = started(9)
    made = pay_at_random(world, 6)
    world.run(world.now + 3)
    victim = world.community.names[2]
    log, store = list(world.disks[victim].log), list(world.disks[victim].store)
    made += pay_at_random(world, 12)
    world.run(world.now + 3)
    world.crash(victim)
    world.disks[victim].log[:] = log
    world.disks[victim].store[:] = store
    world.start(victim)
    made += pay_at_random(world, 12)
    world.run(world.now + QUIET_S)
    assert_all_agree(world, made)


@pytest.mark.slow
def test_two_agents_with_one_key_are_stopped_and_the_others_go_on() -> None:
    world = started(10)
    made = pay_at_random(world, 6)
    world.run(world.now + 3)
    twin = world.community.names[4]
    alone = world.nodes[twin]
    alone.disk = Disk(list(alone.disk.log), list(alone.disk.store))
    world.separate([twin])
    # The first may be a claim, and the same on both sides; the second is a payment.
    for _ in range(2):
        assert alone.pay(world.community.names[0], 1)
    del world.nodes[twin]
    world.heal()
    world.start(twin)
    world.run(world.now + 3)
    for _ in range(2):
        assert world.nodes[twin].pay(world.community.names[0], 2)
    world.run(world.now + 3)
    world.nodes[twin].take(alone.find(lambda _: True), world.community.names[0], is_asked=True)
    assert world.nodes[twin].stopped
    assert world.nodes[twin].pay(world.community.names[0], 3) is None
    world.run(world.now + QUIET_S)
    assert world.forked == {twin}
    ledgers = [node.ledger for node in world.nodes.values()]
    assert len({len(ledger) for ledger in ledgers}) == 1
    assert len({ledger.state_hash() for ledger in ledgers}) == 1
    assert all(ledger.is_final(vertex_id) for vertex_id in made for ledger in ledgers)
