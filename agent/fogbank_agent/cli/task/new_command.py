"""``fogbank task new``: begin a task."""

from pathlib import Path

import click

from ...authoring.manifest import LANGUAGES
from ..options import json_option, print_json


@click.command("new")
@click.argument("name")
@click.option(
    "--lang", "language", type=click.Choice(LANGUAGES), required=True, help="Written in this."
)
@click.option(
    "--folder", metavar="DIR", type=click.Path(path_type=Path), help="Where to begin [./NAME]."
)
@json_option
def command(name: str, language: str, folder: Path | None, as_json: bool) -> None:
    """Begin the task NAME: a program that counts words, its manifest and its tests."""
    from ...authoring.starting import start

    place = folder or Path(name)
    written = start(place, name, language)
    if as_json:
        print_json({"folder": str(place), "files": [str(path) for path in written]})
        return
    for path in written:
        click.echo(path)
    click.echo(f"\nNow: cd {place}, fogbank task build, fogbank task test")
