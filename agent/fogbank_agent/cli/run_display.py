"""What a person sees while a job runs, on standard error so that outputs can be piped."""

from collections.abc import Sequence
from typing import Protocol

import click

from ..control.requests.jobs import JobEnded, JobProgressed
from .options import is_terminal


class Display(Protocol):
    """Shows how a job goes."""

    def __enter__(self) -> "Display":
        """Begin to show."""
        ...

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        ...

    def uploaded(self, data_bytes: int) -> None:
        """So many more bytes of inputs went to the agent."""
        ...

    def progressed(self, progress: JobProgressed) -> None:
        """Something happened to a run."""
        ...


def new_display(names: Sequence[str], upload_bytes: int, *, quiet: bool) -> Display:
    """Return bars on a terminal, and silence elsewhere."""
    if quiet or not is_terminal():
        return _Silence()
    return _Bars(names, upload_bytes)


def print_providers(job: JobEnded) -> None:
    """Print what each provider did, and the sum."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("provider")
    for head in ("runs", "gigafuel", "drops paid", "refused", "lost"):
        table.add_column(head, justify="right")
    table.add_column("")
    for line in job.providers:
        table.add_row(
            line.provider,
            f"{line.runs:,}",
            f"{line.fuel / 1e9:.3f}",
            f"{line.paid:,}",
            f"{line.refused:,}",
            f"{line.lost:,}",
            "caught lying" if line.caught else "",
        )
    Console(stderr=True).print(table)
    for notice in job.notices:
        click.echo(f"note: {notice}", err=True)
    failed = f", {job.failed} failed" if job.failed else ""
    runs = "run" if job.ok == 1 else "runs"
    click.echo(
        f"{job.ok} {runs} done{failed} in {job.seconds:.1f} s; {job.fuel / 1e9:.3f} gigafuel, "
        f"{job.paid:,} drops",
        err=True,
    )
    if job.fuel_checked:
        click.echo(f"{job.fuel_checked / 1e9:.3f} gigafuel were run again here as checks", err=True)


class _Silence:
    def __enter__(self) -> "_Silence":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def uploaded(self, data_bytes: int) -> None:
        pass

    def progressed(self, progress: JobProgressed) -> None:
        pass


class _Bars:
    """One bar for the inputs, one for the runs, and a line that says what happened last."""

    def __init__(self, names: Sequence[str], upload_bytes: int) -> None:
        # rich takes 40 ms to import, and piped output never needs it.
        from rich.console import Console, Group
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.text import Text

        self._names = names
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
        )
        self._last = Text(no_wrap=True, overflow="ellipsis")
        self._live = Live(Group(self._progress, self._last), console=Console(stderr=True))
        self._upload = self._progress.add_task("inputs", total=upload_bytes or 1, state="")
        self._runs = self._progress.add_task("runs", total=len(names), state="", start=False)

    def __enter__(self) -> "_Bars":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._last.plain = ""
        self._live.stop()

    def uploaded(self, data_bytes: int) -> None:
        self._progress.update(self._upload, advance=data_bytes)

    def progressed(self, progress: JobProgressed) -> None:
        failed = f", {progress.failed} failed" if progress.failed else ""
        self._progress.start_task(self._runs)
        self._progress.update(
            self._runs,
            completed=progress.accepted + progress.failed,
            state=f"{progress.accepted} of {len(self._names)} accepted{failed}, "
            f"{progress.under_way} under way",
        )
        name = self._names[progress.run] if progress.run < len(self._names) else ""
        others = f" and {progress.runs - 1} more" if progress.runs > 1 else ""
        self._last.plain = f"{name}{others}: {progress.what}"
