"""The market between four agents in one process on loopback; JSON lines.

Everything is real but the task itself, which costs nothing, so that only the market is measured.
Run it from the repository: ``python -m benchmarks.market``.
"""

import json
import statistics
import tempfile
from pathlib import Path

import trio
from tests.agent.trading.neighbourhood import (
    Agent,
    Hasher,
    a_job,
    neighbourhood,
    settings,
    wait_until,
)
from tests.wasm_tasks.packages import package, reactor

from fogbank_agent.limits import TICK_MS
from fogbank_agent.market.orders import Audit, NoVerification, Verification
from fogbank_agent.market.story import RunAccepted, RunOrdered, RunPlaced
from fogbank_agent.trading.requestor import JobEvent
from fogbank_wasm_tasks.sandbox.pool import Sandbox

PROVIDERS = 3
SINGLE_RUNS = 60
BATCH_RUNS = 300
LONG_FUEL = 5_000_000_000


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"benchmark": name, "value": round(value, 3), "unit": unit, **more}))


async def times_of_one(agent: Agent, number: int) -> tuple[float, float]:
    """Return the milliseconds from order to agreement and to acceptance of a job of one run."""
    send, receive = trio.open_memory_channel[JobEvent](1_000)
    job = await a_job(agent, [number.to_bytes(8, "big")], verification=NoVerification())
    await agent.requestor.buy(job, send)
    send.close()
    at_ms = {type(event.what): event.at_ms async for event in receive}
    ordered = at_ms[RunOrdered]
    return at_ms[RunPlaced] - ordered, at_ms[RunAccepted] - ordered


async def measure_latency(agent: Agent) -> None:
    times = [await times_of_one(agent, number) for number in range(SINGLE_RUNS)]
    cold, warm = times[0], times[1:]
    agreements = [agreement for agreement, _ in warm]
    report("order_to_agreement_p50", statistics.median(agreements), "ms", goal=50)
    report("order_to_agreement_max", max(agreements), "ms")
    report("order_to_agreement_cold", cold[0], "ms")
    trips = [total - agreement for agreement, total in warm]
    report("run_round_trip_p50", statistics.median(trips), "ms", goal=10)
    report("order_to_accepted_p50", statistics.median(total for _, total in warm), "ms")


async def measure_throughput(agent: Agent, verification: Verification) -> None:
    inputs = [number.to_bytes(9, "big") for number in range(BATCH_RUNS)]
    job = await a_job(agent, inputs, verification=verification, lots_at_once=32)
    began = trio.current_time()
    result = await agent.requestor.buy(job)
    seconds = trio.current_time() - began
    assert result.completed == BATCH_RUNS
    name = type(verification).__name__
    # One in a lot, since the fuel of the first ones is what a run may use: signed one by one.
    report("runs_in_lots_of_one", BATCH_RUNS / seconds, "runs/s", verification=name)


async def measure_exposure(folder: Path) -> None:
    """Measure for how long a provider works before what it has stated is paid."""
    async with neighbourhood(folder, 2, limit_s=120) as hood, trio.open_nursery() as nursery:
        sandbox = Sandbox(folder / "sandbox", workers=1)
        await nursery.start(sandbox.run)
        await sandbox.check()
        buyer = await hood.start(1)
        seller = await hood.start(2, sells=sandbox, terms=settings(price=1_000))
        await hood.wait_ready()
        loop = package(reactor("loop br 0 end i64.const 0"))
        job = await a_job(
            buyer,
            [b"long"],
            package_id=await buyer.blobs.put(loop.data),
            fuel_max=LONG_FUEL,
            verification=NoVerification(),
        )
        # The first run measures how fast this machine is, from which the size of a tick follows.
        await buyer.requestor.buy(job)
        await wait_until(lambda: sum(one.unpaid for one in seller.journal.earnings()) == 0)
        assert seller.provider is not None
        fuel_per_s = seller.provider.status().fuel_per_s
        debts: list[int] = []

        async def watch() -> None:
            while True:
                debts.append(sum(one.unpaid for one in seller.journal.earnings()))
                await trio.sleep(0.005)

        nursery.start_soon(watch)
        result = await buyer.requestor.buy(job)
        # By the speed that the agreement's tick was made from.
        owed_ms = max(debts) / (fuel_per_s * 1_000 / 10**9) * 1_000
        # While it works, up to half a tick is done and not stated yet; at the end all is stated.
        worst = max(owed_ms, min(owed_ms, TICK_MS / 2) + TICK_MS / 2)
        report("exposure_ms", worst, "ms", goal=200, paid=result.paid_total)
        nursery.cancel_scope.cancel()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await measure_exposure(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        async with neighbourhood(Path(folder), PROVIDERS + 1, limit_s=300) as hood:
            agent = await hood.start(1, checks=Hasher())
            for number in range(2, PROVIDERS + 2):
                await hood.start(number, sells=Hasher())
            await hood.wait_ready()
            await measure_latency(agent)
            await measure_throughput(agent, NoVerification())
            await measure_throughput(agent, Audit(100_000))


if __name__ == "__main__":
    trio.run(main)
