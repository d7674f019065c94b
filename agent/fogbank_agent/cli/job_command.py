"""``fogbank job``: many runs that outlive restarts; each command is a module."""

import click

from .lazy_group import LazyGroup

_COMMANDS = {
    "start": "Have a task run on many inputs, and its outputs joined if you like.",
    "list": "List the jobs of this agent.",
    "fetch": "Write the results of a job as they come.",
    "resume": "Go on with a job that has failed, with what it has.",
    "forget": "Give a job up if it is open, and keep nothing of it.",
}


@click.command("job", cls=LazyGroup, package=f"{__package__}.job", help_lines=_COMMANDS)
def command() -> None:
    """Have a task run on many inputs, in a job that the agent keeps.

    The agent goes on with it when the terminal is closed and when it was restarted, or killed:
    what was accepted is not bought again.  docs/jobs.md tells more.
    """
