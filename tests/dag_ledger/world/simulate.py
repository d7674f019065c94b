"""Lives many worlds, each from a seed: ``python -m tests.dag_ledger.world.simulate --seeds 300``.

Ends at the first seed whose world breaks a rule, says how to see that one again, and exits with 1.
"""

import argparse
import gc
import json
import logging
import sys
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing import get_context

from .judge import Violation
from .life import Life

PROCESSES = 2
GARBAGE_THRESHOLD = 200_000
"""Worlds live a second and have many objects: looking for garbage less often is a fifth of it."""

MANY = 100
MUST_HAPPEN = (
    "clocks leapt",
    "changes of seats wanted",
    "checkpoints",
    "checkpoints of later epochs",
    "checkpoints signed by liars",
    "crashes",
    "cut off",
    "epochs begun",
    "final",
    "final in homes",
    "forks seen",
    "homes wanted",
    "invalid vertices sent",
    "late parents",
    "lies",
    "moves wanted",
    "openings",
    "own logs lost",
    "own logs shortened",
    "own vertices lost",
    "settled",
    "vouchers",
    "old images put back",
    "one-way partitions",
    "oracle",
    "paid",
    "partitions",
    "snapshots taken",
    "splits",
    "stores lost",
    "vertices pruned",
)
"""In many worlds all of it: a simulation in which nothing happens proves nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one world."""

    seed: int
    plan: str
    violation: str | None
    steps: int
    met: dict[str, int]
    cpu_s: float


def prepare_process() -> None:
    """Make a process ready for many worlds."""
    logging.disable()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def live(seed: int) -> Outcome:
    """Live the world of ``seed``."""
    began = time.process_time()
    life = Life(seed)
    violation: str | None = None
    try:
        life.run()
    except Violation as found:
        violation = str(found)
    spent = time.process_time() - began
    return Outcome(
        seed, str(life.plan), violation, life.world.steps, dict(life.world.judge.met), spent
    )


def summary(outcomes: list[Outcome], elapsed_s: float) -> str:
    """Return what happened in all worlds together, as one JSON line."""
    met: Counter[str] = Counter()
    settled: list[int] = []
    for outcome in outcomes:
        met.update(outcome.met)
        settled.append(outcome.met.get("seconds to settle", 0))
    del met["seconds to settle"]
    return json.dumps(
        {
            "worlds": len(outcomes),
            "steps": sum(outcome.steps for outcome in outcomes),
            "cpu_s": round(sum(outcome.cpu_s for outcome in outcomes), 1),
            "elapsed_s": round(elapsed_s, 1),
            "longest_to_settle_s": max(settled),
            **dict(sorted(met.items())),
        }
    )


def main() -> int:
    """Run the seeds that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many worlds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    given = parser.parse_args()
    began = time.monotonic()
    outcomes: list[Outcome] = []
    with get_context("spawn").Pool(PROCESSES, prepare_process) as pool:
        seeds = range(given.first, given.first + given.seeds)
        for outcome in pool.imap(live, seeds):
            outcomes.append(outcome)
            if outcome.violation is not None:
                print(f"seed {outcome.seed}, {outcome.plan}: {outcome.violation}")
                print(f"see it again: make simulate FIRST={outcome.seed} SEEDS=1")
                return 1
            if len(outcomes) % 100 == 0:
                print(f"{len(outcomes)} worlds", file=sys.stderr, flush=True)
    print(summary(outcomes, time.monotonic() - began))
    absent = [what for what in MUST_HAPPEN if not any(one.met.get(what) for one in outcomes)]
    if absent and len(outcomes) >= MANY:
        print(f"never happened: {', '.join(absent)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
