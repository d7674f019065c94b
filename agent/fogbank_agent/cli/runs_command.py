"""``fogbank runs``: what was bought lately."""

import click

from ..control.requests.history import GetRuns, Runs
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, print_table, state_option


@click.command("runs")
@click.option("--count", type=click.IntRange(1, 1000), default=20, show_default=True)
@state_option
@json_option
def command(count: int, state: StateFolder, as_json: bool) -> None:
    """List the runs that this agent bought lately, the newest first."""
    with connect(state) as client:
        answer = client.ask(GetRuns(count), Runs)
    if as_json:
        print_json(answer)
        return
    if not answer.runs:
        click.echo("no runs yet; try 'fogbank run sensor_statistics --input FILE.csv'")
        return
    print_table(
        ["run", "input", "package", "began", "state", "what happened"],
        [
            [run.run_id[:12], run.name, run.package, run.began, run.state, run.outcome or run.why]
            for run in answer.runs
        ],
    )
