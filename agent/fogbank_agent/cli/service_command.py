"""``fogbank service``: warm instances that neighbours keep; each command is a module."""

import click

from .lazy_group import LazyGroup

_COMMANDS = {
    "start": "Have a neighbour keep an instance of a task warm.",
    "call": "Call a service with an input.",
    "stop": "End a service.",
    "list": "List the services of this agent, and why those that ended did.",
}


@click.command("service", cls=LazyGroup, package=f"{__package__}.service", help_lines=_COMMANDS)
def command() -> None:
    """Have tasks kept warm by neighbours, paid by the call and by the second.

    An instance remembers what earlier calls left in its memory; docs/services.md tells more.
    """
