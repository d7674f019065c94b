"""``fogbank job resume``: go on with a job that has failed."""

import click

from ...control.requests.kept_jobs import KeptJob, ResumeJob
from ...state_folder import StateFolder
from ..options import connect, json_option, print_json, state_option


@click.command("resume")
@click.argument("job")
@state_option
@json_option
def command(job: str, state: StateFolder, as_json: bool) -> None:
    """Go on with JOB, which has failed; what is done is not bought again.

    JOB is the beginning of its id.
    """
    with connect(state) as client:
        kept = client.ask(ResumeJob(job), KeptJob)
    if as_json:
        print_json(kept)
        return
    click.echo(f"{kept.job[:12]}: {kept.done} of {kept.fragments} are done", err=True)
