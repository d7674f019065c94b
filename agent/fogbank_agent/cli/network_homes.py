"""``fogbank network home`` and its like: committees of sites, and where the account lives."""

import click

from ..control.requests.homes import GetHomes, Homes, HomeSigned, MakeHome, MoveHome, SignHome
from ..errors import Refused
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, state_option

_seats = click.option(
    "--seat",
    "seats",
    metavar="PEER_OR_KEY",
    multiple=True,
    required=True,
    help="Who has a vote in the home; repeated, 1 to 7.",
)
_quorum = click.option(
    "--quorum", type=int, default=0, help="Votes that decide there [two thirds, and one more]."
)
_succeeds = click.option(
    "--succeeds",
    default="",
    metavar="HOME",
    help="The home that it takes the place of: who lives there follows. Enough of its seats have "
    "to be among the new ones.",
)
_wait = click.option(
    "--wait-s",
    type=click.IntRange(0, 3600),
    default=30,
    show_default=True,
    help="How long to wait until it is final, in seconds.",
)


@click.command("home")
@state_option
@json_option
def home(state: StateFolder, as_json: bool) -> None:
    """Show where this agent's account lives, and the homes that sites have made."""
    with connect(state) as client:
        _show(client.ask(GetHomes(), Homes), as_json=as_json)


@click.command("sign-home")
@click.argument("creator", metavar="PEER_OR_KEY")
@_seats
@_quorum
@_succeeds
@state_option
@json_option
def sign_home(
    creator: str,
    seats: tuple[str, ...],
    quorum: int,
    succeeds: str,
    state: StateFolder,
    as_json: bool,
) -> None:
    """Agree to a seat in a home that PEER_OR_KEY is to make with 'create-home'.

    Prints a signature that is good for this creator and these seats only.
    """
    with connect(state) as client:
        signed = client.ask(SignHome(creator, seats, quorum, succeeds), HomeSigned)
    if as_json:
        print_json(signed)
    else:
        click.echo(signed.signature)


@click.command("create-home")
@_seats
@_quorum
@click.option(
    "--signature",
    "signatures",
    multiple=True,
    help="What 'sign-home' printed at another seat; one of each.",
)
@_succeeds
@_wait
@state_option
@json_option
def create_home(
    seats: tuple[str, ...],
    quorum: int,
    signatures: tuple[str, ...],
    succeeds: str,
    wait_s: int,
    state: StateFolder,
    as_json: bool,
) -> None:
    """Make a committee of seats at one site, which decides while the site is cut off.

    All of its seats have, or had, a vote in the network. Accounts move there with 'move-home', the
    seats' own ones too. Who controls two thirds of it decides on the money that lives there.

    To add or remove a seat make a home that succeeds the old one, also while the site is cut off:
    whoever lives in the old one and runs moves by itself.
    """
    with connect(state) as client:
        found = client.ask(MakeHome(seats, quorum, signatures, wait_s, succeeds), Homes)
    _show(found, as_json=as_json)
    _warn(found, wait_s)


@click.command("move-home")
@click.argument("home_id", metavar="HOME")
@_wait
@state_option
@json_option
def move_home(home_id: str, wait_s: int, state: StateFolder, as_json: bool) -> None:
    """Let this agent's account live in HOME, the beginning of its id, or 'community'.

    Whoever has a vote there decides on its payments from then on. Close payment channels before:
    what they hold can only be taken where they were opened.
    """
    wanted = "" if home_id == "community" else home_id
    if not home_id:
        raise Refused("name a home, or 'community': see 'fogbank network home'")
    with connect(state) as client:
        found = client.ask(MoveHome(wanted, wait_s), Homes)
    _show(found, as_json=as_json)
    _warn(found, wait_s)


def _show(found: Homes, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    lives = found.own[:16] if found.own else "the home of the whole community"
    click.echo(f"this account lives in {lives}")
    for one in found.homes:
        state = "" if one.final else ", not final yet"
        after = f", succeeds {one.succeeds[:16]}" if one.succeeds else ""
        click.echo(f"  {one.home}  {len(one.seats)} seats, {one.quorum} votes decide{after}{state}")
        for seat in one.seats:
            click.echo(f"    {seat[:16]}")


def _warn(found: Homes, wait_s: int) -> None:
    if wait_s and not found.done:
        raise Refused(f"it is not final after {wait_s} s; it will be when enough seats are there")
