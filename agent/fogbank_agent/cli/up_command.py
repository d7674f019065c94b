"""``fogbank up``: the daemon in the foreground."""

import click

from ..state_folder import StateFolder
from .options import state_option


@click.command("up")
@state_option
def command(state: StateFolder) -> None:
    """Run the agent of this folder until SIGINT or SIGTERM; the log goes to standard error."""
    from ..daemon import run_daemon

    run_daemon(state)
