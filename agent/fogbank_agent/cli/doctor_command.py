"""``fogbank doctor``: what this machine has and lacks."""

from typing import TYPE_CHECKING

import click

from ..errors import MachineError, printable
from ..state_folder import StateFolder
from .options import json_option, print_json, state_option

if TYPE_CHECKING:
    from ..doctor.finding import Finding


@click.command("doctor")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Tell what an agent has and lacks on this machine, and what to do about it.

    Each line says ok, note (it works, with less than there could be) or problem (it does not work
    until that is put right; exit code 6).  It needs no running agent, and changes nothing.
    """
    from ..doctor.examination import examine

    findings = examine(state)
    problems = [each for each in findings if each.level == "problem"]
    if as_json:
        print_json({"ok": not problems, "findings": findings})
    else:
        for each in findings:
            _print(each)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise MachineError(f"{count}: {', '.join(each.name for each in problems)}")


def _print(finding: "Finding") -> None:
    click.echo(f"{finding.level:<8} {finding.name}: {printable(finding.found)}")
    click.echo(f"         {printable(finding.meaning)}")
    if finding.remedy:
        click.echo(f"         to do: {printable(finding.remedy)}")
