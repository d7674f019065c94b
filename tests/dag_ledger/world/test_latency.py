"""How soon a payment is final, in virtual time: what the rules cost without the machine (8.6, 8.7).

Four validators and a payer, messages that take 2 to 4 ms, 50 payments a second.
"""

from functools import cache
from statistics import median, quantiles

import pytest

from fogbank_dag_ledger.limits import VALIDATOR_INTERVAL_S
from fogbank_dag_ledger.vertex import VertexId

from .weather import Weather
from .world import World

PAYMENTS_PER_S = 50
SECONDS = 5
WARM_UP_S = 2.0
STEP_S = 0.004


@cache
def paying_world() -> tuple[World, list[float]]:
    """Return a world in which an account paid, and how long each payment took, in seconds."""
    world = World(1, seats=4, others=2)
    world.weather = Weather(delay_s=(0.002, 0.004))
    names = world.community.names
    for name in names[:5]:
        world.start(name)
    payer = world.nodes[names[4]]
    world.run(WARM_UP_S)
    took: list[float] = []
    begun: list[float] = []
    final: set[VertexId] = set()
    for number in range(PAYMENTS_PER_S * SECONDS):
        until = WARM_UP_S + (number + 1) / PAYMENTS_PER_S
        payer.pay(names[number % 4], 1)
        begun.append(world.now)
        while world.now < until:
            world.run(min(until, world.now + STEP_S))
            for paid, at in zip(payer.paid, begun, strict=False):
                if paid not in final and payer.ledger.is_final(paid):
                    final.add(paid)
                    took.append(world.now - at)
    return world, took


@pytest.mark.slow
def test_a_payment_is_final_within_two_turns_of_the_validators() -> None:
    _, took = paying_world()
    assert len(took) > PAYMENTS_PER_S * (SECONDS - 1)
    assert median(took) <= 2 * VALIDATOR_INTERVAL_S
    assert quantiles(took, n=20)[-1] <= 3 * VALIDATOR_INTERVAL_S


@pytest.mark.slow
def test_most_vertices_are_pushed_to_a_node_once() -> None:
    world, _ = paying_world()
    held = sum(len(node.ledger) for node in world.nodes.values())
    needless = sum(node.needless for node in world.nodes.values())
    # Without looking at who is fed already it is 1.3 times what is held.
    assert needless < 0.7 * held
