"""Whole nodes in a made-up world, by example: whatever happened, they agree when it is over."""

import pytest

from fogbank_dag_ledger.home_operations import MoveHome
from fogbank_dag_ledger.messages import VERTICES, encode_vertices
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId

from ..community import home_of
from .weather import Weather
from .world import World

QUIET_S = 20.0


def pay_at_random(world: World, payments: int) -> None:
    """Let nodes that may issue pay each other a little over some seconds."""
    for _ in range(payments):
        payer, payee = world.random.sample(world.community.names, 2)
        if payer in world.nodes:
            world.nodes[payer].pay(payee, world.random.randint(1, 20))
        world.run(world.now + world.random.uniform(0, 0.2))


def assert_all_agree(world: World) -> None:
    world.run(world.now + QUIET_S)
    assert len(world.nodes) == len(world.community.names)
    assert world.judge.unsettled(world.nodes.values()) == ""
    world.judge.compare_at_the_end(world.nodes.values())
    world.judge.compare_with_oracle(next(iter(world.nodes.values())))


def started(seed: int) -> World:
    world = World(seed)
    for name in world.community.names:
        world.start(name)
    world.run(1.0)
    assert all(node.may_issue for node in world.nodes.values())
    return world


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_nodes_agree_after_loss_partition_and_crashes(seed: int) -> None:
    world = started(seed)
    world.weather = Weather(lost=0.2, doubled=0.2, delay_s=(0.001, 0.3))
    pay_at_random(world, 15)
    world.separate(world.random.sample(world.community.names, 2))
    pay_at_random(world, 15)
    victims: list[NodeId] = world.random.sample(world.community.names, 2)
    for victim in victims:
        world.crash(victim)
        pay_at_random(world, 5)
    for victim in victims:
        world.start(victim)
    pay_at_random(world, 10)
    world.heal()
    pay_at_random(world, 5)
    assert len(world.judge.paid) > 10
    assert_all_agree(world)


@pytest.mark.slow
def test_a_node_that_lost_its_whole_disk_learns_its_own_chain_before_it_issues() -> None:
    world = started(7)
    pay_at_random(world, 12)
    world.run(world.now + 5)
    victim = world.community.names[0]
    head = world.nodes[victim].ledger.head(victim)
    assert head is not None
    world.crash(victim)
    disk = world.disks[victim]
    disk.log.clear()
    disk.store.clear()
    disk.log_synced = disk.store_synced = 0
    world.start(victim)
    assert not world.nodes[victim].may_issue
    world.run(world.now + 10)
    node = world.nodes[victim]
    assert node.may_issue
    assert head in node.ledger
    node.pay(world.community.names[1], 1)
    assert_all_agree(world)
    assert len(node.paid) == 1


@pytest.mark.slow
def test_a_node_that_lost_its_store_rebuilds_it_from_its_own_log_and_the_others() -> None:
    world = started(8)
    pay_at_random(world, 12)
    world.run(world.now + 5)
    victim = world.community.names[1]
    world.crash(victim)
    world.disks[victim].store.clear()
    world.disks[victim].store_synced = 0
    world.start(victim)
    world.run(world.now + 10)
    assert world.nodes[victim].may_issue
    assert_all_agree(world)


@pytest.mark.slow
def test_an_old_image_put_back_is_noticed_and_nothing_forks() -> None:
    """Everything had been told to the others, so nobody is excused here."""
    world = started(9)
    pay_at_random(world, 6)
    world.run(world.now + 3)
    victim = world.community.names[2]
    image = world.disks[victim].image()
    pay_at_random(world, 12)
    world.run(world.now + 3)
    world.crash(victim)
    assert len(image.log) < len(world.disks[victim].log)
    world.disks[victim] = image
    world.start(victim)
    pay_at_random(world, 12)
    assert_all_agree(world)


def a_world_of_seven(seed: int) -> World:
    world = World(seed, seats=7, others=1)
    for name in world.community.names:
        world.start(name)
    world.run(1.0)
    return world


def settle(world: World, maker: NodeId, seats: list[NodeId], site: list[NodeId]) -> bytes:
    """Let ``maker`` make a home of ``seats``, and ``site`` live there; return the home."""
    world.nodes[maker].act(home_of(world.community, maker, seats))
    world.run(world.now + 3)
    (home,) = world.nodes[maker].ledger.homes.others
    for name in site:
        world.nodes[name].act(MoveHome(VertexId(home)))
    world.run(world.now + 3)
    return home


def settled_at_a_site(seed: int) -> tuple[World, list[NodeId]]:
    """Let three of seven seats make a home and live there."""
    world = a_world_of_seven(seed)
    site = list(world.community.names[:3])
    settle(world, site[0], site, site)
    return world, site


@pytest.mark.slow
@pytest.mark.parametrize("is_old", [False, True])
def test_a_seat_restarts_while_its_site_is_cut_off(is_old: bool) -> None:
    """Also with an old image, which knows less of its chain, or nothing of the home."""
    world, site = settled_at_a_site(11)
    victim, payee, _ = site
    image = world.disks[victim].image()
    world.separate(site)
    for _ in range(4):
        world.nodes[victim].pay(payee, 1)
        world.run(world.now + 0.5)
    known = world.nodes[victim].ledger.head(victim)
    assert known is not None
    assert world.nodes[payee].ledger.is_final(world.nodes[victim].paid[-1])
    world.crash(victim)
    if is_old:
        assert len(image.log) < len(world.disks[victim].log)
        world.disks[victim] = image
    world.start(victim)
    world.run(world.now + 5)
    # Nobody elsewhere was asked, and all that the site had decided is known again.
    node = world.nodes[victim]
    assert node.may_issue
    assert known in node.ledger
    node.pay(payee, 2)
    world.run(world.now + 3)
    assert world.nodes[payee].ledger.is_final(node.paid[-1])
    world.heal()
    assert_all_agree(world)
    assert world.judge.forkers == set()


@pytest.mark.slow
def test_who_lives_at_a_site_follows_to_the_home_that_succeeds_theirs() -> None:
    """While it is cut off, and nobody tells them to."""
    world = a_world_of_seven(14)
    site = list(world.community.names[:4])
    maker = world.nodes[site[0]]
    home = settle(world, site[0], site[:3], site)
    world.separate(site)
    maker.act(home_of(world.community, site[0], site, succeeds=VertexId(home)))
    world.run(world.now + 15)
    ledgers = {one: world.nodes[one].ledger for one in site}
    lives = {ledger.homes.of(ledger.chain(one)).id for one, ledger in ledgers.items()}
    assert lives == {one for one in maker.ledger.homes.others if one != home}
    # A new seat is there, and an old one may fail.
    world.crash(site[1])
    maker.pay(site[3], 2)
    world.run(world.now + 5)
    assert world.nodes[site[3]].ledger.is_final(maker.paid[-1])
    world.start(site[1])
    world.heal()
    assert_all_agree(world)


@pytest.mark.slow
def test_an_image_of_a_site_that_meets_everybody_but_the_site_stays_silent() -> None:
    """The community knows nothing of what a site decided by itself."""
    world, site = settled_at_a_site(12)
    victim, payee, other = site
    image = world.disks[victim].image()
    world.separate(site)
    for _ in range(3):
        world.nodes[victim].pay(payee, 1)
        world.run(world.now + 0.5)
    world.crash(victim)
    world.disks[victim] = image
    world.heal()
    world.separate([payee, other])
    world.start(victim)
    world.run(world.now + 10)
    assert not world.nodes[victim].may_issue
    world.heal()
    assert_all_agree(world)
    assert world.nodes[victim].may_issue
    assert world.judge.forkers == set()


@pytest.mark.slow
def test_an_image_from_before_its_account_moved_asks_those_it_moved_to() -> None:
    world = a_world_of_seven(13)
    site = list(world.community.names[:3])
    victim, payee, other = site
    image = world.disks[victim].image()
    home = settle(world, payee, site, site)
    world.separate([victim])
    world.crash(victim)
    world.disks[victim] = image
    world.heal()
    world.separate([payee, other])
    world.start(victim)
    world.run(world.now + 10)
    # It learns from the community that it moved, and that these seats know no more.
    assert world.nodes[victim].ledger.homes.of(world.nodes[victim].ledger.chain(victim)).id == home
    assert not world.nodes[victim].may_issue
    world.heal()
    assert_all_agree(world)
    assert world.nodes[victim].may_issue
    assert world.judge.forkers == set()


@pytest.mark.slow
def test_two_agents_with_one_key_are_stopped_and_the_others_go_on() -> None:
    world = started(10)
    pay_at_random(world, 6)
    world.run(world.now + 3)
    twin = world.community.names[4]
    world.judge.excused.add(twin)
    before = world.disks[twin].image()
    world.separate([twin])
    world.nodes[twin].pay(world.community.names[0], 1)
    world.run(world.now + 0.1)
    (elsewhere,) = world.disks[twin].find(world.nodes[twin].paid[-1:])
    world.crash(twin)
    world.disks[twin] = before
    world.heal()
    world.start(twin)
    world.run(world.now + 3)
    agent = world.nodes[twin]
    agent.pay(world.community.names[0], 2)
    world.run(world.now + 0.02)
    assert len(agent.paid) == 1
    agent.take(world.community.names[0], VERTICES, encode_vertices([elsewhere]))
    assert agent.stopped
    agent.pay(world.community.names[0], 3)
    assert len(agent.paid) == 1
    assert_all_agree(world)
    assert world.judge.forkers == {twin}
