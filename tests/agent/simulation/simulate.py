"""Lives many markets: ``python -m tests.agent.simulation.simulate --seeds 5``; JSON lines.

Each setting is lived twice with the same seed: once with cheats, and once in which the same
providers are honest.  After the last seed a line for each setting adds them up; ``pays`` names the
kinds of cheats that lying paid.  Exits with 1 when a rule is broken, or lying paid where
requestors audit by stake, as they do unless they are told otherwise.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from fogbank_agent.market.orders import Audit, Partial, Quorum

from .sellers import Kind
from .world import PRICE, Report, Setting, World

BILL = 5_001
"""Of a run in the middle of the prices, in drops."""

SMALL_FUEL = 1_000_000
SMALL_LOT = 10**8 // 10**9 * PRICE + 1_100
"""The bill of a lot of small runs."""

STAKED = Setting(stake=40 * BILL)
SMALL = Setting(
    verification=Partial(0),
    fuel=SMALL_FUEL,
    stake=10 * SMALL_LOT,
    runs=600,
    kinds=(Kind.SPARING, Kind.SELECTIVE, Kind.LAZY),
)

SETTINGS = {
    "audit, 10 % cheats": replace(STAKED, cheats_percent=10),
    "audit, 20 % cheats": STAKED,
    "audit, 30 % cheats": replace(STAKED, cheats_percent=30),
    "audit, 20 % cheats, small stakes": replace(STAKED, stake=10 * BILL),
    "audit, 20 % selective": replace(STAKED, kinds=(Kind.SELECTIVE,), jobs=2, runs=40),
    "audit, 20 % bursting": replace(STAKED, kinds=(Kind.BURSTING,), jobs=2, runs=40),
    "partial, 10 % cheats": replace(SMALL, cheats_percent=10),
    "partial, 20 % cheats": SMALL,
    "partial, 30 % cheats": replace(SMALL, cheats_percent=30),
    "quorum of 2, 10 % cheats": replace(
        STAKED, copiers_see=True, verification=Quorum(2), cheats_percent=10
    ),
    "quorum of 2, 20 % cheats": replace(STAKED, copiers_see=True, verification=Quorum(2)),
    "quorum of 2, 30 % cheats": replace(
        STAKED, copiers_see=True, verification=Quorum(2), cheats_percent=30
    ),
    "audit by others, 20 % cheats": replace(STAKED, verification=Audit(50_000), can_run_here=False),
    "no stakes, audit, 20 % cheats": replace(STAKED, stake=0),
    "no stakes, audit, 20 % selective": replace(
        STAKED, stake=0, kinds=(Kind.SELECTIVE,), jobs=2, runs=40
    ),
    "by the record alone, 20 % cheats": replace(STAKED, stake=0, by_stake=False),
    # Shared by three requestors, and a tenth is the watch's: each counts on ten bills of a run.
    "honest, audit, long": Setting(
        verification=Audit(0),
        stake=30 * BILL * 10 // 9,
        providers=8,
        requestors=3,
        debtors_percent=0,
        jobs=1,
        runs=1_000,
        cheats_percent=0,
    ),
    "honest, partial": replace(
        SMALL,
        providers=16,
        requestors=4,
        debtors_percent=0,
        jobs=1,
        runs=20_000,
        cheats_percent=0,
    ),
}


RUNS_TO_ONE_FAILED = 500
"""Providers vanish: now and then a run finds nobody for as long as it may wait."""


def broken_rules(report: Report) -> Iterator[str]:
    """Yield each rule that a market broke."""
    if report.supply_after != report.supply_before:
        yield "money was made or lost"
    if report.wrong > report.wrong_bound:
        yield "more wrong results than the model lets pass"
    if report.debt_most > report.debt_bound:
        yield "somebody owes more than its credit and what was under way"
    if report.unpaid_most > report.unpaid_bound:
        yield "who never pays gets more than a newcomer's credit and what was under way"
    if report.failed * RUNS_TO_ONE_FAILED > report.accepted:
        yield "runs failed"


def cheating_paid(report: Report, honest: Report) -> Iterator[str]:
    """Yield a word when cheats have more than the same providers of an honest world."""
    if report.cheats_earned > honest.cheats_earned:
        yield "cheating paid"


def kinds_that_pay(reports: Sequence[Report]) -> list[str]:
    """Return the kinds of cheats that were paid more for lies, in all, than their stakes."""
    won: Counter[str] = Counter()
    for report in reports:
        won.update(report.lying_won)
    return [kind for kind, drops in won.items() if drops > 0]


def summarise(name: str, reports: Sequence[Report], honest: Sequence[Report]) -> dict[str, object]:
    """Return what all seeds of a setting come to."""
    won: Counter[str] = Counter()
    for report in reports:
        won.update(report.lying_won)
    return {
        "setting": name,
        "seeds": len(reports),
        "wrong": sum(one.wrong for one in reports),
        "wrong_bound": round(sum(one.wrong_bound for one in reports), 1),
        "accepted": sum(one.accepted for one in reports),
        "lies": sum(one.lies for one in reports),
        "disputes": sum(one.disputes for one in reports),
        "slashed": sum(one.slashed for one in reports),
        "burned": sum(one.burned for one in reports),
        "checks_ppm": sum(one.fuel_checks_ppm for one in reports) // len(reports),
        "lying_won": dict(won),
        "earnings": _mean([one.earnings for one in reports]),
        "earnings_all_honest": _mean([one.earnings for one in honest]),
        "pays": kinds_that_pay(reports),
    }


def _mean(all_: Sequence[dict[str, float]]) -> dict[str, int]:
    return {kind: round(sum(one[kind] for one in all_) / len(all_)) for kind in all_[0]}


def main() -> None:
    """Live as many markets as the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="", help="settings whose name has this in it")
    given = parser.parse_args()
    is_broken = False
    for name, setting in SETTINGS.items():
        if given.only not in name:
            continue
        reports: list[Report] = []
        honest: list[Report] = []
        for seed in range(given.first, given.first + given.seeds):
            reports.append(World(seed, setting).live())
            if setting.cheats_percent:
                honest.append(World(seed, replace(setting, all_honest=True)).live())
            else:
                honest.append(reports[-1])
            broken = [*broken_rules(reports[-1]), *broken_rules(honest[-1])]
            if setting.by_stake:
                broken += cheating_paid(reports[-1], honest[-1])
            is_broken |= bool(broken)
            line = {"seed": seed, "setting": name, "broken": broken, **asdict(reports[-1])}
            print(json.dumps(line), flush=True)
        total = summarise(name, reports, honest)
        is_broken |= setting.by_stake and bool(total["pays"])
        print(json.dumps(total), flush=True)
    sys.exit(1 if is_broken else 0)


if __name__ == "__main__":
    main()
