"""Lives many markets: ``python -m tests.agent.simulation.simulate --seeds 5``; JSON lines.

After the last seed of a setting a line adds them up; ``pays`` says whom cheating paid.  Exits with
1 when a rule is broken, or cheating paid.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from fogbank_agent.market.orders import Audit, Partial, Quorum, Verify

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

VERIFIED = replace(
    STAKED, verification=Verify(0), kinds=(Kind.PADDING, Kind.LAZY, Kind.SELECTIVE), runs=40
)
BY_OTHERS = replace(STAKED, can_run_here=False)

HEDGED = replace(
    BY_OTHERS, kinds=(Kind.COLLUDING,), hedge_s=2.0, lie_s=3.0, cheats_price_percent=80
)
"""Liars are slow on purpose, and cheap, for friends to get hedges; an honest run takes a second."""

SETTINGS = {
    "audit, 10 % cheats": replace(STAKED, cheats_percent=10),
    "audit, 20 % cheats": STAKED,
    "audit, 30 % cheats": replace(STAKED, cheats_percent=30),
    "audit, 20 % cheats, small stakes": replace(STAKED, stake=10 * BILL),
    "audit, 20 % selective": replace(STAKED, kinds=(Kind.SELECTIVE,), jobs=2, runs=40),
    "audit, 20 % bursting": replace(STAKED, kinds=(Kind.BURSTING,), jobs=2, runs=40),
    "audit, 20 % padding": replace(STAKED, kinds=(Kind.PADDING,), jobs=2, runs=40),
    "audit, no stakes, 20 % cheats": replace(STAKED, stake=0),
    "audit, no stakes, 20 % selective": replace(
        STAKED, stake=0, kinds=(Kind.SELECTIVE,), jobs=2, runs=40
    ),
    "audit, 20 % absconding": replace(STAKED, kinds=(Kind.ABSCONDING,), jobs=2, runs=40),
    "verify, 20 % cheats": VERIFIED,
    "verify, no stakes, 20 % cheats": replace(VERIFIED, stake=0),
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
    "quorum of 2, no stakes, 20 % cheats": replace(STAKED, verification=Quorum(2), stake=0),
    "audit by others, 20 % cheats": BY_OTHERS,
    "audit by others, 20 % colluding": replace(BY_OTHERS, kinds=(Kind.COLLUDING,)),
    "audit by others, 30 % colluding": replace(
        BY_OTHERS, kinds=(Kind.COLLUDING,), cheats_percent=30
    ),
    "audit by others, colluding without stakes": replace(
        BY_OTHERS, kinds=(Kind.COLLUDING,), cheats_stake=0
    ),
    "audit by others, half of the colluding without stakes": replace(
        BY_OTHERS, kinds=(Kind.COLLUDING,), is_half_bare=True
    ),
    # A requestor's share of each stake is about the bill of one run.
    "audit by others, colluding, a stake for a bill": replace(
        BY_OTHERS, kinds=(Kind.COLLUDING,), stake=22 * BILL, jobs=1, runs=40, lots_at_once=32
    ),
    "audit, 20 % colluding, hedged": replace(HEDGED, can_run_here=True),
    "audit by others, 20 % colluding, hedged": HEDGED,
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


def whom_cheating_pays(setting: Setting, reports: Sequence[Report]) -> list[str]:
    """Return the kinds of cheats whose lies win something in the mean, over all of ``reports``.

    What a lie wins in the mean follows from how often it was audited, and is not a matter of luck;
    that no more pass than that is another rule.  And "all", when all cheats together have earned
    more than as many honest providers of the same market.  What a cheat would have in another life
    of the market is not compared: two lives part after the first lie, and luck decides the rest.
    """
    lies = sum(one.lies for one in reports)
    expected: Counter[str] = Counter()
    for report in reports:
        expected.update(report.lying_expected)
    # Rates are rounded to a millionth.
    kinds = [kind for kind, drops in expected.items() if drops > lies]
    cheats = sum(one.cheats_earned for one in reports)
    honest = sum(one.honest_earned for one in reports)
    count = setting.providers * setting.cheats_percent // 100
    if cheats * (setting.providers - count) > honest * count:
        kinds.append("all")
    return kinds


def _sums(reports: Sequence[Report]) -> tuple[dict[str, int], dict[str, int]]:
    """Return what each kind gained over honest work, and what it won by lies."""
    gained: Counter[str] = Counter()
    won: Counter[str] = Counter()
    for report in reports:
        gained.update(report.lying_gained)
        won.update(report.lying_won)
    return dict(gained), dict(won)


def summarise(name: str, setting: Setting, reports: Sequence[Report]) -> dict[str, object]:
    """Return what all seeds of a setting come to."""
    gained, won = _sums(reports)
    return {
        "setting": name,
        "agents": setting.providers + setting.requestors,
        "seeds": len(reports),
        "wrong": sum(one.wrong for one in reports),
        "wrong_bound": round(sum(one.wrong_bound for one in reports), 1),
        "accepted": sum(one.accepted for one in reports),
        "failed": sum(one.failed for one in reports),
        "lies": sum(one.lies for one in reports),
        "disputes": sum(one.disputes for one in reports),
        "slashed": sum(one.slashed for one in reports),
        "burned": sum(one.burned for one in reports),
        "robbed_most": max(one.robbed_most for one in reports),
        "checks_ppm": sum(one.fuel_checks_ppm for one in reports) // len(reports),
        "lying_won": won,
        "lying_gained": gained,
        "earned_a_lot": _earned_a_lot(reports),
        "earnings": _mean([one.earnings for one in reports]),
        "pays": whom_cheating_pays(setting, reports),
    }


def _earned_a_lot(reports: Sequence[Report]) -> dict[str, float]:
    """Return what a lot brought cheats and honest providers, in drops, less work and stakes."""
    earned = {
        "cheats": sum(one.cheats_earned for one in reports),
        "honest": sum(one.honest_earned for one in reports),
    }
    lots = Counter[str]()
    for report in reports:
        lots.update(report.lots)
    return {who: round(drops / max(1, lots[who]), 1) for who, drops in earned.items()}


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
        for seed in range(given.first, given.first + given.seeds):
            reports.append(World(seed, setting).live())
            broken = list(broken_rules(reports[-1]))
            is_broken |= bool(broken)
            line = {"seed": seed, "setting": name, "broken": broken, **asdict(reports[-1])}
            print(json.dumps(line), flush=True)
        total = summarise(name, setting, reports)
        is_broken |= bool(total["pays"])
        print(json.dumps(total), flush=True)
    sys.exit(1 if is_broken else 0)


if __name__ == "__main__":
    main()
