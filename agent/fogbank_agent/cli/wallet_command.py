"""``fogbank wallet``: the money of this agent."""

import click

from ..control.requests.money import GetWallet, Wallet
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, state_option


@click.command("wallet")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Show the money of this agent, in drops."""
    with connect(state) as client:
        wallet = client.ask(GetWallet(), Wallet)
    if as_json:
        print_json(wallet)
        return
    click.echo(f"{wallet.balance:>20,} drops to spend")
    click.echo(f"{wallet.claimable:>20,} drops received, on their way into the balance")
    click.echo(f"{wallet.pending_out:>20,} drops paid, not yet final")
    click.echo(f"account {wallet.node_id} ({wallet.short})")
