"""What audits cost where a lie loses ten times its gain: ``python -m benchmarks.audit_cost``.

JSON lines.  One requestor buys runs of a millisecond or so of two honest providers, in lots of one
size, between real processes.  Each has ten bills of a lot at stake, so that an eleventh of the lots
has to be run again (SPEC.md section 9.6).  Jobs with and without audits take turns, so that a
machine that is busy, or changes its clock, changes both.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from io import BytesIO
from pathlib import Path

from benchmarks.market_rate import a_market, buy, used
from tests.wasm_tasks.packages import reactor, translate

from fogbank_agent.control.client import ControlClient
from fogbank_agent.limits import LOT_FUEL_MIN, STAKE_REWARD_PPM

TURNS = 200_000
LOOP = f"""
  (local $left i32)
  (local.set $left (i32.const {TURNS}))
  (loop $again
    (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))
          (i64.extend_i32_u (local.get 1)))"""
FUEL_OF_A_TURN = 5
FUEL_MAX = 10_000_000
RUNS = LOT_FUEL_MIN // (TURNS * FUEL_OF_A_TURN)
"""In each lot: with as many lots at once as in these settings none is made larger."""

WARM_LOTS = 40
RATIO = 10
START_PRICE = 50
SETTINGS = f"""
[provider]
price = 0
start_price = {START_PRICE}
stake = 0

[requestor]
lots_at_once = 64
"""
STAKE = RATIO * RUNS * START_PRICE * 10**6 // (10**6 - STAKE_REWARD_PPM)
"""What is not burned of it does not count."""


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"benchmark": name, "value": round(value, 2), "unit": unit, **more}))


def measure(folder: Path, runs: int, rounds: int) -> None:
    work: defaultdict[str, int] = defaultdict(int)
    checks: defaultdict[str, int] = defaultdict(int)
    paid: defaultdict[str, int] = defaultdict(int)
    processor_s: defaultdict[str, float] = defaultdict(float)
    with (
        a_market(folder, 2, STAKE, SETTINGS) as (requestor, named),
        ControlClient(requestor.state / "control.sock") as client,
    ):
        module = translate(reactor(LOOP))
        task = client.put_blob(BytesIO(module), len(module))
        first = WARM_LOTS * RUNS
        _, warm = buy(client, task, 0, first, "audit", FUEL_MAX)
        for _ in range(rounds):
            for verify in ("audit", "none"):
                before = used(named)
                _, ended = buy(client, task, first, runs, verify, FUEL_MAX)
                after = used(named)
                first += runs
                work[verify] += ended.fuel
                checks[verify] += ended.fuel_checked
                paid[verify] += ended.paid
                for name in after:
                    processor_s[f"{verify}, {name}"] += after[name] - before[name]
    shared = {"runs": runs * rounds, "stake_to_bill": RATIO}
    share = 100 * checks["audit"] / work["audit"]
    strangers = 100 * warm.fuel_checked / warm.fuel
    report("checks_of_strangers", strangers, "% of the runs' fuel", runs=WARM_LOTS * RUNS)
    report("fuel", work["audit"] / (runs * rounds), "fuel/run")
    report("lots", paid["none"] / START_PRICE / RUNS / rounds, "lots/job")
    report("checks", share, "% of the runs' fuel", **shared)
    report("paid_for_checks", 100 * (paid["audit"] / paid["none"] - 1), "% of drops", **shared)
    for name, seconds in processor_s.items():
        report("processor_time", seconds / (runs * rounds) * 1e6, "µs/run", process=name)
    sums = {
        verify: sum(s for name, s in processor_s.items() if name.startswith(verify))
        for verify in ("audit", "none")
    }
    more = 100 * (sums["audit"] / sums["none"] - 1)
    report("processor_time_for_checks", more, "% of that without", **shared)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=720)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fogbank-audits-") as folder:
        measure(Path(folder), arguments.runs, arguments.rounds)


if __name__ == "__main__":
    main()
