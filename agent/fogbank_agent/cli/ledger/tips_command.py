"""``fogbank ledger tips``: what nothing stands on."""

import click

from ...state_folder import StateFolder
from ..options import json_option, print_json, state_option
from .opening import read


@click.command("tips")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """List the vertices that nothing stands on, the oldest first."""
    tips = list(read(state).ledger.tips())
    if as_json:
        print_json({"tips": tips})
        return
    for tip in tips:
        click.echo(tip.hex())
