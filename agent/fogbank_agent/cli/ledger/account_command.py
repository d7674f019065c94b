"""``fogbank ledger account``: what is known of an account."""

import click

from ...state_folder import StateFolder
from ..options import json_option, print_json, state_option
from .opening import account_of, read, state_of


@click.command("account")
@click.argument("key")
@state_option
@json_option
def command(key: str, state: StateFolder, as_json: bool) -> None:
    """Tell what is known of an account; KEY is its node id, or the beginning of it."""
    ledger = read(state).ledger
    account = account_of(ledger, key)
    chain = ledger.chain(account)
    assert chain is not None
    told = {
        "account": account.hex(),
        "votes": ledger.epochs.weight_of(account),
        "home": ledger.homes.of(chain).id.hex(),
        "balance": chain.account.balance,
        "claimable": sum(gain for _, gain in ledger.claimable(account).values()),
        "settled": chain.floor,
        "final": chain.final_count,
        "vertices": chain.end,
        "forked": chain.forked,
        "closed": chain.closed,
        "sent": {one.hex(): drops for one, drops in sorted(chain.account.sent.items())},
        "claimed": {one.hex(): drops for one, drops in sorted(chain.account.claimed.items())},
    }
    if as_json:
        print_json(told)
        return
    click.echo(f"account {told['account']}, {told['votes']} votes")
    if told["home"]:
        click.echo(f"lives in the home {told['home']}")
    click.echo(f"{chain.account.balance:>20,} drops, final")
    click.echo(f"{told['claimable']:>20,} drops received and not claimed")
    for recipient, drops in sorted(chain.account.sent.items()):
        click.echo(f"{drops:>20,} to   {recipient.hex()[:16]}")
    for sender, drops in sorted(chain.account.claimed.items()):
        click.echo(f"{drops:>20,} from {sender.hex()[:16]}")
    if chain.floor:
        click.echo(f"vertices 0 to {chain.floor - 1} are settled and forgotten")
    for record in chain.records():
        click.echo(f"{record.seq:>10} {state_of(record):<9} {record.id.hex()}")
    if chain.closed:
        click.echo("the chain forked, and nothing more can be final on it in this epoch")
