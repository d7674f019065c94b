"""``fogbank ledger show``: what this agent holds of the ledger."""

import click

from ...state_folder import StateFolder
from ..options import print_table, state_option
from .opening import read


@click.command("show")
@state_option
def command(state: StateFolder) -> None:
    """Tell what this agent holds of the ledger: its accounts, its seats, where it begins."""
    found = read(state)
    ledger, genesis = found.ledger, found.ledger.genesis
    click.echo(f"network {genesis.name} ({genesis.network.hex()})")
    if found.floor is None:
        click.echo("begins at genesis")
    else:
        click.echo(
            f"begins at checkpoint {found.floor.checkpoint.height} "
            f"({found.floor.checkpoint.hash.hex()}); what is older is forgotten"
        )
    click.echo(f"state hash {ledger.state_hash().hex()}")
    click.echo(f"{len(ledger):,} vertices held, {ledger.final_count:,} final since the beginning")
    rows = [
        (
            chain.issuer.hex()[:16],
            ledger.epochs.weight_of(chain.issuer),
            chain.end,
            chain.final_count,
            chain.account.balance,
            "forked" if chain.issuer in ledger.proofs() or chain.forked else "",
        )
        for chain in sorted(ledger.chains(), key=lambda chain: chain.issuer)
    ]
    print_table(("account", "votes", "vertices", "final", "balance", ""), rows)
