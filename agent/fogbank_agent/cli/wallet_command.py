"""``fogbank wallet``: the money of this agent."""

import click

from ..control.requests.money import GetWallet, Wallet
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, state_option


@click.command("wallet")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Show the money of this agent, in drops.

    Payments are listed since the agent was started; older ones are forgotten.
    """
    with connect(state) as client:
        wallet = client.ask(GetWallet(), Wallet)
    if as_json:
        print_json(wallet)
        return
    lines = [
        (wallet.balance, "to spend"),
        (wallet.claimable, "received, on their way into the balance"),
        (wallet.incoming, "on their way here, not final yet"),
        (wallet.pending_out, "paid, not final yet"),
        (wallet.in_channels, "in channels to others, what is not spent comes back"),
        (wallet.earned_in_channels, "earned in open channels: see 'fogbank channels'"),
        (wallet.at_stake, "at stake"),
    ]
    for drops, what in lines:
        click.echo(f"{drops:>20,} drops {what}")
    click.echo(f"account {wallet.node_id} ({wallet.short})")
    if wallet.issuing != "yes":
        click.echo(f"nothing can be paid now: {wallet.issuing}")
    if wallet.payments:
        click.echo("the last payments since the agent was started:")
    for payment in wallet.payments:
        direction = "from" if payment.received else "to"
        state_now = "final" if payment.final else "not final yet"
        click.echo(f"{payment.drops:>20,} {direction:<4} {payment.with_whom}  {state_now}")
