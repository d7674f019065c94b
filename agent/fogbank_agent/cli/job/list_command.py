"""``fogbank job list``: the jobs that the agent keeps."""

import click

from ...control.requests.kept_jobs import GetJobs, KeptJobs
from ...state_folder import StateFolder
from ..options import connect, json_option, print_json, print_table, state_option


@click.command("list")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """List the jobs that are open, and those that ended within a week."""
    with connect(state) as client:
        found = client.ask(GetJobs(), KeptJobs)
    if as_json:
        print_json(found)
        return
    if not found.jobs:
        click.echo("no jobs: start one with 'fogbank job start TASK'")
        return
    print_table(
        ("job", "task", "inputs", "done", "drops paid", "state"),
        [
            (
                one.job[:12],
                one.name,
                one.fragments,
                one.done,
                f"{one.paid:,}",
                f"{one.state}: {one.why}" if one.why else one.state,
            )
            for one in found.jobs
        ],
    )
