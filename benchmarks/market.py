"""The market between four agents in one process on loopback; JSON lines.

Everything is real but the task itself, which costs nothing, so that only the market is measured.
Run it from the repository: ``python -m benchmarks.market``.
"""

import json
import statistics
import tempfile
from pathlib import Path

import trio
from tests.agent.trading.neighbourhood import Agent, Hasher, a_job, neighbourhood

from fogbank_agent.market.orders import Audit, NoVerification, Verification
from fogbank_agent.market.story import RunAccepted, RunOrdered, RunPlaced
from fogbank_agent.trading.requestor import JobEvent

PROVIDERS = 3
SINGLE_RUNS = 60
BATCH_RUNS = 300


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
    report("order_to_agreement_p50", statistics.median(agreements), "ms", goal=100)
    report("order_to_agreement_max", max(agreements), "ms")
    report("order_to_agreement_cold", cold[0], "ms")
    report("order_to_accepted_p50", statistics.median(total for _, total in warm), "ms")


async def measure_throughput(agent: Agent, verification: Verification) -> None:
    inputs = [number.to_bytes(9, "big") for number in range(BATCH_RUNS)]
    job = await a_job(agent, inputs, verification=verification, lots_at_once=32)
    began = trio.current_time()
    result = await agent.requestor.buy(job)
    seconds = trio.current_time() - began
    assert result.completed == BATCH_RUNS
    name = type(verification).__name__
    report("verified_paid_runs", BATCH_RUNS / seconds, "runs/s", verification=name)


async def main() -> None:
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
