"""``fogbank task publish``: give a package to the neighbours."""

import io
from pathlib import Path

import click

from ...control.requests.packages import PackagePublished, PublishPackage
from ...state_folder import StateFolder
from ..options import connect, json_option, print_json, state_option
from .options import folder_option, key_option, read_author, read_task_file


@click.command("publish")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@folder_option
@key_option
@state_option
@json_option
def command(
    file: Path | None, folder: Path, key: Path | None, state: StateFolder, as_json: bool
) -> None:
    """Hand the package FILE to the running agent, which keeps it for the neighbours.

    Without FILE the task of this folder is packed first.  Everybody connected can then run it with
    'fogbank run ID', also after this agent was started anew, until 'fogbank task withdraw ID'.
    """
    data = _pack(folder, key, state) if file is None else _read(file)
    with connect(state) as client:
        package_id = client.put_blob(io.BytesIO(data), len(data))
        published = client.ask(PublishPackage(package_id), PackagePublished)
    if as_json:
        print_json(published)
    else:
        click.echo(f"{published.name} {published.version} is published; neighbours run it with")
        click.echo(f"fogbank run {published.package_id.hex()}")


def _read(file: Path) -> bytes:
    from ...authoring.checking import check_package

    data = read_task_file(file)
    check_package(data, file.name)
    return data


def _pack(folder: Path, key: Path | None, state: StateFolder) -> bytes:
    from ...authoring.building import read_module
    from ...authoring.manifest_file import read_manifest
    from ...authoring.packing import pack

    manifest = read_manifest(folder)
    return pack(manifest, read_module(manifest, folder), read_author(key, state))
