"""Services between real agents: real sandboxes, channels and vouchers (SPEC.md section 9.8)."""

import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.wasm_tasks.packages import package, reactor
from tests.wasm_tasks.sandbox.processes import WORKER, children

from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.service_request import ServiceRequest
from fogbank_agent.trading.service_desk import ServiceRefused
from fogbank_protocol.blobs.naming import blob_id
from fogbank_wasm_tasks.outcome import Ok, Trap
from fogbank_wasm_tasks.sandbox.pool import Sandbox

from .neighbourhood import (
    Agent,
    Hasher,
    Neighbourhood,
    neighbourhood,
    settings,
    wait_until,
)

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
async def two_agents(folder: Path) -> AsyncGenerator[tuple[Neighbourhood, Agent, Agent]]:
    async with neighbourhood(folder, 2) as hood, trio.open_nursery() as nursery:
        sandbox = Sandbox(folder / "sandbox", workers=1)
        await nursery.start(sandbox.run)
        terms = settings(services_max=1, warm_price=WARM_PRICE, slots=1)
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
        await ann.requestor.start_service(await request(ann, drops_max=10))
        await wait_until(lambda: desk.all()[1].reason is Reason.SERVICE_STOPPED)


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
