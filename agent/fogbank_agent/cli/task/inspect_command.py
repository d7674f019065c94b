"""``fogbank task inspect``: what a package or a module is."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import json_option, print_json
from .options import folder_option, read_task_file

if TYPE_CHECKING:
    from ...authoring.inspection import Inspection


@click.command("inspect")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@folder_option
@json_option
def command(file: Path | None, folder: Path, as_json: bool) -> None:
    """Tell what FILE is, a package or a module: shape, imports, exports, sizes, limits, author.

    Without FILE it is the module of this folder.  What neighbours would refuse is said in a
    sentence (exit code 5).
    """
    from ...authoring.inspection import inspect
    from ...authoring.manifest_file import read_manifest
    from ...authoring.packing import WASM, open_task

    path = file or folder / read_manifest(folder).module
    data = read_task_file(path)
    found = inspect(open_task(data, path.name), is_bare=data.startswith(WASM))
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: "Inspection") -> None:
    rows: list[tuple[str, str]] = []
    package = found.package
    if package is not None:
        rows += [
            ("package", f"{package.name} {package.version}, {package.package_bytes:,} bytes"),
            ("id", package.package_id.hex()),
            ("author", f"{package.author.hex()} ({package.author_short}), signature holds"),
            ("memory", f"at most {package.memory_bytes_max:,} bytes"),
            ("output", f"at most {package.output_bytes_max:,} bytes"),
            ("royalty", f"{package.royalty_ppm:,} ppm of what the fuel costs"),
        ]
        if package.description:
            rows.append(("description", package.description))
    own = found.memory_bytes_own_max
    grows = "" if own is None else f", at most {own:,}"
    rows += [
        ("module", f"{found.module_bytes:,} bytes, {found.module_hash.hex()}"),
        ("shape", found.shape),
        ("code", f"{found.functions:,} functions, {found.operators:,} operators"),
        ("begins with", f"{found.memory_bytes_start:,} bytes of memory{grows}"),
        *(("import", each) for each in found.imports),
        *(("export", each) for each in found.exports),
    ]
    for head, text in rows:
        click.echo(f"{head:<12} {text}")
