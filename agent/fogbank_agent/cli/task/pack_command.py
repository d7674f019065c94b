"""``fogbank task pack``: sign a task into a package file."""

from pathlib import Path

import click

from ...errors import MachineError
from ...state_folder import StateFolder
from ..options import json_option, print_json, state_option
from .options import folder_option, key_option, read_author


@click.command("pack")
@folder_option
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The package file [NAME-VERSION.fogpkg in the folder].",
)
@key_option
@state_option
@json_option
def command(
    folder: Path, out: Path | None, key: Path | None, state: StateFolder, as_json: bool
) -> None:
    """Sign the module of this folder, with what fogtask.toml says of it, into a package file.

    The same module, manifest and key give the same bytes and so the same id.
    """
    from fogbank_protocol.blobs.naming import blob_id
    from fogbank_protocol.identity import short_form

    from ...authoring.building import read_module
    from ...authoring.manifest_file import read_manifest
    from ...authoring.packing import pack

    manifest = read_manifest(folder)
    module = read_module(manifest, folder)
    author = read_author(key, state)
    data = pack(manifest, module, author)
    path = out or folder / f"{manifest.package.name}-{manifest.package.version}.fogpkg"
    try:
        path.write_bytes(data)
    except OSError as error:
        raise MachineError(f"{path} cannot be written: {error.strerror}") from None
    package_id = blob_id(data)
    if as_json:
        print_json(
            {
                "file": str(path),
                "package_id": package_id,
                "bytes": len(data),
                "author": author.node_id,
            }
        )
    else:
        click.echo(f"{path}: {len(data):,} bytes, signed by {short_form(author.node_id)}")
        click.echo(f"id {package_id.hex()}")
