"""How long a dispute about a wrong result takes: ``python -m benchmarks.dispute``, JSON lines.

Three agents in one process on loopback, each with a real sandbox: one sells a run of a step task
of some two seconds and changes what it comes to, the buyer audits it, and the other one watches
over the liar's stake with the buyer.  Counted is the time from the audit's verdict to the stake
seized on the ledger: the trace asked for, the proof made, fetched and repeated, findings signed,
the slash final, the seizure decided.
"""

import json
import platform
import statistics
import tempfile
from pathlib import Path

import trio
from tests.agent.trading.courtroom import judged, wrong_end, wrong_from

STEPS, UNIT = 2_048, 8
RUNS = 3


async def main() -> None:
    """Print the figures."""
    for where, bend in (("at its end", wrong_end), ("half-way", wrong_from(STEPS // UNIT // 2))):
        seconds: list[float] = []
        runs_s: list[float] = []
        states = set[str]()
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as folder:
                async with judged(Path(folder), bend, steps=STEPS, unit=UNIT) as case:
                    seconds.append(case.seconds)
                    runs_s.append(case.run_s)
                    states.add(case.record.state.value)
        line: dict[str, object] = {
            "figure": f"dispute of a step job that is wrong {where}",
            "median_s": round(statistics.median(seconds), 3),
            "max_s": round(max(seconds), 3),
            "target_s": 1,
            "run_s": round(statistics.median(runs_s), 3),
            "runs": RUNS,
            "steps": STEPS,
            "checkpoints": STEPS // UNIT,
            "ended": sorted(states),
            "machine": f"{platform.machine()} {platform.system()}",
            "python": platform.python_version(),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    trio.run(main)
