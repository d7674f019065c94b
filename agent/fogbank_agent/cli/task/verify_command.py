"""``fogbank task verify``: check a package, or a proof of a wrong result."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import MachineError, ProofFailed, Refused
from ..options import json_option, print_json, to_json
from .options import read_signed_file

if TYPE_CHECKING:
    from ...authoring.checking import ProofJudged


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def command(file: Path, as_json: bool) -> None:
    """Check FILE, a package or a proof that a provider signed a wrong result, and tell which it is.

    Of a package: encoding, bounds, the module and what it imports, its hash, the author's
    signature.  Of a proof: that all in it belongs together, and then the part of the run that it
    names is repeated here; nobody else is asked.

    Exit code 0: the package holds, or the proof does.  1: the provider's result is right.  5: the
    file is neither, or something of it does not hold.  6: this machine cannot repeat the run.
    """
    from ...authoring.checking import PackageChecked, check_file

    try:
        found = check_file(read_signed_file(file), file.name)
    except Refused as refusal:
        if as_json:
            print_json({"holds": False, "why": str(refusal)})
        raise
    if not isinstance(found, PackageChecked):
        _conclude(found, as_json)
        return
    package = found.package
    if as_json:
        print_json({"kind": "package", "holds": True, "package": package})
    else:
        click.echo(
            f"the package {package.name} {package.version} holds: signed by {package.author.hex()}"
        )
        click.echo(f"id {package.package_id.hex()}")


def _conclude(found: "ProofJudged", as_json: bool) -> None:
    holds = found.verdict == "wrong"
    if as_json:
        print_json({"kind": "proof", "holds": holds, **to_json(found)})
    match found.verdict:
        case "wrong" if not as_json:
            click.echo(found.sentence)
            click.echo(
                f"the proof holds against {found.provider.hex()} in network {found.network.hex()}"
            )
        case "wrong":
            pass
        case "right":
            raise ProofFailed(f"the proof does not hold.  {found.sentence}")
        case _:
            raise MachineError(f"the proof could not be judged.  {found.sentence}")
