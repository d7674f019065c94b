"""``fogbank stake``: what this agent would lose for a wrong result."""

import click

from ..control.requests.stakes import GetStakes, OpenStake, Stakes, WithdrawStakes
from ..limits import DROPS_MAX
from ..state_folder import StateFolder
from .options import CountingCommand, connect, json_option, print_json, state_option


@click.group("stake")
def command() -> None:
    """Lock money that is lost when a result of this agent is proved wrong.

    Requestors audit a provider less, and choose it more, when it has something at stake.
    """


@command.command("show")
@state_option
@json_option
def show(state: StateFolder, as_json: bool) -> None:
    """Show what is at stake, in drops."""
    with connect(state) as client:
        _print(client.ask(GetStakes(), Stakes), as_json)


@command.command("open", cls=CountingCommand)
@click.argument("drops", type=click.IntRange(1, DROPS_MAX))
@state_option
@json_option
def open_(drops: int, state: StateFolder, as_json: bool) -> None:
    """Lock DROPS."""
    with connect(state) as client:
        _print(client.ask(OpenStake(drops), Stakes), as_json)


@command.command("withdraw")
@state_option
@json_option
def withdraw(state: StateFolder, as_json: bool) -> None:
    """Ask for everything at stake back: it comes when its time is over."""
    with connect(state) as client:
        _print(client.ask(WithdrawStakes(), Stakes), as_json)


def _print(found: Stakes, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if not found.stakes:
        click.echo("nothing at stake: lock some with 'fogbank stake open DROPS'")
    for one in found.stakes:
        click.echo(
            f"{one.stake[:8]}  {one.drops:>16,} drops  {one.state:<10}  judged by {one.need} of "
            f"{len(one.watch)}, who get {one.reward:,}; stays {one.beats:,} s when asked back"
        )
