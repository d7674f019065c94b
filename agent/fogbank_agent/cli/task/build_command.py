"""``fogbank task build``: compile a task."""

from pathlib import Path

import click

from ..options import json_option, print_json
from .options import folder_option


@click.command("build")
@folder_option
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Compile the task of this folder, and check that the module is one that neighbours take.

    A missing compiler is named with the one command that installs it (exit code 6).
    """
    from ...authoring.building import build
    from ...authoring.inspection import inspect
    from ...authoring.manifest_file import read_manifest
    from ...authoring.packing import open_task

    manifest = read_manifest(folder)
    module = build(manifest, folder)
    package = open_task(module.read_bytes(), module.name)
    facts = inspect(package, is_bare=True)
    if as_json:
        print_json({"module": str(module), "bytes": facts.module_bytes, "shape": facts.shape})
    else:
        click.echo(f"{module}: {facts.module_bytes:,} bytes, a {facts.shape}")
