"""``fogbank run``: have a task run by neighbours, once for each input."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from ..control.client import ControlClient
from ..control.requests.jobs import (
    JobEnded,
    JobProgressed,
    RunEnded,
    RunsEnded,
)
from ..errors import Refused, RunFailed
from ..state_folder import StateFolder
from .handing_over import hand_over_inputs, hand_over_task, write_output
from .options import (
    connect,
    files_option,
    folders_option,
    json_option,
    print_json,
    state_option,
    to_json,
)
from .order_options import OrderOptions, order_options
from .run_display import Display, new_display, print_providers
from .run_inputs import (
    PublishedTask,
    TaskFile,
    check_output,
    find_inputs,
    find_task,
)

_NO_FUNDS = "no_funds"
"""The code of that reason (SPEC.md section 9.7); to import the market would take its time."""


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
@order_options
@click.option("--local", is_flag=True, help="Run it here and now, with no agent and no market.")
@state_option
@json_option
def command(
    task: str,
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    output: Path | None,
    order: OrderOptions,
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

        if order.is_for_a_market:
            raise click.UsageError(
                "--verify, --price-max, --start-price-max and --patience are for runs that "
                "neighbours do: leave them out, or --local"
            )
        here = LocalOrder(
            arguments=order.arguments,
            environment=order.environment,
            seed=order.seed,
            fuel_max=order.fuel_max,
        )
        run_locally(found, files, folders, output, here, order.deadline, as_json=as_json)
        return
    inputs = find_inputs(files, folders)
    check_output(output, inputs, needed=len(inputs) > 1 and not as_json)
    upload_bytes = _size(found) + sum(one.size for one in inputs)
    with connect(state) as client:
        with new_display([one.name for one in inputs], upload_bytes, quiet=as_json) as display:
            job = order.job(
                hand_over_task(client, found, display),
                found.name if isinstance(found, TaskFile) else "",
                hand_over_inputs(client, inputs, display),
            )
            client.send(job)
            pages, ended = _follow(client, display)
        runs = [run for page in pages for run in page.runs]
        _deliver(client, runs, output, as_json)
    if as_json:
        print_json({**to_json(ended), "runs": [run for page in pages for run in in_full(page)]})
    else:
        print_providers(ended)
    check_all_well(runs)


def _size(task: TaskFile | PublishedTask) -> int:
    return len(task.data) if isinstance(task, TaskFile) else 0


def _follow(client: ControlClient, display: Display) -> tuple[list[RunsEnded], JobEnded]:
    """Show how the job goes until it has ended."""
    pages: list[RunsEnded] = []
    while True:
        match client.receive_any([JobProgressed, RunsEnded, JobEnded]):
            case JobProgressed() as progress:
                display.progressed(progress)
            case RunsEnded() as page:
                pages.append(page)
            case JobEnded() as ended:
                return pages, ended
            case _:
                raise AssertionError


def in_full(page: RunsEnded) -> Iterator[dict[str, object]]:
    """Return each run with the list of its attempts."""
    attempts: dict[int, list[object]] = {run.number: [] for run in page.runs}
    for attempt in page.attempts:
        told = to_json(attempt)
        del told["first"], told["last"]
        for number in range(attempt.first, attempt.last + 1):
            attempts[number].append(told)
    for run in page.runs:
        yield {**to_json(run), "attempts": attempts[run.number]}


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


def check_all_well(runs: Sequence[RunEnded]) -> None:
    """Raise what the command ends with when not all of ``runs`` have an output.

    Raises:
        Refused: there was not enough money for any of them.
        RunFailed: at least one failed.
    """
    failed = [run for run in runs if not run.ok]
    if failed:
        first = failed[0]
        is_refused = all(run.reason == _NO_FUNDS for run in runs)
        raise (Refused if is_refused else RunFailed)(
            f"{len(failed)} of {len(runs)} runs failed; {first.name}: {first.outcome}; "
            f"{_advice(first.outcome)}"
            f"see 'fogbank why {first.run_id[:12]}'"
        )


def _advice(outcome: str) -> str:
    """Return what to try where the task itself has failed: a neighbour hands on its output alone.

    The words are those of ``market.outcome_words``.
    """
    if outcome == "out of fuel":
        return "raise --fuel-max; "
    if outcome.startswith(("exit code ", "trap: ")):
        return "try 'fogbank run --local' to see what it writes; "
    return ""
