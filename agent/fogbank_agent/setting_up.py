"""Makes an agent in an empty state folder: its key, its network's genesis, its configuration.

The configuration is written last: a folder that has it has everything.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fogbank_dag_ledger.genesis import Genesis, decode_genesis, new_genesis
from fogbank_dag_ledger.limits import NETWORK_NAME_BYTES_MAX
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import SEED_BYTES, Identity, NodeId

from .config_page import starting_file
from .errors import Refused, StateFolderError, printable
from .limits import GENESIS_FILE_BYTES_MAX
from .state_folder import StateFolder

if TYPE_CHECKING:
    from fogbank_protocol.node.joining import NetworkFound

NEW_NETWORK_SUPPLY = 1_000_000_000
"""Drops in a network that is made without saying how many."""

GENESIS_SALT_BYTES = 16
JOIN_LISTEN_S = 3.0
"""How long neighbours are listened for; an mDNS answer takes a tenth of it."""


@dataclass(frozen=True, slots=True)
class NewAgent:
    """What was made."""

    identity: Identity
    genesis: Genesis


def check_unused(state: StateFolder) -> None:
    """Make the folder when it is absent, and see that no agent is in it.

    Raises:
        StateFolderError: one is.
    """
    state.make()
    if state.config.exists() or state.genesis.exists():
        raise StateFolderError(
            f"there is an agent in {state.path} already: start it with '{state.command('up')}', "
            "or name another folder with --state"
        )


def make_key(state: StateFolder) -> Identity:
    """Return the key of ``state``, made now unless there is one."""
    if not state.key.exists():
        seed = secrets.token_bytes(SEED_BYTES)
        state.write_new(state.key, seed.hex().encode("ascii") + b"\n")
    return state.read_identity()


def finish(
    state: StateFolder, genesis: Genesis, settings: Mapping[str, Mapping[str, object]]
) -> NewAgent:
    """Write genesis and configuration, and the key when there is none yet.

    ``settings`` are those of the new configuration that are not left to their default.
    """
    identity = make_key(state)
    state.write_new(state.genesis, genesis.body)
    state.write_new(state.config, starting_file(settings).encode("utf-8"))
    return NewAgent(identity, genesis)


def check_network_name(name: str) -> None:
    """See that a network may be called ``name``.

    Raises:
        Refused: it is empty or too long, or would not show as it is.
    """
    if not 1 <= len(name.encode("utf-8", "replace")) <= NETWORK_NAME_BYTES_MAX:
        raise Refused(
            f"no such network can be made: its name has 1 to {NETWORK_NAME_BYTES_MAX} bytes"
        )
    if printable(name) != name:
        raise Refused("no such network can be made: its name has characters that cannot be shown")


def make_network(
    name: str, seats: Sequence[NodeId], balances: Mapping[NodeId, int], quorum: int | None = None
) -> Genesis:
    """Return the genesis of a new network in which each of ``seats`` has one vote.

    Raises:
        Refused: a bound of SPEC.md section 8.1 is broken, which the message says; or the name
            would not show as it is.
    """
    check_network_name(name)
    try:
        return new_genesis(
            name,
            dict.fromkeys(seats, 1),
            balances,
            secrets.token_bytes(GENESIS_SALT_BYTES),
            quorum,
        )
    except LocalProtocolError as error:
        raise Refused(f"no such network can be made: {error}") from None


def read_network_file(path: Path) -> Genesis:
    """Return the genesis in a file that ``fogbank network create`` wrote.

    Raises:
        Refused: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            return decode_genesis(file.read(GENESIS_FILE_BYTES_MAX))
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None
    except RemoteProtocolError as error:
        raise Refused(f"{path} is not a network's file: {error}") from None


def join_network(wanted: str, interfaces: Sequence[str]) -> Genesis:
    """Return the genesis of a network that neighbours announce by mDNS.

    ``wanted`` is the beginning of its id in hexadecimal digits; when empty there must be exactly
    one.  ``interfaces`` are as in the configuration.

    Raises:
        Refused: there is none, more than one, or nobody gave its genesis.
    """
    import trio

    return trio.run(_join, wanted, tuple(interfaces) or "auto")


async def _join(wanted: str, interfaces: "tuple[str, ...] | str") -> Genesis:
    # Listening loads zeroconf, which no other command needs.
    from fogbank_protocol.node.joining import JoiningFailed, fetch_genesis, find_networks

    heard = await find_networks(
        "auto" if isinstance(interfaces, str) else interfaces, JOIN_LISTEN_S
    )
    found = choose_network(heard, wanted)
    try:
        body = await fetch_genesis(found.network, [address for _, address in found.members])
    except JoiningFailed as error:
        raise Refused(f"network {found.network.hex()} was heard but not joined: {error}") from None
    return decode_genesis(body)


def choose_network(heard: "Sequence[NetworkFound]", wanted: str) -> "NetworkFound":
    """Return the one network of ``heard`` whose id begins with ``wanted``, which may be empty.

    Raises:
        Refused: there is none, or more than one; the message lists what was heard.
    """
    fitting = [network for network in heard if network.network.hex().startswith(wanted.lower())]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(
        f"{network.network.hex()} ('{printable(network.name)}')" for network in heard
    )
    if fitting:
        raise Refused(f"more than one network is here: name one with --join: {listed}")
    if heard:
        raise Refused(f"no network here begins with '{wanted}'; there are: {listed}")
    raise Refused(
        "no network was heard: see that a neighbour runs 'fogbank up' on this network and that "
        "it passes multicast, or take its 'genesis' file and use --network FILE"
    )
