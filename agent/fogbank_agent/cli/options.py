"""Options that many commands share, and how they print."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from re import fullmatch
from typing import Any, TypeVar

import click

from ..authoring.environment import environment_of
from ..control.client import ControlClient
from ..errors import Refused, printable
from ..state_folder import StateFolder, default_path

_Function = TypeVar("_Function", bound=Callable[..., Any])

files_option = click.option(
    "--input",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Run it on this file; may be repeated.",
)

folders_option = click.option(
    "--map",
    "folders",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Run it on each file of this folder.",
)

JSON_SCHEMA = 1
"""The version of everything that ``--json`` prints; it rises when a key goes or changes meaning."""


class CountingCommand(click.Command):
    """A command whose numbers are all at least 1: a negative one is not taken for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse ``args`` as every command does, and refuse such a number in a sentence."""
        for one in args:
            if fullmatch(r"-[0-9]+", one):
                raise click.UsageError(f"{one}: it must be 1 or more", ctx)
        return super().parse_args(ctx, args)


def state_option(function: _Function) -> _Function:
    """Add ``--state DIR``, which reaches the command as ``state``, a ``StateFolder``."""
    return click.option(
        "--state",
        envvar="FOGBANK_STATE",
        metavar="DIR",
        default=None,
        callback=_state_folder,
        help="The agent's state folder [FOGBANK_STATE; else ~/.local/state/fogbank].",
    )(function)


def json_option(function: _Function) -> _Function:
    """Add ``--json``, which reaches the command as ``as_json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
    )(function)


def environment_option(function: _Function) -> _Function:
    """Add ``--env K=V``, which may be repeated and reaches the command as ``environment``."""
    return click.option(
        "--env",
        "environment",
        metavar="K=V",
        multiple=True,
        callback=_variables,
        help="A variable for it.",
    )(function)


def _variables(
    _context: click.Context, _parameter: click.Parameter, entries: tuple[str, ...]
) -> tuple[str, ...]:
    try:
        environment_of(entries)
    except Refused as refusal:
        raise click.BadParameter(str(refusal)) from None
    return entries


def _state_folder(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> StateFolder:
    return state_folder_at(value)


def state_folder_at(value: str | None) -> StateFolder:
    """Return the folder named by ``value``, or the default one."""
    path = Path(value) if value else default_path(dict(os.environ))
    return StateFolder(path.absolute())


def connect(state: StateFolder) -> ControlClient:
    """Connect to the agent of ``state``."""
    return ControlClient(state.control_socket)


def print_json(answer: object) -> None:
    """Print a dataclass, or a dictionary, as one JSON object with the schema's version first."""
    plain = to_json(answer)
    assert isinstance(plain, dict)
    click.echo(json.dumps({"schema": JSON_SCHEMA, **plain}, ensure_ascii=False))


def to_json(value: object) -> Any:
    """Return ``value`` in what JSON can say: bytes as hexadecimal digits."""
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: to_json(getattr(value, part.name)) for part in fields(value)}
    match value:
        case bytes():
            return value.hex()
        case list() | tuple():
            return [to_json(item) for item in value]
        case dict():
            return {str(key): to_json(item) for key, item in value.items()}
        case _:
            return value


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print ``rows`` in columns under ``head``; numbers stand at the right of their column."""
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *texts, strict=True)]
    for line, values in zip([list(head), *texts], [None, *rows], strict=True):
        cells = [
            text.rjust(width)
            if values is not None and isinstance(values[place], int | float)
            else text.ljust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


def is_terminal() -> bool:
    """Tell whether a person watches standard error, where progress is shown."""
    return sys.stderr.isatty()


def seconds(value: float) -> str:
    """Return a duration for people."""
    if value < 60:
        return f"{value:.0f} s"
    if value < 3600:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h" if value < 48 * 3600 else f"{value / 86400:.0f} days"


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.1f}"
        case _:
            return printable(str(value))
