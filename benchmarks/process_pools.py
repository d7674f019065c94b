"""What other pools of processes do a second: ``python -m benchmarks.process_pools``.

Each passes a kilobyte to a function and back, with no sandbox; JSON lines, as the sandbox's own
benchmark prints them beside its figures.  Ray and Dask are measured when they are installed, in
this interpreter or in the one that ``FOGBANK_BENCH_PEERS`` names.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

WORKERS = 2
CALLS = 2_000
ROUNDS = 3
PEERS_VARIABLE = "FOGBANK_BENCH_PEERS"


# All different: what is the same is sent once.
INPUTS = [number.to_bytes(1_024, "big") for number in range(CALLS)]


def echo(data: bytes) -> bytes:
    return data


def rate(call_all: Callable[[], object]) -> float:
    """Return how many calls a second ``call_all`` does: the median of some rounds."""
    call_all()
    rates: list[float] = []
    for _ in range(ROUNDS):
        started = perf_counter()
        call_all()
        rates.append(CALLS / (perf_counter() - started))
    return median(rates)


def executor() -> float:
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        return rate(
            lambda: [each.result() for each in [pool.submit(echo, each) for each in INPUTS]]
        )


def executor_in_chunks() -> float:
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        return rate(lambda: list(pool.map(echo, INPUTS, chunksize=64)))


def pool() -> float:
    with get_context("spawn").Pool(WORKERS) as workers:
        return rate(lambda: list(workers.imap_unordered(echo, INPUTS)))


def pool_in_chunks() -> float:
    with get_context("spawn").Pool(WORKERS) as workers:
        return rate(lambda: list(workers.imap_unordered(echo, INPUTS, chunksize=64)))


def ray() -> float:
    found: Any = import_module("ray")
    found.init(num_cpus=WORKERS, include_dashboard=False, logging_level="ERROR")
    remote = found.remote(echo)
    try:
        return rate(lambda: found.get([remote.remote(each) for each in INPUTS]))
    finally:
        found.shutdown()


def dask() -> float:
    found: Any = import_module("distributed")
    with (
        found.LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        found.Client(cluster) as client,
    ):
        # As pure functions the calls would be found to be one.
        return rate(lambda: client.gather(client.map(echo, INPUTS, pure=False)))


BUILT_IN = {
    "ProcessPoolExecutor.submit": executor,
    "ProcessPoolExecutor.map, chunks of 64": executor_in_chunks,
    "multiprocessing.Pool.imap_unordered": pool,
    "multiprocessing.Pool.imap_unordered, chunks of 64": pool_in_chunks,
}
INSTALLED = {"ray": ray, "distributed": dask}


def measure_here() -> Iterator[tuple[str, float]]:
    """Measure what there is in this interpreter."""
    for name, measure in BUILT_IN.items():
        yield name, measure()
    for name, measure in INSTALLED.items():
        if find_spec(name) is not None:
            yield name, measure()


def measure_peers() -> dict[str, float]:
    """Return the calls a second of each pool, those of another interpreter included."""
    found = dict(measure_here())
    other = os.environ.get(PEERS_VARIABLE)
    if other is not None:
        lines = subprocess.run(
            [other, "-m", "benchmarks.process_pools"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[1],
        ).stdout.splitlines()
        # What Ray says of itself stands between them.
        for line in (each for each in lines if each.startswith("{")):
            said = json.loads(line)
            found.setdefault(said["benchmark"], said["value"])
    return found


def main() -> None:
    for name, value in measure_here():
        print(json.dumps({"benchmark": name, "value": round(value), "unit": "calls/s"}), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
