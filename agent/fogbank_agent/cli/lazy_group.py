"""A tree of commands of which each is a module of its own, imported when it is asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """Commands by name, with their help lines here, so that one command imports one module."""

    def __init__(
        self, *arguments: Any, package: str, help_lines: Mapping[str, str], **options: Any
    ) -> None:
        """Find command ``x`` of ``help_lines`` as ``command`` in ``package``.x_command."""
        super().__init__(*arguments, **options)
        self._package = package
        self._help_lines = help_lines

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which they were given."""
        return list(self._help_lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name; None when there is none."""
        if cmd_name not in self._help_lines:
            return None
        found = import_module(f"{self._package}.{cmd_name}_command").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help lines without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._help_lines.items()))
