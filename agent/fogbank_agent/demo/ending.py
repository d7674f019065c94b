"""What the demonstration says at its end."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from ..control.requests.jobs import JobEnded
from .report import DemoReport
from .stage import Player


def print_end(
    console: Console, report: DemoReport, jobs: Sequence[JobEnded], players: Sequence[Player]
) -> None:
    """Print what each provider did in ``jobs``, and what ``report`` says."""
    console.print(_providers(jobs, players))
    same = "the same" if len(set(report.state_hashes)) == 1 else "NOT the same"
    final = "every payment final" if report.payments_final else "NOT every payment final"
    console.print(
        f"tiles     {report.completed} of {report.tasks} completed, {report.wrong_accepted} wrong "
        f"ones accepted; {report.lies_told} lies told, {report.lies_caught} caught\n"
        f"bought    in {report.auctions} auctions; {report.audits} results audited\n"
        f"judged    {report.disputes} disputes; {report.slashed} stake lost by a liar, "
        f"{report.burned:,} drops of it burned\n"
        f"moved     {report.migrated_runs} of {report.killed} runs whose provider was unplugged: "
        "ended by another, both paid\n"
        f"ledger    supply {report.supply_before:,} drops before, {report.supply_after:,} after; "
        f"{final}; {same} state on {len(report.state_hashes)} live agents\n"
        f"channels  {report.channels_closed} settled; royalties {report.royalties_paid:,} drops\n"
        f"picture   {report.image}\n"
        f"time      {report.seconds:.1f} s",
        highlight=False,
        soft_wrap=True,
    )


def _providers(jobs: Sequence[JobEnded], players: Sequence[Player]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("provider", "", ""):
        table.add_column(head)
    for head in ("runs", "gigafuel", "earned", "caught", "lost"):
        table.add_column(head, justify="right")
    for player in players:
        lines = [line for job in jobs for line in job.providers if line.provider == player.short]
        if not lines:
            continue
        table.add_row(
            player.name,
            player.short,
            player.role.value,
            str(sum(line.runs for line in lines)),
            f"{sum(line.fuel for line in lines) / 1e9:.1f}",
            f"{sum(line.paid for line in lines):,}",
            str(sum(line.refused for line in lines)),
            str(sum(line.lost for line in lines)),
        )
    return table
