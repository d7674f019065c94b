"""Requestors of services that vanish or do not pay (SPEC.md section 9.8, *Life*)."""

from pathlib import Path

import pytest
import trio

from fogbank_agent.limits import WEIGHTS_VERSION
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.service_messages import ChargeMade, ServiceEnded
from fogbank_agent.market.service_orders import ServiceOrder
from fogbank_agent.trading.service_calls import ServiceCalls, SignedServiceBid
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.node import Node
from fogbank_wasm_tasks.sandbox.pool import Sandbox

from .neighbourhood import Agent, Hasher, settings, wait_until
from .test_hostile_peers import MALLORY, beside_mallory, open_channel, raw_node
from .test_service_desk import SUM, WARM_PRICE, request, two_agents

pytestmark = pytest.mark.slow


async def test_the_service_of_a_requestor_that_dies_leaves_its_slot(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (_, ann, ben):
        await ann.requestor.start_service(await request(ann))
        provider = ben.provider
        assert provider is not None
        assert provider.status().services == 1
        ann.scope.cancel()
        await wait_until(lambda: provider.status().services == 0)
        assert provider.status().running == 0


def an_order(requestor: NodeId) -> ServiceOrder:
    return ServiceOrder(
        requestor=requestor,
        salt=bytes(16),
        package_id=SUM.package_id,
        arguments=(),
        environment=(),
        seed=0,
        fuel_max=10**6,
        memory_bytes_max=1 << 20,
        output_bytes_max=1_000,
        call_ms_max=1_000,
        idle_s_max=60,
        duration_s_max=60,
        price_max=1_000,
        start_price_max=100,
        warm_price_max=WARM_PRICE,
        weights=WEIGHTS_VERSION,
    )


async def end_of(node: Node, seller: Agent) -> tuple[Reason, int]:
    """Start a service, pay nothing, and return why it ended and after how many charges."""
    calls = ServiceCalls(node, MALLORY)
    order = calls.sign(an_order(MALLORY.node_id))
    bid = await calls.ask(order, seller.node_id)
    assert isinstance(bid, SignedServiceBid), bid
    _, agreement = calls.agree(order, bid)
    charges = 0
    async with calls.open(order, agreement) as stream:
        while True:
            match await stream.receive():
                case ChargeMade():
                    charges += 1
                case ServiceEnded(code):
                    return code, charges


async def test_a_service_that_is_not_paid_ends_after_a_beat(tmp_path: Path) -> None:
    async with beside_mallory(tmp_path) as hood, trio.open_nursery() as nursery:
        sandbox = Sandbox(tmp_path / "sandbox", workers=1)
        await nursery.start(sandbox.run)
        terms = settings(credit=0, services_max=1, warm_price=WARM_PRICE)
        seller = await hood.start(1, sells=Hasher(), terms=terms, sessions=sandbox)
        await seller.blobs.put(SUM.data)
        node = await raw_node(hood, nursery)
        await open_channel(hood, nursery, node, seller, tmp_path / "mallory")
        reason, charges = await end_of(node, seller)
        assert reason is Reason.REQUESTOR_IN_DEBT
        # The beginning, at most the beat of two seconds, and what the end adds to it.
        assert charges <= 3
        (earned,) = seller.journal.earnings()
        assert earned.paid == 0
        nursery.cancel_scope.cancel()
