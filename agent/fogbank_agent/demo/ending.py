"""What the demonstration says at its end."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from ..control.requests.jobs import JobEnded
from .report import DemoReport
from .stage import Player


def print_end(
    console: Console, report: DemoReport, job: JobEnded, players: Sequence[Player]
) -> None:
    """Print what each provider did in ``job``, and what ``report`` says."""
    console.print(_providers(job, players))
    same = "the same" if len(set(report.state_hashes)) == 1 else "NOT the same"
    final = "every payment final" if report.payments_final else "NOT every payment final"
    console.print(
        f"tiles     {report.completed} of {report.tasks} completed, {report.wrong_accepted} wrong "
        f"ones accepted; {report.lies_told} lies told, {report.lies_caught} caught\n"
        f"ledger    supply {report.supply_before:,} drops before, {report.supply_after:,} after; "
        f"{final}; {same} state on {len(report.state_hashes)} live agents\n"
        f"channels  {report.channels_closed} settled; royalties {report.royalties_paid:,} drops\n"
        f"picture   {report.image}\n"
        f"time      {report.seconds:.1f} s",
        highlight=False,
        soft_wrap=True,
    )


def _providers(job: JobEnded, players: Sequence[Player]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("provider", "", ""):
        table.add_column(head)
    for head in ("runs", "gigafuel", "earned", "caught", "lost"):
        table.add_column(head, justify="right")
    lines = {line.provider: line for line in job.providers}
    for player in players:
        if player.short not in lines:
            continue
        line = lines[player.short]
        table.add_row(
            player.name,
            player.short,
            player.role.value,
            str(line.runs),
            f"{line.fuel / 1e9:.1f}",
            f"{line.paid:,}",
            str(line.refused),
            str(line.lost),
        )
    return table
