"""``fogbank job start``: have a task run on many inputs, over restarts of the agent."""

from pathlib import Path

import click

from ...control.requests.jobs import StartJob
from ...control.requests.kept_jobs import KeepJob, KeptJob
from ...limits import JOB_RUNS_MAX, PRICE_MAX, RUN_FUEL_MAX
from ...state_folder import StateFolder
from ..handing_over import hand_over_inputs, hand_over_task
from ..options import (
    connect,
    environment_option,
    files_option,
    folders_option,
    json_option,
    print_json,
    state_option,
)
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
@click.option("--arg", "arguments", metavar="A", multiple=True, help="An argument for the task.")
@environment_option
@click.option("--seed", type=click.IntRange(0, (1 << 64) - 1), default=0, help="Its random seed.")
@click.option("--verify", metavar="POLICY", help="How results are checked, as 'fogbank run' says.")
@click.option(
    "--price-max", type=click.IntRange(0, PRICE_MAX), help="Drops for a gigafuel, at most."
)
@click.option(
    "--start-price-max", type=click.IntRange(0, PRICE_MAX), help="Drops for a start, at most."
)
@click.option("--fuel-max", type=click.IntRange(1, RUN_FUEL_MAX), help="Fuel that one run may use.")
@click.option("--deadline", type=click.IntRange(1, 3600), help="Seconds that one run may take.")
@click.option("--patience", type=click.IntRange(1, 3600), help="Seconds to wait for a taker.")
@state_option
@json_option
def command(
    task: str,
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    reducer: str | None,
    fan: int | None,
    arguments: tuple[str, ...],
    environment: tuple[str, ...],
    seed: int,
    verify: str | None,
    price_max: int | None,
    start_price_max: int | None,
    fuel_max: int | None,
    deadline: int | None,
    patience: int | None,
    state: StateFolder,
    as_json: bool,
) -> None:
    """Have TASK run by neighbours once for each input, and print the id of the job.

    With --reduce that task gets all outputs, each after its size, and its output is the result.
    Both tasks are named as for 'fogbank run', whose options mean the same here.
    """
    found, inputs = find_task(task), find_inputs(files, folders)
    joins = None if reducer is None else find_task(reducer)
    upload_bytes = sum(one.size for one in inputs)
    with (
        connect(state) as client,
        new_display([one.name for one in inputs], upload_bytes, quiet=as_json) as display,
    ):
        job = StartJob(
            task_id=hand_over_task(client, found, display),
            task_name=found.name if isinstance(found, TaskFile) else "",
            inputs=hand_over_inputs(client, inputs, display),
            arguments=arguments,
            environment=environment,
            seed=seed,
            verify=verify,
            price_max=price_max,
            start_price_max=start_price_max,
            fuel_max=fuel_max,
            deadline_s=deadline,
            patience_s=patience,
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
