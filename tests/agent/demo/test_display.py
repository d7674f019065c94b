"""What a person sees of the demonstration."""

import io
from pathlib import Path

from rich.console import Console
from rich.text import Text

from fogbank_agent.control.requests.jobs import JobProgressed
from fogbank_agent.demo.display import Display
from fogbank_agent.demo.stage import Player, casting
from fogbank_agent.state_folder import StateFolder

PLAYERS = [
    Player(
        number=number,
        role=role,
        state=StateFolder(Path(f"agent-{number}")),
        log=Path(f"agent-{number}.log"),
        node_id=f"{number:064x}",
        short=f"aaaa-aaa{number}",
    )
    for number, role in enumerate(casting(5), start=1)
]


def progress(run: int, event: str, provider: str = "", accepted: int = 0) -> JobProgressed:
    return JobProgressed(
        run=run,
        runs=1,
        at_ms=0,
        attempt=0,
        event=event,
        provider=provider,
        what=f"{provider}: {event}.",
        accepted=accepted,
        failed=0,
        under_way=0,
        waiting=0,
    )


def shown(events: list[JobProgressed], killed: Player | None = None) -> str:
    """Return the last screen of a job of four tiles in two rows."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, no_color=True, width=100)
    with Display(console, PLAYERS, columns=2, tiles=4) as display:
        if killed is not None:
            display.killed(killed)
        for event in events:
            display.progressed(event)
    return Text.from_ansi(text.getvalue()).plain


def test_each_tile_shows_how_its_run_goes() -> None:
    screen = shown(
        [
            progress(0, "RunPlaced", PLAYERS[1].short),
            progress(1, "RunPlaced", PLAYERS[2].short),
            progress(1, "ResultArrived", PLAYERS[2].short),
            progress(2, "RunAccepted", PLAYERS[1].short, accepted=1),
        ],
    )

    assert "░░▒▒" in screen
    assert "██··" in screen
    assert "1/4" in screen


def test_a_lie_stays_to_be_seen() -> None:
    screen = shown(
        [progress(0, "ResultRefused", PLAYERS[4].short), progress(0, "RunAccepted", "")],
    )

    assert "!!··" in screen


def test_the_killed_agent_is_shown_as_killed_whatever_is_still_said_of_it() -> None:
    screen = shown([progress(0, "AttemptFailed", PLAYERS[3].short)], killed=PLAYERS[3])

    assert "unplugged (SIGKILL)" in screen
    assert "✗" in screen


def test_nothing_is_drawn_into_a_log() -> None:
    text = io.StringIO()

    with Display(Console(file=text), PLAYERS, columns=2, tiles=4) as display:
        display.progressed(progress(0, "RunPlaced", PLAYERS[1].short))

    assert text.getvalue() == ""
