"""``fogbank task earnings``: what an author was paid for runs of its tasks."""

import click

from ...control.requests.channels import Earnings, GetEarnings
from ...state_folder import StateFolder
from ..options import connect, json_option, print_json, state_option


@click.command("earnings")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Show the royalties of this agent, by channel, in drops.

    They are due when a requestor and a provider settle their channel, and come with what the
    provider takes.  Channels that are still open are not among them: only their two sides know.
    """
    with connect(state) as client:
        found = client.ask(GetEarnings(), Earnings)
    if as_json:
        print_json(found)
        return
    for one in found.royalties:
        click.echo(
            f"{one.channel[:8]}  {one.drops:>16,} drops from {one.payer} by way of {one.provider}"
        )
    if found.royalties:
        click.echo(f"{'all':<8}  {found.total:>16,} drops")
    else:
        click.echo(
            "no royalties yet: they come when channels over which runs of your tasks were paid "
            "are settled, and a run that this agent bought or sold itself carries none"
        )
