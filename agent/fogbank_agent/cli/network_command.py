"""``fogbank network``: prepare a network with several seats; see and change them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from ..control.requests.network import ChangeSeats, GetSeats, Seats, Unfreeze
from ..errors import Refused
from ..state_folder import StateFolder
from .network_homes import create_home, home, move_home, sign_home
from .options import connect, json_option, print_json, state_option

if TYPE_CHECKING:
    from fogbank_dag_ledger.genesis import Genesis
    from fogbank_protocol.identity import NodeId


_Decorator: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]

quorum_option = click.option(
    "--quorum", type=int, help="Votes that decide [two thirds, and one more]."
)
out_option = click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The file to write."
)


def seats_option(text: str) -> _Decorator:
    """Return the option that lists who gets a vote; ``text`` is its help."""
    return click.option("--seat", "seats", metavar="KEY", multiple=True, required=True, help=text)


@click.group("network")
def command() -> None:
    """Prepare a network whose ledger several agents keep together, and change who has a vote.

    Make each agent's key with 'fogbank init --key-only', give the keys to 'fogbank network
    create', and the file that it writes to 'fogbank init --network FILE' of each.
    """


@command.command("create")
@click.option("--name", required=True, help="What people call the network.")
@seats_option("Who has a vote; repeated.")
@click.option(
    "--balance",
    "balances",
    metavar="KEY=DROPS",
    multiple=True,
    required=True,
    help="Who begins with how much money; may be repeated.",
)
@quorum_option
@out_option
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
    from ..setting_up import make_network

    amounts: dict[NodeId, int] = {}
    for balance in balances:
        account, equals, drops = balance.partition("=")
        if not equals or not drops.isascii() or not drops.isdigit():
            raise Refused(f"--balance {balance}: write it as KEY=DROPS")
        amounts[_key(account)] = int(drops)
    genesis = make_network(name, [_key(seat) for seat in seats], amounts, quorum)
    _write(genesis, out, as_json=as_json)


def _key(text: str) -> "NodeId":
    from fogbank_protocol.identity import NODE_ID_BYTES, NodeId

    try:
        node_id = bytes.fromhex(text)
    except ValueError:
        node_id = b""
    if len(node_id) != NODE_ID_BYTES:
        raise Refused(f"'{text}' is no key: see 'fogbank id'")
    return NodeId(node_id)


def _write(genesis: "Genesis", out: Path, *, as_json: bool) -> None:
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


@command.command("begin-anew")
@click.option("--name", required=True, help="What people call the new network.")
@seats_option("Who has a vote in it; repeated.")
@quorum_option
@out_option
@state_option
@json_option
def begin_anew(
    name: str,
    seats: tuple[str, ...],
    quorum: int | None,
    out: Path,
    state: StateFolder,
    as_json: bool,
) -> None:
    """Write the file that begins a new network with the balances of this one.

    For when so many seats are lost for good that nothing becomes final any more. It is another
    network: nothing but trust in whoever runs this ties it to the old one, and if the lost seats
    come back there are two. Compare the state hash of 'fogbank ledger show' with the others, agree
    on one file, and give it to 'fogbank init --network FILE' of each agent, in a new folder with
    the old key. What is not final is not carried over; what channels, escrows and stakes hold goes
    to whom it is owed, and to whoever opened them while that was open.
    """
    from ..setting_up import make_network
    from .ledger.opening import read

    balances = read(state).ledger.last_balances()
    genesis = make_network(name, [_key(seat) for seat in seats], balances, quorum)
    _write(genesis, out, as_json=as_json)


wait_option = click.option(
    "--wait-s",
    type=click.IntRange(0, 3600),
    default=30,
    show_default=True,
    help="How long to wait until the seats have changed, in seconds.",
)


@command.command("seats")
@state_option
@json_option
def seats(state: StateFolder, as_json: bool) -> None:
    """Show who has a vote."""
    with connect(state) as client:
        found = client.ask(GetSeats(), Seats)
    if as_json:
        print_json(found)
    else:
        _show(found)


@command.command("add-seat")
@click.argument("node", metavar="PEER_OR_KEY")
@wait_option
@state_option
@json_option
def add_seat(node: str, wait_s: int, state: StateFolder, as_json: bool) -> None:
    """Give a connected peer (its short form or the beginning of its key) or any key a vote.

    With one seat this agent decides alone. With more, run it at as many agents with a seat as
    'fogbank network seats' says; payments go on, and wait for a moment while the seats change.
    """
    _change(ChangeSeats(node, True, wait_s), state, as_json=as_json)


@command.command("remove-seat")
@click.argument("node", metavar="PEER_OR_KEY")
@wait_option
@state_option
@json_option
def remove_seat(node: str, wait_s: int, state: StateFolder, as_json: bool) -> None:
    """Take somebody's vote away; the account stays. Run it at several agents, as add-seat."""
    _change(ChangeSeats(node, False, wait_s), state, as_json=as_json)


@command.command("unfreeze")
@click.argument("account", metavar="PEER_OR_KEY")
@wait_option
@state_option
@json_option
def unfreeze(account: str, wait_s: int, state: StateFolder, as_json: bool) -> None:
    """Let the seats vote anew on an account that signed two things at once.

    That happens to an agent that was restored from an old copy: when one half of the seats saw
    the one payment first and the other half the other, neither can become final. A new epoch with
    the same seats decides for one of the two. Run it at several agents, as add-seat.
    """
    _change(Unfreeze(account, wait_s), state, as_json=as_json)


def _change(request: ChangeSeats | Unfreeze, state: StateFolder, *, as_json: bool) -> None:
    with connect(state) as client:
        before = client.ask(GetSeats(), Seats)
        found = client.ask(request, Seats)
    if as_json:
        print_json(found)
    else:
        _show(found)
    if request.wait_s and found.epoch == before.epoch:
        raise Refused(
            f"the seats have not changed after {request.wait_s} s: {found.votes_needed} votes have "
            f"to want the same and {found.quorum} have to be connected; it happens when they are"
        )


def _show(found: Seats) -> None:
    seats = "1 seat" if len(found.seats) == 1 else f"{len(found.seats)} seats"
    votes = "1 vote decides" if found.quorum == 1 else f"{found.quorum} votes decide"
    click.echo(f"{seats}, {votes}; epoch {found.epoch}")
    for seat in found.seats:
        votes = "1 vote" if seat.votes == 1 else f"{seat.votes} votes"
        click.echo(f"  {seat.short}  {votes}{'' if seat.connected else ', not connected'}")
    for wanted in found.wanted:
        click.echo(
            f"{len(wanted.node_ids)} seats are wanted by {wanted.votes} of the "
            f"{found.votes_needed} votes that it takes"
        )
    if found.changing:
        click.echo("the seats are changing: payments wait until that is over")


for _command in (home, sign_home, create_home, move_home):
    command.add_command(_command)
