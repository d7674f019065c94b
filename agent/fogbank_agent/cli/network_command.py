"""``fogbank network``: prepare a network with several seats."""

from pathlib import Path

import click

from ..errors import Refused
from .options import json_option, print_json


@click.group("network")
def command() -> None:
    """Prepare a network whose ledger several agents keep together.

    Make each agent's key with 'fogbank init --key-only', give the keys to 'fogbank network
    create', and the file that it writes to 'fogbank init --network FILE' of each.
    """


@command.command("create")
@click.option("--name", required=True, help="What people call the network.")
@click.option(
    "--seat",
    "seats",
    metavar="KEY",
    multiple=True,
    required=True,
    help="Who has a vote; repeated.",
)
@click.option(
    "--balance",
    "balances",
    metavar="KEY=DROPS",
    multiple=True,
    required=True,
    help="Who begins with how much money; may be repeated.",
)
@click.option("--quorum", type=int, help="Votes that decide [two thirds, and one more].")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@json_option
def create(
    name: str,
    seats: tuple[str, ...],
    balances: tuple[str, ...],
    quorum: int | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write the file that begins a network."""
    from fogbank_protocol.identity import NODE_ID_BYTES, NodeId

    from ..setting_up import make_network

    def key(text: str) -> NodeId:
        try:
            node_id = bytes.fromhex(text)
        except ValueError:
            node_id = b""
        if len(node_id) != NODE_ID_BYTES:
            raise Refused(f"'{text}' is no key: see 'fogbank id'")
        return NodeId(node_id)

    amounts: dict[NodeId, int] = {}
    for balance in balances:
        account, equals, drops = balance.partition("=")
        if not equals or not drops.isascii() or not drops.isdigit():
            raise Refused(f"--balance {balance}: write it as KEY=DROPS")
        amounts[key(account)] = int(drops)
    genesis = make_network(name, [key(seat) for seat in seats], amounts, quorum)
    try:
        with out.open("xb") as file:
            file.write(genesis.body)
    except FileExistsError:
        raise Refused(f"{out} exists already and is left as it is") from None
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}") from None
    if as_json:
        print_json(
            {
                "network_id": genesis.network,
                "network_name": genesis.name,
                "seats": list(genesis.seats),
                "quorum": genesis.quorum,
                "supply": genesis.supply,
                "file": str(out),
            }
        )
        return
    click.echo(f"network '{genesis.name}' ({genesis.network.hex()}) in {out}")
    click.echo(f"{len(genesis.seats)} seats, {genesis.quorum} decide; {genesis.supply:,} drops")
