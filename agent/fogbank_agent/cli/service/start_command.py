"""``fogbank service start``: have a neighbour keep an instance of a task warm."""

import io

import click

from ...control.requests.services import ServiceState, StartService
from ...limits import PRICE_MAX, RUN_FUEL_MAX, SERVICE_S_MAX
from ...state_folder import StateFolder
from ..options import connect, environment_option, json_option, print_json, state_option
from ..run_inputs import TaskFile, find_task


@click.command("start")
@click.argument("task")
@click.option("--arg", "arguments", metavar="A", multiple=True, help="An argument for the task.")
@environment_option
@click.option("--seed", type=click.IntRange(0, (1 << 64) - 1), default=0, help="Its random seed.")
@click.option(
    "--verify",
    metavar="POLICY",
    help="How calls are checked: none, for nobody repeats them, and no stake is lost for a wrong "
    "one. What config.toml says for runs must be given up by hand.",
)
@click.option(
    "--price-max", type=click.IntRange(0, PRICE_MAX), help="Drops for a gigafuel, at most."
)
@click.option(
    "--start-price-max", type=click.IntRange(0, PRICE_MAX), help="Drops for a call, at most."
)
@click.option(
    "--warm-price-max", type=click.IntRange(0, PRICE_MAX), help="Drops for a second, at most."
)
@click.option(
    "--fuel-max",
    type=click.IntRange(1, RUN_FUEL_MAX),
    help="Fuel that a call may use [config.toml's, or what an eighth of the budget pays].",
)
@click.option(
    "--budget",
    type=click.IntRange(0),
    help="Drops that it may cost in all: a call that might pass that, with all the fuel and time "
    "that it may use, is refused [what a channel is opened with].",
)
@click.option("--call-time", "call_s", type=click.IntRange(1, 3600), help="Seconds for a call.")
@click.option(
    "--idle",
    "idle_s",
    type=click.IntRange(1, SERVICE_S_MAX),
    default=600,
    show_default=True,
    help="Seconds without a call after which it ends.",
)
@click.option(
    "--duration",
    "duration_s",
    type=click.IntRange(1, SERVICE_S_MAX),
    default=SERVICE_S_MAX,
    show_default=True,
    help="Seconds after which it ends.",
)
@click.option("--patience", type=click.IntRange(1, 3600), help="Seconds to wait for a taker.")
@state_option
@json_option
def command(
    task: str,
    arguments: tuple[str, ...],
    environment: tuple[str, ...],
    seed: int,
    verify: str | None,
    price_max: int | None,
    start_price_max: int | None,
    warm_price_max: int | None,
    fuel_max: int | None,
    budget: int | None,
    call_s: int | None,
    idle_s: int,
    duration_s: int,
    patience: int | None,
    state: StateFolder,
    as_json: bool,
) -> None:
    """Have a neighbour keep an instance of TASK, and print the id of the service.

    TASK is as for 'fogbank run', of shape reactor.  What the options leave open is in config.toml.

    Bills and times are checked, and what a call came to is signed; that it is right is not: it must
    be started with --verify none.  Buy what must be right with 'fogbank run'.
    """
    found = find_task(task)
    with connect(state) as client:
        if isinstance(found, TaskFile):
            task_id, name = client.put_blob(io.BytesIO(found.data), len(found.data)), found.name
        else:
            task_id, name = found.package_id, ""
        request = StartService(
            task_id=task_id,
            task_name=name,
            arguments=arguments,
            environment=environment,
            seed=seed,
            verify=verify,
            price_max=price_max,
            start_price_max=start_price_max,
            warm_price_max=warm_price_max,
            fuel_max=fuel_max,
            budget=budget,
            call_s=call_s,
            idle_s=idle_s,
            duration_s=duration_s,
            patience_s=patience,
        )
        started = client.ask(request, ServiceState)
    if as_json:
        print_json(started)
        return
    click.echo(started.service[:12])
    click.echo(f"{started.provider} keeps {started.name} warm", err=True)
    click.echo(f"a call may use {started.fuel_max:,} fuel", err=True)
