"""``fogbank task verify``: check a package file."""

from pathlib import Path

import click

from ...errors import Refused
from ..options import json_option, print_json
from .options import read_task_file


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def command(file: Path, as_json: bool) -> None:
    """Check everything about the package FILE that can be checked without running it.

    Encoding, bounds, the module and what it imports, its hash, and the author's signature.  Exit
    code 5 when something does not hold.
    """
    from ...authoring.inspection import inspect
    from ...authoring.packing import WASM, open_task

    data = read_task_file(file)
    if data.startswith(WASM):
        raise Refused(f"{file} is a bare module, which nobody signed: see 'fogbank task inspect'")
    package = inspect(open_task(data, file.name), is_bare=False).package
    assert package is not None
    if as_json:
        print_json({"holds": True, "package": package})
    else:
        click.echo(f"{package.name} {package.version} holds: signed by {package.author.hex()}")
        click.echo(f"id {package.package_id.hex()}")
