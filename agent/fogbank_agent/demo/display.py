"""What a person sees while the picture is made: its tiles, the agents, a bar."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..control.requests.jobs import JobProgressed
from .stage import Player

WAITING, RUNNING, CHECKING, LOST, CAUGHT, DONE = range(6)

_CELLS = (
    ("··", "grey37"),
    ("░░", "yellow"),
    ("▒▒", "cyan"),
    ("✗ ", "magenta"),
    ("!!", "bold red"),
    ("██", "green"),
)
_LEGEND = "·· waiting  ░░ running  ▒▒ being checked  ✗ lost  !! a lie  ██ accepted"

_AGENT_LETTERS = 48
"""What an agent's number, short form, role and results take of a line."""

# What the events of a run's story mean for its tile.
_MEANINGS = {
    "RunPlaced": RUNNING,
    "RunProgressed": RUNNING,
    "ResultArrived": CHECKING,
    "RunReopened": CHECKING,
    "AttemptFailed": LOST,
    "ResultRefused": CAUGHT,
    "ProviderCaught": CAUGHT,
    "RunAccepted": DONE,
}


class Display(AbstractContextManager["Display"]):
    """Shows how the job goes on ``console``, if that is a terminal; a log has no use for it."""

    def __init__(
        self, console: Console, players: Sequence[Player], *, columns: int, tiles: int
    ) -> None:
        """Show ``tiles`` tiles in rows of ``columns``, and what each of ``players`` does."""
        self._console = console
        self._players = players
        self._columns = columns
        self._tiles = [WAITING] * tiles
        self._doing = {player.short: "" for player in players}
        self._killed = ""
        self._results = {player.short: 0 for player in players}
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bar.add_task("tiles accepted", total=tiles)
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=8)

    def __enter__(self) -> "Display":
        """Begin to show."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture on the screen."""
        self._live.stop()

    def progressed(self, progress: JobProgressed) -> None:
        """Take in what happened to a run."""
        state = _MEANINGS.get(progress.event)
        # A lie stays to be seen, although the tile is right in the end.
        if state is not None and self._tiles[progress.run] != CAUGHT:
            self._tiles[progress.run] = state
        if progress.provider in self._doing and progress.provider != self._killed:
            self._doing[progress.provider] = f"tile {progress.run + 1}: {progress.what}"
            self._results[progress.provider] += progress.event == "ResultArrived"
        self._bar.update(self._task, completed=progress.accepted)

    def killed(self, player: Player) -> None:
        """Show that an agent was unplugged, whatever else is said of it."""
        self._killed = player.short
        self._doing[player.short] = "unplugged (SIGKILL)"

    def recheck(self, results: int) -> None:
        """Show that so many results are computed once more."""
        self._task = self._bar.add_task("results computed again here", total=results)

    def rechecked(self) -> None:
        """Count a result that was computed once more."""
        self._bar.advance(self._task)

    def _render(self) -> RenderableType:
        return Group(self._grid(), Text(_LEGEND, style="dim"), self._agents(), self._bar)

    def _grid(self) -> Text:
        text = Text()
        for place, state in enumerate(self._tiles):
            cell, style = _CELLS[state]
            text.append(cell, style)
            if place % self._columns == self._columns - 1:
                text.append("\n")
        return text

    def _agents(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        room = max(10, self._console.width - _AGENT_LETTERS)
        for player in self._players:
            count = f"{self._results[player.short]} results" if player.number > 1 else ""
            # Cut here: rich would take the room away from the other columns first.
            doing = Text(self._doing[player.short][:room], style="dim", no_wrap=True)
            table.add_row(player.name, player.short, player.role.value, count, doing)
        return table
