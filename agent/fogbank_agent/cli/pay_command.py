"""``fogbank pay``: pay somebody."""

import click

from ..control.requests.money import Paid, Pay
from ..errors import Refused
from ..state_folder import StateFolder
from .options import CountingCommand, connect, json_option, print_json, state_option


@click.command("pay", cls=CountingCommand)
@click.argument("to", metavar="PEER_OR_KEY")
@click.argument("drops", type=click.IntRange(1, 1 << 62))
@click.option("--wait", is_flag=True, help="Return when the payment is final.")
@click.option(
    "--wait-s", type=click.IntRange(1, 3600), default=30, show_default=True, help="How long."
)
@state_option
@json_option
def command(
    to: str, drops: int, wait: bool, wait_s: int, state: StateFolder, as_json: bool
) -> None:
    """Pay DROPS to a connected peer (its short form or the beginning of its key) or to any key."""
    with connect(state) as client:
        paid = client.ask(Pay(to, drops, wait_s if wait else 0), Paid)
    if paid.to_stranger:
        click.echo(
            f"note: nobody with the account {paid.to} is connected or known to the ledger: "
            "if the key is mistyped, the drops are lost",
            err=True,
        )
    if as_json:
        print_json(paid)
    else:
        state_now = "final" if paid.final else "sent, not yet final"
        click.echo(f"{paid.drops:,} drops to {paid.to}: {state_now} ({paid.vertex_id})")
    if wait and not paid.final:
        raise Refused(
            f"the payment is kept and sent but was not final after {wait_s} s: too few agents "
            "with seats are connected; it becomes final when they are"
        )
