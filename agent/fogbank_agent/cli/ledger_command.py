"""``fogbank ledger``: look at the ledger, each command a module of ``ledger``."""

import click

from .lazy_group import LazyGroup

_COMMANDS = {
    "show": "Tell what this agent holds of the ledger.",
    "account": "Tell what is known of an account.",
    "vertex": "Tell what a vertex says, and how far it is.",
    "tips": "List the vertices that nothing stands on.",
    "export": "Write the vertices as GraphML, DOT or JSON lines.",
    "stats": "Print the ledger in numbers.",
    "verify": "Work everything out anew from disk, slowly, and compare.",
}


@click.command("ledger", cls=LazyGroup, package=f"{__package__}.ledger", help_lines=_COMMANDS)
def command() -> None:
    """Look at the ledger as it is on disk, whether the agent is running or not.

    A running agent writes what it takes within a twentieth of a second; docs/ledger.md explains
    the words.
    """
