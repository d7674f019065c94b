"""``fogbank job forget``: give a job up, or make room."""

import click

from ...control.requests.kept_jobs import ForgetJob, KeptJobs
from ...state_folder import StateFolder
from ..options import connect, state_option


@click.command("forget")
@click.argument("job")
@state_option
def command(job: str, state: StateFolder) -> None:
    """Give JOB up if it is open, and keep nothing of it; what was accepted is still paid.

    JOB is the beginning of its id.
    """
    with connect(state) as client:
        client.ask(ForgetJob(job), KeptJobs)
