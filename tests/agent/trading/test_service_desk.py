"""Services between real agents: real sandboxes, channels and vouchers (SPEC.md section 9.8)."""

import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from tests.wasm_tasks.packages import package, reactor
from tests.wasm_tasks.sandbox.processes import WORKER, children

from fogbank_agent.limits import SERVICE_CALL_BODY_BYTES_MAX
from fogbank_agent.market.charges import Charge, sign_charge
from fogbank_agent.market.offers import sign_offer
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.service_bids import (
    ServiceBid,
    service_agreement_id,
    sign_service_agreement,
    sign_service_answer,
)
from fogbank_agent.market.service_messages import (
    ChargeMade,
    ServiceMade,
    decode_service_opening,
    encode_service_item,
)
from fogbank_agent.market.service_orders import SERVICE_ORDER, service_order_id
from fogbank_agent.market.service_request import ServiceRequest
from fogbank_agent.trading.service_desk import ServiceRefused
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.node.node import CallRefused, RequestService, Service, StreamService
from fogbank_protocol.signed import signed_from_value
from fogbank_wasm_tasks.outcome import Ok, Trap
from fogbank_wasm_tasks.sandbox.pool import Sandbox

from ..market.test_offers import AN_OFFER
from .neighbourhood import (
    BALANCE,
    Agent,
    Hasher,
    Neighbourhood,
    neighbourhood,
    settings,
    wait_until,
)
from .test_hostile_peers import MALLORY, raw_node

pytestmark = pytest.mark.slow

SUM = package(
    reactor(
        "(if (i32.eq (local.get 1) (i32.const 13)) (then unreachable))"
        "(global.set $sum (i32.add (global.get $sum) (local.get 1)))"
        "(i32.store8 (i32.const 8) (global.get $sum))"
        "(i64.or (i64.shl (i64.const 8) (i64.const 32)) (i64.const 1))",
        fields="(global $sum (mut i32) (i32.const 100))",
    )
)
BUSY = package(
    reactor(
        "(local $left i32)"
        "(local.set $left (i32.const 10000000))"
        "(loop $again (br_if $again"
        " (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))"
        "i64.const 0"
    )
)
WARM_PRICE = 1_000


async def request(agent: Agent, **changes: Any) -> ServiceRequest:
    fields: dict[str, Any] = {
        "package_id": await agent.blobs.put(SUM.data),
        "fuel_max": 10**6,
        "memory_bytes_max": 1 << 20,
        "price_max": 1_000,
        "start_price_max": 100,
        "warm_price_max": WARM_PRICE,
        "drops_max": 50_000,
        **changes,
    }
    return ServiceRequest(**fields)


@asynccontextmanager
async def two_agents(
    folder: Path, *, price: int = 100, warm_price: int = WARM_PRICE
) -> AsyncGenerator[tuple[Neighbourhood, Agent, Agent]]:
    async with neighbourhood(folder, 2) as hood, trio.open_nursery() as nursery:
        sandbox = Sandbox(folder / "sandbox", workers=1)
        await nursery.start(sandbox.run)
        terms = settings(services_max=1, price=price, warm_price=warm_price, slots=1)
        ben = await hood.start(2, sells=Hasher(), terms=terms, sessions=sandbox)
        ann = await hood.start(1)
        await hood.wait_ready()
        yield hood, ann, ben
        nursery.cancel_scope.cancel()


async def test_a_service_keeps_its_state_is_paid_and_ends_cleanly(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (_, ann, ben):
        started = await ann.requestor.start_service(await request(ann))
        assert (started.is_live, started.calls, started.charges) == (True, 0, 1)
        assert ben.provider is not None
        assert ben.provider.status().services == 1

        # One slot, one service: another finds it busy, and so does a service from the same side.
        with pytest.raises(ServiceRefused, match="all its slots are taken"):
            await ann.requestor.start_service(await request(ann, patience_s=0.5))

        desk = ann.requestor.desk
        results = [await desk.call(started.service, bytes(length)) for length in (1, 2, 3)]
        assert [result.output for result in results] == [bytes([101]), bytes([103]), bytes([106])]
        assert all(isinstance(result.outcome, Ok) for result in results)
        assert all(result.drops >= 1 for result in results)

        stopped = await desk.stop(started.service)
        assert (stopped.reason, stopped.calls) == (Reason.SERVICE_STOPPED, 3)
        assert stopped.drops == stopped.paid > 0
        assert stopped.drops >= 4 + stopped.warm_ms * WARM_PRICE // 1_000
        [earned] = ben.journal.earnings()
        await wait_until(lambda: ben.journal.earnings()[0].paid == stopped.paid)
        with pytest.raises(ServiceRefused, match="the requestor stopped the service"):
            await desk.call(started.service, b"")
        assert await ann.requestor.close_channels() == 0
        await wait_until(lambda: ben.provider is not None and ben.provider.status().services == 0)
        assert earned.requestor == ann.node_id


async def test_a_call_that_traps_ends_the_service_and_is_charged(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (_, ann, _ben):
        started = await ann.requestor.start_service(await request(ann))
        desk = ann.requestor.desk
        result = await desk.call(started.service, bytes(13))
        assert (result.outcome, result.output) == (Trap("unreachable"), b"")
        await wait_until(lambda: desk.all()[0].reason is Reason.SERVICE_FAILED)
        assert desk.all()[0].drops >= 2


async def test_an_instance_that_dies_and_a_provider_that_dies_are_told(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (_, ann, ben):
        desk = ann.requestor.desk
        await ann.requestor.start_service(await request(ann))
        for worker in children(WORKER):
            os.kill(worker, signal.SIGKILL)
        await wait_until(lambda: desk.all()[0].reason is Reason.HOST_FAULT)

        second = await ann.requestor.start_service(await request(ann))
        ben.scope.cancel()
        await wait_until(lambda: desk.all()[1].reason is not None)
        with pytest.raises(ServiceRefused, match="the service has ended"):
            await desk.call(second.service, b"x")
        assert desk.all()[1].reason in (Reason.PROVIDER_LOST, Reason.SHUTTING_DOWN)


async def test_a_service_ends_when_nobody_calls_it_or_its_money_is_spent(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (_, ann, _ben):
        desk = ann.requestor.desk
        await ann.requestor.start_service(await request(ann, idle_s_max=1))
        await wait_until(lambda: desk.all()[0].reason is Reason.SERVICE_IDLE)
        await ann.requestor.start_service(await request(ann, drops_max=6_500, call_ms_max=10))
        await wait_until(lambda: desk.all()[1].reason is Reason.SERVICE_STOPPED)
        assert 2_000 <= desk.all()[1].drops <= 6_500
        assert [one.budget_spent for one in desk.all()] == [None, 6_500]


async def test_a_call_that_could_pass_the_budget_is_not_made(tmp_path: Path) -> None:
    # At 100 drops a gigafuel the beginning and each call may cost 101, and a call takes about 10.
    fields = {"package_id": b"", "fuel_max": 10**9, "warm_price_max": 0}
    async with two_agents(tmp_path, warm_price=0) as (_, ann, _ben):
        fields["package_id"] = await ann.blobs.put(BUSY.data)
        with pytest.raises(ServiceRefused, match="may cost 202 drops, and the budget is 201"):
            await ann.requestor.start_service(await request(ann, drops_max=201, **fields))

        started = await ann.requestor.start_service(await request(ann, drops_max=202, **fields))
        desk, calls = ann.requestor.desk, 0
        while desk.all()[0].drops <= 202 - 101:
            await desk.call(started.service, b"")
            calls += 1
        with pytest.raises(ServiceRefused, match="are left of the budget"):
            await desk.call(started.service, b"")
        seen = desk.all()[0]
        assert seen.is_live, "a smaller call could not be made either, but its owner ends it"
        assert calls >= 2
        assert seen.drops <= 202


async def test_what_a_call_may_cost_is_set_aside_while_it_is_under_way(tmp_path: Path) -> None:
    # A call may cost two fifths of all money, and so may the beginning.
    price = BALANCE * 2 // 5
    async with two_agents(tmp_path, price=price, warm_price=0) as (_, ann, _ben):
        desk = ann.requestor.desk

        def share_at_hand() -> float:
            fuel = ann.requestor.affordable_fuel(price, 100, copies=1)
            assert fuel is not None
            return fuel / 10**9 * price / BALANCE

        fields = {"fuel_max": 10**9, "price_max": price, "warm_price_max": 0}
        package_id = await ann.blobs.put(BUSY.data)
        wanted = await request(ann, package_id=package_id, drops_max=BALANCE, **fields)
        started = await ann.requestor.start_service(wanted)
        assert share_at_hand() > 0.9
        async with trio.open_nursery() as nursery:
            nursery.start_soon(desk.call, started.service, b"")
            await trio.testing.wait_all_tasks_blocked()
            assert share_at_hand() < 0.6
        assert share_at_hand() > 0.9


async def test_a_call_whose_answer_is_lost_ends_the_service(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 1) as hood, trio.open_nursery() as nursery:
        ann = await hood.start(1)
        deaf = Deaf(hood.genesis.network)
        node = await raw_node(hood, nursery, *deaf.services())
        offer = replace(AN_OFFER, provider=MALLORY.node_id, features=("reactor", "service"))
        signed = sign_offer(offer, hood.genesis.network, MALLORY)
        node.send_nowait(ann.node_id, "market.offer", encode(signed.to_value()))
        await wait_until(lambda: len(ann.requestor.offers()) == 1)
        started = await ann.requestor.start_service(await request(ann))
        desk = ann.requestor.desk

        with pytest.raises(ServiceRefused, match="the call was not taken"):
            await desk.call(started.service, b"x")

        await wait_until(lambda: not desk.all()[0].is_live)
        assert desk.all()[0].reason is Reason.NO_ANSWER
        with pytest.raises(ServiceRefused, match="the service has ended"):
            await desk.call(started.service, b"x")
        nursery.cancel_scope.cancel()


class Deaf:
    """Keeps a service, and lets no call be taken."""

    def __init__(self, network: NetworkId) -> None:
        self.network = network

    def services(self) -> Sequence[Service]:
        return [
            RequestService("market.service", self.bid),
            StreamService("market.serve", self.serve),
            RequestService("market.call", self.call, SERVICE_CALL_BODY_BYTES_MAX),
        ]

    async def bid(self, peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        order = signed_from_value(SERVICE_ORDER, decode(body))
        bid = ServiceBid(
            provider=MALLORY.node_id,
            order_id=service_order_id(order, self.network),
            price=0,
            start_price=0,
            warm_price=0,
            valid_ms=5_000,
        )
        return encode(sign_service_answer(bid, self.network, MALLORY).to_value())

    async def serve(self, peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        agreement = decode_service_opening(body).agreement_body
        signature = sign_service_agreement(agreement, self.network, MALLORY)
        yield encode_service_item(ServiceMade(signature))
        begun = Charge(
            service=service_agreement_id(agreement, self.network),
            provider=MALLORY.node_id,
            sequence=0,
            warm_ms=0,
            fuel=0,
            input_id=None,
            outcome=Ok(blob_id(b""), 0),
        )
        yield encode_service_item(ChargeMade(sign_charge(begun, self.network, MALLORY), None))
        beat = replace(begun, outcome=None)
        for sequence in count(1):
            await trio.sleep(0.5)
            beat = replace(beat, sequence=sequence)
            yield encode_service_item(ChargeMade(sign_charge(beat, self.network, MALLORY), None))

    async def call(self, peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        raise CallRefused("not_found", "which says neither that it was taken nor that it was not")


async def test_what_cannot_be_had_is_refused_in_words(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        await hood.start(2, sells=Hasher())
        ann = await hood.start(1)
        await hood.wait_ready()
        with pytest.raises(ServiceRefused, match="offers services at these prices"):
            await ann.requestor.start_service(await request(ann, patience_s=0.3))
        with pytest.raises(ServiceRefused, match="the package is not here"):
            await ann.requestor.start_service(await request(ann, package_id=blob_id(b"?")))
        with pytest.raises(ServiceRefused, match="no such order"):
            await ann.requestor.start_service(await request(ann, duration_s_max=9_999))
        with pytest.raises(ServiceRefused, match="no service begins"):
            ann.requestor.desk.find("ab")
