"""``fogbank task withdraw``: keep a published package no longer."""

import re

import click

from ...control.requests.packages import PackageWithdrawn, WithdrawPackage
from ...errors import Refused
from ...state_folder import StateFolder
from ..options import connect, json_option, print_json, state_option


@click.command("withdraw")
@click.argument("package_id", metavar="ID")
@state_option
@json_option
def command(package_id: str, state: StateFolder, as_json: bool) -> None:
    """Keep the published package ID no longer; whoever has fetched it still has it."""
    if not re.fullmatch("[0-9a-fA-F]{64}", package_id):
        raise Refused(f"'{package_id}' is not the id of a package, of 64 hexadecimal digits")
    with connect(state) as client:
        withdrawn = client.ask(WithdrawPackage(bytes.fromhex(package_id)), PackageWithdrawn)
    if as_json:
        print_json(withdrawn)
    else:
        click.echo(f"{withdrawn.package_id.hex()} is withdrawn")
