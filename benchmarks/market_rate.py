"""Verified, metered, paid runs a second: ``python -m benchmarks.market_rate``; JSON lines.

One requestor buys runs that do nothing of providers on the same machine.  All agents are real
processes with their own sandboxes, ledgers and disks, and the client hands over its inputs and
hears of every run over the control socket, as the command line does.  Beside the rate stands the
processor time of each agent for a run, which does not depend on what else the machine does, and
what pools without sandbox, check or payment do in the same minute (``process_pools.py``).
"""

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from benchmarks.process_pools import measure_peers
from tests.end_to_end.agents import PATIENCE_S, Agent, wait_until
from tests.end_to_end.tick_kills import configure

from fogbank_agent.control.client import ControlClient
from fogbank_agent.control.requests.jobs import (
    JobEnded,
    JobProgressed,
    RunInput,
    RunsEnded,
    StartJob,
)
from fogbank_agent.control.requests.money import Paid, Pay
from fogbank_agent.control.requests.stakes import OpenStake, Stakes

LOCAL = ("--interface", "127.0.0.1")
# A reactor: alloc answers 1,024; run answers what it is given.
ECHO = bytes.fromhex(
    "0061736d01000000010c0260017f017f60027f7f017e030302000105030100010718"
    "03066d656d6f7279020005616c6c6f6300000372756e00010a140205004180080b0c"
    "002000ad4220862001ad840b"
)
INPUT_BYTES = 16
FUEL_MAX = 10_000
WARM_RUNS = 4_000
STAKE = 1_000_000
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"benchmark": name, "value": round(value, 3), "unit": unit, **more}))


def descendants(process_id: int) -> Iterator[int]:
    """Return all processes that a process has started and that are there."""
    for task in Path(f"/proc/{process_id}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from descendants(int(child))


def processor_s(process_id: int) -> tuple[float, float]:
    """Return the processor seconds of a process, and of its children that have ended."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    own, ended = (sum(map(int, fields[place : place + 2])) for place in (11, 13))
    return own / TICKS_PER_S, ended / TICKS_PER_S


def used(agents: Iterable[tuple[str, Agent]]) -> dict[str, float]:
    """Return the processor seconds of the agents and their sandboxes so far, by role."""
    sums: defaultdict[str, float] = defaultdict(float)
    for name, agent in agents:
        own, ended = processor_s(agent.processes[0].pid)
        sums[f"{name} agent"] += own
        sums[f"{name} sandbox"] += ended
        for child in descendants(agent.processes[0].pid):
            sums[f"{name} sandbox"] += sum(processor_s(child))
    return sums


def buy(
    client: ControlClient,
    task: bytes,
    first: int,
    runs: int,
    verify: str,
    fuel_max: int = FUEL_MAX,
) -> tuple[float, JobEnded]:
    """Buy ``runs`` different runs; return the seconds for handing over and for the job."""
    began = time.perf_counter()
    inputs = [number.to_bytes(INPUT_BYTES, "big") for number in range(first, first + runs)]
    names = client.put_blobs(inputs)
    handed = time.perf_counter() - began
    client.send(a_job(task, names, verify, fuel_max))
    while True:
        match client.receive_any([JobProgressed, RunsEnded, JobEnded]):
            case RunsEnded(ended_now):
                assert all(run.ok for run in ended_now)
            case JobEnded() as ended:
                assert ended.ok == runs, ended
                return handed, ended
            case _:
                pass


def buy_one(client: ControlClient, task: bytes, data: bytes) -> dict[str, int]:
    """Buy one run; return after how many milliseconds of the job what happened."""
    at_ms: dict[str, int] = {}
    client.send(a_job(task, [data], "audit"))
    while True:
        match client.receive_any([JobProgressed, RunsEnded, JobEnded]):
            case JobProgressed() as progress:
                at_ms[progress.event] = progress.at_ms
            case JobEnded() as ended:
                assert ended.ok == 1, ended
                return at_ms
            case _:
                pass


def a_job(task: bytes, inputs: Sequence[bytes], verify: str, fuel_max: int = FUEL_MAX) -> StartJob:
    return StartJob(
        task_id=task,
        task_name="echo",
        inputs=tuple(RunInput(str(number), name) for number, name in enumerate(inputs)),
        arguments=(),
        environment=(),
        seed=0,
        verify=verify,
        price_max=None,
        start_price_max=None,
        fuel_max=fuel_max,
        deadline_s=None,
        patience_s=None,
    )


def give_stake(requestor: Agent, seller: Agent, stake: int) -> None:
    """Let a provider stake what it would lose for a lie: without one all its work is repeated."""
    requestor.ask(Pay(seller.wallet().node_id, 2 * stake, PATIENCE_S), Paid)
    wait_until("the stake can be made", lambda: seller.wallet().balance > stake)
    seller.ask(OpenStake(stake), Stakes)


@contextmanager
def a_market(
    folder: Path, providers: int, stake: int = STAKE, settings: str = ""
) -> Generator[tuple[Agent, Sequence[tuple[str, Agent]]]]:
    """Let a requestor and ``providers`` run; yield it, and all of them by role.

    ``settings`` are sections of everybody's configuration.
    """
    requestor, *sellers = agents = [
        Agent(folder / f"agent{number}") for number in range(1 + providers)
    ]
    try:
        assert requestor("init", "--name", "rate", *LOCAL).returncode == 0
        if settings:
            configure(requestor, settings)
        requestor.start()
        network = requestor.json("status")["network_id"]
        for seller in sellers:
            assert seller("init", "--join", network, *LOCAL).returncode == 0
            if settings:
                configure(seller, settings)
            seller.start()
        requestor.wait_peers(providers)
        for seller in sellers:
            give_stake(requestor, seller, stake)
        yield requestor, [("requestor", requestor), *(("provider", seller) for seller in sellers)]
    finally:
        for agent in agents:
            if agent.processes:
                agent.stop()


def measure(folder: Path, runs: int, providers: int, verify: str) -> None:
    with (
        a_market(folder, providers) as (requestor, named),
        ControlClient(requestor.state / "control.sock") as client,
    ):
        task = client.put_blob(BytesIO(ECHO), len(ECHO))
        buy(client, task, 0, WARM_RUNS, verify)
        before, began = used(named), time.perf_counter()
        before["client"] = time.process_time()
        handed, ended = buy(client, task, WARM_RUNS, runs, verify)
        seconds = time.perf_counter() - began
        after = used(named)
        after["client"] = time.process_time()
        spent = {name: after[name] - before[name] for name in after}
    report("verified_paid_runs", runs / seconds, "runs/s", runs=runs, verification=verify)
    report("verified_paid_runs_of_the_job", runs / ended.seconds, "runs/s")
    report("hand_over", handed / runs * 1e6, "µs/run")
    for name, one in spent.items():
        report("processor_time", one / runs * 1e6, "µs/run", process=name)
    report("processor_time", sum(spent.values()) / runs * 1e6, "µs/run", process="all")
    report("checks", 100 * ended.fuel_checked / ended.fuel, "% of the runs' fuel")
    report("paid", ended.paid, "drops", lies=ended.lies_caught)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--providers", type=int, default=2)
    parser.add_argument("--verify", default="audit")
    parser.add_argument("--alone", action="store_true", help="measure no other pools")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fogbank-rate-") as folder:
        measure(Path(folder), arguments.runs, arguments.providers, arguments.verify)
    if not arguments.alone:
        for name, rate in measure_peers().items():
            report(name, rate, "calls/s")


if __name__ == "__main__":
    main()
