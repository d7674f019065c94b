"""``fogbank service stop``: end a service."""

import click

from ...control.requests.services import ServiceState, StopService
from ...state_folder import StateFolder
from ..options import connect, json_option, print_json, state_option


@click.command("stop")
@click.argument("service")
@state_option
@json_option
def command(service: str, state: StateFolder, as_json: bool) -> None:
    """End SERVICE, the first digits of its id, and pay what is due."""
    with connect(state) as client:
        stopped = client.ask(StopService(service), ServiceState)
    if as_json:
        print_json(stopped)
        return
    click.echo(
        f"{stopped.name} at {stopped.provider} has ended: {stopped.why}; {stopped.calls:,} calls, "
        f"{stopped.fuel:,} fuel and {stopped.warm_ms / 1_000:,.1f} s for {stopped.drops:,} drops, "
        f"{stopped.paid:,} paid"
    )
