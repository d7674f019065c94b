"""``fogbank reputation``: how others have dealt with this agent."""

import click

from ..control.requests.history import GetReputation, Reputation
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, state_option


@click.command("reputation")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Tell how others have dealt with this agent.

    Providers, in runs: confirmed, found wrong, lost, refused.  Requestors: drops paid, not yet
    paid, and refused, and what they may owe.  All of it is what this agent has seen itself;
    docs/choosing.md says what it makes of it.
    """
    with connect(state) as client:
        found = client.ask(GetReputation(), Reputation)
    if as_json:
        print_json(found)
        return
    if not found.providers and not found.requestors:
        click.echo("nobody has worked for this agent yet, and it for nobody")
    for one in found.providers:
        click.echo(
            f"provider  {one.short}  {one.confirmed:,} confirmed, {one.wrong:,} wrong, "
            f"{one.lost:,} lost, {one.refused:,} refused; {one.in_a_row:,} confirmed in a row"
            + ("; caught lately, so asked last" if one.distrusted else "")
        )
    for line in found.requestors:
        click.echo(
            f"requestor {line.short}  {line.paid:,} drops paid, {line.unpaid:,} unpaid, "
            f"{line.refused:,} refused, for {line.lots:,} lots; may owe {line.credit:,}"
        )
