"""``fogbank run``: have a task run by neighbours, once for each input."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ..control.client import ControlClient
from ..control.requests.jobs import (
    JobEnded,
    JobProgressed,
    RunEnded,
    RunsEnded,
    StartJob,
)
from ..errors import RunFailed
from ..limits import PRICE_MAX, RUN_FUEL_MAX
from ..state_folder import StateFolder
from .handing_over import hand_over_inputs, hand_over_task, write_output
from .options import (
    connect,
    environment_option,
    files_option,
    folders_option,
    json_option,
    print_json,
    state_option,
    to_json,
)
from .run_display import Display, new_display, print_providers
from .run_inputs import (
    PublishedTask,
    TaskFile,
    check_output,
    find_inputs,
    find_task,
)


@click.command("run")
@click.argument("task", metavar="TASK")
@files_option
@folders_option
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write each output here, under its input's name [a single one: standard output].",
)
@click.option("--arg", "arguments", metavar="A", multiple=True, help="An argument for the task.")
@environment_option
@click.option("--seed", type=click.IntRange(0, (1 << 64) - 1), default=0, help="Its random seed.")
@click.option(
    "--verify",
    metavar="POLICY",
    help="How results are checked: auto, none, audit, verify (by the task's own verifier), partial "
    "(some runs of each lot again) or quorum:K.",
)
@click.option(
    "--price-max", type=click.IntRange(0, PRICE_MAX), help="Drops for a gigafuel, at most."
)
@click.option(
    "--start-price-max", type=click.IntRange(0, PRICE_MAX), help="Drops for a start, at most."
)
@click.option("--fuel-max", type=click.IntRange(1, RUN_FUEL_MAX), help="Fuel that one run may use.")
@click.option("--deadline", type=click.IntRange(1, 3600), help="Seconds that one run may take.")
@click.option("--patience", type=click.IntRange(1, 3600), help="Seconds to wait for a taker.")
@click.option("--local", is_flag=True, help="Run it here and now, with no agent and no market.")
@state_option
@json_option
def command(
    task: str,
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    output: Path | None,
    arguments: tuple[str, ...],
    environment: tuple[str, ...],
    seed: int,
    verify: str | None,
    price_max: int | None,
    start_price_max: int | None,
    fuel_max: int | None,
    deadline: int | None,
    patience: int | None,
    local: bool,
    state: StateFolder,
    as_json: bool,
) -> None:
    """Have a task run by neighbours, once for each input, and check and pay for the results.

    TASK is a package file, a WebAssembly module, the id of a package that a neighbour publishes,
    or the name of a bundled task, such as sensor_statistics.  What the options leave open is in
    config.toml.

    With --local it runs once in the sandbox of this machine, and --output names a file.
    """
    found = find_task(task)
    if local:
        from .local_run import LocalOrder, run_locally

        _refuse_market_options(verify, price_max, start_price_max, patience)
        order = LocalOrder(
            arguments=arguments, environment=environment, seed=seed, fuel_max=fuel_max
        )
        run_locally(found, files, folders, output, order, deadline, as_json=as_json)
        return
    inputs = find_inputs(files, folders)
    check_output(output, inputs, needed=len(inputs) > 1 and not as_json)
    upload_bytes = _size(found) + sum(one.size for one in inputs)
    with connect(state) as client:
        with new_display([one.name for one in inputs], upload_bytes, quiet=as_json) as display:
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
            client.send(job)
            runs, ended = _follow(client, display)
        _deliver(client, runs, output, as_json)
    if as_json:
        print_json({**to_json(ended), "runs": runs})
    else:
        print_providers(ended)
    _check_all_well(runs)


def _refuse_market_options(*options: object) -> None:
    if any(option is not None for option in options):
        raise click.UsageError(
            "--verify, --price-max, --start-price-max and --patience are for runs that neighbours "
            "do: leave them out, or --local"
        )


def _size(task: TaskFile | PublishedTask) -> int:
    return len(task.data) if isinstance(task, TaskFile) else 0


def _follow(client: ControlClient, display: Display) -> tuple[list[RunEnded], JobEnded]:
    """Show how the job goes until it has ended."""
    runs: list[RunEnded] = []
    while True:
        match client.receive_any([JobProgressed, RunsEnded, JobEnded]):
            case JobProgressed() as progress:
                display.progressed(progress)
            case RunsEnded(ended_now):
                runs += ended_now
            case JobEnded() as ended:
                return runs, ended
            case _:
                raise AssertionError


def _deliver(
    client: ControlClient, runs: Sequence[RunEnded], output: Path | None, as_json: bool
) -> None:
    for run in runs:
        if run.output_id is None:
            continue
        if output is not None:
            write_output(client, run.output_id, output / run.name)
        elif not as_json:
            for data in client.blob(run.output_id):
                sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()


def _check_all_well(runs: Sequence[RunEnded]) -> None:
    failed = [run for run in runs if not run.ok]
    if failed:
        first = failed[0]
        raise RunFailed(
            f"{len(failed)} of {len(runs)} runs failed; {first.name}: {first.outcome}; "
            f"see 'fogbank why {first.run_id[:12]}'"
        )
