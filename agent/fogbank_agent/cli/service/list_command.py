"""``fogbank service list``: the services of this agent."""

import click

from ...control.requests.services import GetServices, Services
from ...state_folder import StateFolder
from ..options import connect, json_option, print_json, print_table, state_option


@click.command("list")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """List the services since this agent started, and why those that ended did."""
    with connect(state) as client:
        found = client.ask(GetServices(), Services)
    if as_json:
        print_json(found)
        return
    if not found.services:
        click.echo("no services: start one with 'fogbank service start TASK'")
        return
    print_table(
        ("service", "task", "provider", "calls", "warm s", "drops", "paid", "state"),
        [
            (
                one.service[:12],
                one.name,
                one.provider,
                one.calls,
                one.warm_ms / 1_000,
                one.drops,
                one.paid,
                "live" if one.live else f"ended: {one.why}",
            )
            for one in found.services
        ],
    )
