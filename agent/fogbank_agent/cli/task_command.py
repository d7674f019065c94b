"""``fogbank task``: what authors of tasks need, each command a module of ``task``."""

import click

from .lazy_group import LazyGroup

_COMMANDS = {
    "new": "Begin a task: a program that works, its manifest and its tests.",
    "build": "Compile the task of this folder.",
    "test": "Try the task of this folder in the sandbox.",
    "profile": "Tell which functions use the fuel of a run.",
    "inspect": "Tell what a package, a module or the task of this folder is.",
    "pack": "Sign the task of this folder into a package file.",
    "verify": "Check a package, or a proof that a provider signed a wrong result.",
    "publish": "Give a package to the neighbours, who run it by its id.",
    "withdraw": "Keep a published package no longer.",
    "earnings": "Show the royalties of this agent.",
}


@click.command("task", cls=LazyGroup, package=f"{__package__}.task", help_lines=_COMMANDS)
def command() -> None:
    """Write, build, try, sign and publish tasks.

    A task is a folder with a file fogtask.toml; docs/authors.md leads from nothing to a published
    task.
    """
