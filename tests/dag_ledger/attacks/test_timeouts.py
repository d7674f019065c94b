"""Attacks with the clock: a deed at the last moment, seen in time by some validators only."""

import pytest

from fogbank_dag_ledger.operations import (
    Act,
    Action,
    Deliver,
    EscrowTerms,
    Opening,
    RefundLate,
    ReleaseLate,
    object_id,
)
from fogbank_dag_ledger.participation.happenings import ActWanted
from fogbank_dag_ledger.vertex import VertexId

from ..world.node import Node
from ..world.world import World
from .attacker import honest_world, settle

OPENER, PROVIDER = 4, 5
BEATS = 20
PRICE = 100


class Deal:
    """An escrow between two honest agents, opened and final."""

    def __init__(self, world: World) -> None:
        self.world = world
        names = world.community.names
        terms = EscrowTerms(names[PROVIDER], (), 0, (), BEATS, BEATS, bytes(32))
        self._want(OPENER, Opening(0, PRICE, terms))
        world.run(world.now + 2)
        (held,) = self.node(OPENER).ledger.objects()
        place = self.node(OPENER).participant.objects.place(held.id)
        assert place is not None
        self.opening: VertexId = place[0]
        assert self.node(PROVIDER).ledger.is_final(self.opening)

    def node(self, person: int) -> Node:
        return self.world.nodes[self.world.community.names[person]]

    def act(self, person: int, action: Action) -> None:
        self._want(person, Act(self.opening, 0, action))

    def _want(self, person: int, operation: Opening | Act) -> None:
        self.node(person).tell(ActWanted(self.world.steps, (operation,)))

    def awards(self) -> set[int | None]:
        """Return the outcomes that the honest know."""
        outcomes = [
            held.outcome
            for node in self.world.nodes.values()
            if (held := node.ledger.object(object_id(self.opening, 0))) is not None
        ]
        return {None if outcome is None else outcome.award for outcome in outcomes}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_delivery_at_the_last_moment_settles_once_at_most(seed: int) -> None:
    """Half of the seats hear of it in time; the opener wants its money back all the same."""
    world = honest_world(20 + seed, attackers=0)
    names = world.community.names
    deal = Deal(world)
    world.run(world.now + BEATS - 1 + seed)
    far = [(names[one], names[other]) for one in (PROVIDER, 0, 1) for other in (2, 3, OPENER)]
    world.deaf.update([*far, *[(other, one) for one, other in far]])
    deal.act(PROVIDER, Deliver(bytes(32)))
    world.run(world.now + 6)
    world.deaf.clear()
    for _ in range(12):
        deal.act(OPENER, RefundLate())
        deal.act(PROVIDER, ReleaseLate())
        world.run(world.now + 5)
        assert len(deal.awards() - {None}) <= 1
    settle(world)
    assert len(deal.awards()) == 1


@pytest.mark.slow
def test_who_delivers_well_before_the_end_is_paid_whatever_the_opener_tries() -> None:
    world = honest_world(24, attackers=0)
    deal = Deal(world)
    world.run(world.now + BEATS // 2)
    deal.act(PROVIDER, Deliver(bytes(32)))
    for _ in range(12):
        world.run(world.now + 5)
        deal.act(OPENER, RefundLate())
        deal.act(PROVIDER, ReleaseLate())
    settle(world)
    assert deal.awards() == {PRICE}


@pytest.mark.slow
def test_who_was_delivered_nothing_has_the_money_back() -> None:
    world = honest_world(25, attackers=0)
    deal = Deal(world)
    for _ in range(10):
        world.run(world.now + 5)
        deal.act(OPENER, RefundLate())
        deal.act(PROVIDER, ReleaseLate())
    settle(world)
    assert deal.awards() == {0}
