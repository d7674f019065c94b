"""``fogbank job fetch``: the results of a job, as they come."""

import sys
from pathlib import Path

import click

from ...control.client import ControlClient
from ...control.requests.kept_jobs import FollowJob, FragmentDone, KeptJob
from ...errors import Refused, RunFailed
from ...state_folder import StateFolder
from ..handing_over import write_output
from ..options import connect, json_option, print_json, state_option, to_json


@click.command("fetch")
@click.argument("job")
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each output here, under its input's name [a single result: standard output].",
)
@state_option
@json_option
def command(job: str, output: Path | None, state: StateFolder, as_json: bool) -> None:
    """Wait for JOB, the beginning of its id, and write its results as they come.

    What a reduce task has made of them goes to standard output, or to the file 'reduced'.  The
    agent keeps all of it for a week: this command may be stopped and given again.
    """
    done: dict[tuple[int, int], FragmentDone] = {}
    if output is not None:
        _make(output)
    with connect(state) as news, connect(state) as client:
        news.send(FollowJob(job))
        while True:
            match news.receive_any([FragmentDone, KeptJob]):
                case FragmentDone() as one:
                    done[one.level, one.number] = one
                    if output is not None and one.level == 0 and one.output_id is not None:
                        write_output(client, one.output_id, output / one.name)
                case KeptJob() as ended:
                    break
                case _:
                    raise AssertionError
        results = [done[place] for place in sorted(done)]
        _deliver(client, ended, results, output, as_json=as_json)
    if not as_json:
        click.echo(f"{ended.paid:,} drops paid for this job", err=True)
    if as_json:
        print_json({**to_json(ended), "results": results})
    if ended.state != "done":
        raise RunFailed(f"the job has failed: {ended.why}")


def _make(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"the folder {output} cannot be made: {error.strerror}") from None


def _deliver(
    client: ControlClient,
    job: KeptJob,
    results: list[FragmentDone],
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write the one result of the job, where there is one."""
    last = results[-1] if results else None
    if job.state != "done" or last is None or last.output_id is None:
        return
    if output is not None:
        if last.level > 0:
            write_output(client, last.output_id, output / "reduced")
    elif last.level > 0 or len(results) == 1:
        if not as_json:
            for data in client.blob(last.output_id):
                sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    elif not as_json:
        raise Refused("name a folder for the outputs of several runs: --output DIR")
