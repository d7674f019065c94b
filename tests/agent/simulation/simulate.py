"""Lives many markets: ``python -m tests.agent.simulation.simulate --seeds 5``; JSON lines.

Each setting is lived twice with the same seed: once with cheats, and once in which the same
providers are honest.  Exits with 1 when a rule is broken; ``pays`` names the kinds of cheats that
earned more than they would have by honest work.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace

from fogbank_agent.market.orders import Audit, Quorum

from .sellers import Kind
from .world import Report, Setting, World

SETTINGS = {
    "audit, 10 % cheats": Setting(cheats_percent=10),
    "audit, 20 % cheats": Setting(),
    "audit, 30 % cheats": Setting(cheats_percent=30),
    "quorum of 2, 30 % cheats": Setting(verification=Quorum(2), cheats_percent=30),
    "audit by others, 20 % cheats": Setting(verification=Audit(50_000), can_run_here=False),
}


def broken_rules(report: Report) -> Iterator[str]:
    """Yield each rule that a market broke."""
    if report.supply_after != report.supply_before:
        yield "money was made or lost"
    if report.wrong > report.wrong_bound:
        yield "more wrong results than the model lets pass"
    if report.debt_most > report.debt_bound:
        yield "somebody owes more than its credit and what was under way"
    if report.failed:
        yield "runs failed"


def kinds_that_pay(with_cheats: Report, all_honest: Report) -> list[str]:
    """Return the kinds of cheats that earned more than by honest work."""
    return [
        kind
        for kind, drops in with_cheats.earnings.items()
        if kind != Kind.HONEST and drops > all_honest.earnings[kind]
    ]


def main() -> None:
    """Live as many markets as the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    is_broken = False
    for seed in range(given.first, given.first + given.seeds):
        for name, setting in SETTINGS.items():
            report = World(seed, setting).live()
            honest = World(seed, replace(setting, all_honest=True)).live()
            broken = list(broken_rules(report)) + list(broken_rules(honest))
            is_broken |= bool(broken)
            line = {
                "seed": seed,
                "setting": name,
                "broken": broken,
                "pays": kinds_that_pay(report, honest),
                "earnings_all_honest": honest.earnings,
                **asdict(report),
            }
            print(json.dumps(line), flush=True)
    sys.exit(1 if is_broken else 0)


if __name__ == "__main__":
    main()
