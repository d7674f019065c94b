"""``fogbank channels``: the payment channels of this agent."""

import click

from ..control.requests.channels import Channels, ChannelsClosed, CloseChannels, GetChannels
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, state_option


@click.group("channels", invoke_without_command=True)
@click.pass_context
@state_option
@json_option
def command(context: click.Context, state: StateFolder, as_json: bool) -> None:
    """Show the payment channels from and to this agent, in drops."""
    if context.invoked_subcommand is not None:
        return
    with connect(state) as client:
        found = client.ask(GetChannels(), Channels)
    if as_json:
        print_json(found)
        return
    if not found.channels:
        click.echo("no channels: one is opened when a job first means to buy from a provider")
    for channel in found.channels:
        direction = "to" if channel.pays else "from"
        click.echo(
            f"{channel.channel[:8]}  {direction:<4} {channel.with_whom}  {channel.state:<8}"
            f"{channel.paid:>16,} of {channel.deposit:,} drops"
        )


@command.command("close")
@click.option("--wait", "wait_s", type=click.IntRange(0, 3_600), default=30, show_default=True)
@click.option("--earned", is_flag=True, help="Also those that pay this agent, by what it was paid.")
@state_option
@json_option
def close(wait_s: int, earned: bool, state: StateFolder, as_json: bool) -> None:
    """Settle every channel that this agent pays from, and take the rest back.

    Channels that pay this agent are settled by themselves when their payers ask for it, or when
    they have bought nothing for an hour; with --earned they are at once, whether the payers are
    there or not.
    """
    with connect(state) as client:
        closed = client.ask(CloseChannels(wait_s, earned), ChannelsClosed)
    if as_json:
        print_json(closed)
        return
    click.echo(settled_in_words(closed))
    if closed.waiting:
        click.echo(
            f"{closed.waiting} not yet: their providers do not answer, and what is left comes back "
            "by itself when their time is over; or runs of their payers are under way here"
        )


def settled_in_words(closed: ChannelsClosed) -> str:
    """Return what was settled, and what to do about channels that were not meant."""
    settled = f"{closed.closed} settled"
    match closed.paying:
        case 0:
            return settled
        case 1:
            return f"{settled}; 1 channel pays you: close it with --earned"
        case count:
            return f"{settled}; {count} channels pay you: close them with --earned"
