"""``fogbank job start``: have a task run on many inputs, over restarts of the agent."""

from pathlib import Path

import click

from ...control.requests.kept_jobs import KeepJob, KeptJob
from ...limits import JOB_RUNS_MAX
from ...state_folder import StateFolder
from ..handing_over import hand_over_inputs, hand_over_task
from ..options import (
    connect,
    files_option,
    folders_option,
    json_option,
    print_json,
    state_option,
)
from ..order_options import OrderOptions, order_options
from ..run_display import new_display
from ..run_inputs import TaskFile, find_inputs, find_task


@click.command("start")
@click.argument("task", metavar="TASK")
@files_option
@folders_option
@click.option("--reduce", "reducer", metavar="TASK", help="The task that joins the outputs.")
@click.option(
    "--fan",
    type=click.IntRange(2, JOB_RUNS_MAX),
    help="How many outputs it joins at a time, and what comes of that in turn [all at once].",
)
@order_options
@state_option
@json_option
def command(
    task: str,
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    reducer: str | None,
    fan: int | None,
    order: OrderOptions,
    state: StateFolder,
    as_json: bool,
) -> None:
    """Have TASK run by neighbours once for each input, and print the id of the job.

    With --reduce that task gets all outputs, each after its size, and its output is the result.
    Both tasks are named as for 'fogbank run', whose options mean the same here.
    """
    if fan is not None and reducer is None:
        raise click.UsageError("--fan says how many outputs --reduce joins at a time: give both")
    found, inputs = find_task(task), find_inputs(files, folders)
    joins = None if reducer is None else find_task(reducer)
    upload_bytes = sum(one.size for one in inputs)
    with (
        connect(state) as client,
        new_display([one.name for one in inputs], upload_bytes, quiet=as_json) as display,
    ):
        job = order.job(
            hand_over_task(client, found, display),
            found.name if isinstance(found, TaskFile) else "",
            hand_over_inputs(client, inputs, display),
        )
        request = KeepJob(
            job=job,
            reduce_id=None if joins is None else hand_over_task(client, joins, display),
            reduce_name=joins.name if isinstance(joins, TaskFile) else "",
            fan=fan or 0,
        )
        kept = client.ask(request, KeptJob)
    if as_json:
        print_json(kept)
        return
    click.echo(kept.job[:12])
