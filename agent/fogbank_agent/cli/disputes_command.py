"""``fogbank disputes``: what became of wrong results."""

import click

from ..control.requests.disputes import Disputes, GetDisputes
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, state_option

_STATES = {
    "open": "its watch is asked",
    "proved": "found guilty; the stake is being seized",
    "seized": "found guilty; the stake is lost",
    "right": "its watch found the result right; it keeps the stake",
    "unheard": "the watch would not judge; it keeps the stake",
    "refused": "found guilty, but the ledger took no proof for an hour; it keeps the stake",
    "too late": "the stake was gone before",
}


@click.command("disputes")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Show the disputes that this agent opened over wrong results.

    An agent opens them by itself when a provider with a stake has signed a result that its own
    sandbox proves wrong, or, where it has none, that others contradict.
    """
    with connect(state) as client:
        found = client.ask(GetDisputes(), Disputes)
    if as_json:
        print_json(found)
        return
    if not found.disputes:
        click.echo("no provider with a stake was caught with a wrong result")
    for one in found.disputes:
        click.echo(
            f"{one.opened}  {one.provider}  {one.drops:>12,} drops at stake  {_STATES[one.state]}"
        )
