"""``fogbank id``: the name of this agent on the wire."""

import click

from ..state_folder import StateFolder
from .options import json_option, print_json, state_option


@click.command("id")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Print this agent's node id, which is its public key and its account."""
    identity = state.read_identity()
    from fogbank_protocol.identity import short_form

    if as_json:
        print_json({"node_id": identity.node_id, "short": short_form(identity.node_id)})
    else:
        click.echo(identity.node_id.hex())
