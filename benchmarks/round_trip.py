"""One run at a time, on channels that are open: ``python -m benchmarks.round_trip``; JSON lines.

A requestor buys runs that do nothing, each a job of its own, of three providers.  All agents are
real processes with their own sandboxes, ledgers and disks; so are they in ``market_rate``, where
runs come by the thousand.  Times are the story's, as ``fogbank why`` tells them: from the order to
the agreement that both have signed, from there to the result that is accepted and kept on disk,
which is the run's round trip, and both together.  What a client waits for besides is that the job
itself is kept and summed up.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from benchmarks.market_rate import ECHO, INPUT_BYTES, a_market, buy_one, used

from fogbank_agent.control.client import ControlClient

PROVIDERS = 3
WARM_RUNS = 15
STAKE = 1_000_000


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What one run took, in milliseconds."""

    agreed: float
    accepted: float
    client: float


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"benchmark": name, "value": round(value, 2), "unit": unit, **more}))


def buy_alone(client: ControlClient, task: bytes, number: int) -> RoundTrip:
    (data,) = client.put_blobs([number.to_bytes(INPUT_BYTES, "big")])
    began = time.perf_counter()
    at_ms = buy_one(client, task, data)
    seconds = time.perf_counter() - began
    ordered = at_ms["RunOrdered"]
    return RoundTrip(at_ms["RunPlaced"] - ordered, at_ms["RunAccepted"] - ordered, seconds * 1_000)


def report_times(name: str, times: Sequence[float], **more: object) -> None:
    report(f"{name}_p50", statistics.median(times), "ms", **more)
    report(f"{name}_p90", statistics.quantiles(times, n=10)[-1], "ms")


def measure(folder: Path, runs: int) -> None:
    with (
        a_market(folder, PROVIDERS, STAKE) as (requestor, named),
        ControlClient(requestor.state / "control.sock") as client,
    ):
        task = client.put_blob(BytesIO(ECHO), len(ECHO))
        warm = [buy_alone(client, task, number) for number in range(WARM_RUNS)]
        before = used(named)
        trips = [buy_alone(client, task, WARM_RUNS + number) for number in range(runs)]
        after = used(named)
    report("order_to_agreement_cold", warm[0].agreed, "ms")
    report_times("order_to_agreement", [trip.agreed for trip in trips], goal=50)
    report_times("run_round_trip", [trip.accepted - trip.agreed for trip in trips], goal=10)
    report_times("order_to_accepted", [trip.accepted for trip in trips])
    report_times("client", [trip.client for trip in trips])
    for name in after:
        report("processor_time", (after[name] - before[name]) / runs * 1e3, "ms/run", process=name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fogbank-trips-") as folder:
        measure(Path(folder), arguments.runs)


if __name__ == "__main__":
    main()
