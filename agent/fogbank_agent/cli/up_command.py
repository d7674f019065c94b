"""``fogbank up``: the daemon in the foreground."""

import click

from ..state_folder import StateFolder
from .options import json_option, print_json, state_option


@click.command("up")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Run the agent of this folder until SIGINT or SIGTERM; the log goes to standard error.

    With --json the object comes once neighbours and commands reach the agent.
    """
    from ..daemon import run_daemon

    if as_json:
        run_daemon(state, announce=print_json)
    else:
        run_daemon(state)
