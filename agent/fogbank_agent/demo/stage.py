"""Who plays in the demonstration, and the state folders they start from."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

from fogbank_protocol.identity import SEED_BYTES, short_form

from ..limits import (
    DEMO_CHANNEL_BEATS,
    DEMO_GRANT,
    DEMO_LIE_PPM,
    DEMO_SEATS,
    DEMO_SUPPLY,
    DEMO_TILE_FUEL_MAX,
)
from ..setting_up import finish, make_key, make_network
from ..state_folder import StateFolder

LOOPBACK = "127.0.0.1"
NETWORK_NAME = "demo"


class Role(StrEnum):
    """What an agent does in the demonstration; one of the honest is unplugged."""

    REQUESTOR = "requestor"
    HONEST = "honest"
    LIAR = "liar"


@dataclass(frozen=True, slots=True)
class Player:
    """One agent of the demonstration."""

    number: int
    """From 1, for people."""

    role: Role
    state: StateFolder
    log: Path
    node_id: str
    """In hexadecimal digits."""

    short: str

    @property
    def name(self) -> str:
        """Return what people see."""
        return f"agent {self.number}"


def casting(count: int) -> list[Role]:
    """Return the roles of ``count`` agents, at least five; the first four have a seat.

    One of the honest is unplugged: when it has a seat, the other three are just the quorum.
    """
    roles = [Role.REQUESTOR, Role.HONEST, Role.HONEST, Role.HONEST, Role.LIAR]
    return roles + [Role.HONEST] * (count - len(roles))


def set_up(states: Path, logs: Path, *, count: int, seed: int) -> list[Player]:
    """Make the state folders of ``count`` agents of one new network.

    Their keys follow from ``seed``.  The requestor has all the money but what each provider needs
    for a stake.
    """
    logs.mkdir(parents=True, exist_ok=True)
    players = [
        _player(number, role, states, logs, seed)
        for number, role in enumerate(casting(count), start=1)
    ]
    identities = [player.state.read_identity() for player in players]
    seats = [identity.node_id for identity in identities[:DEMO_SEATS]]
    balances = {identity.node_id: DEMO_GRANT for identity in identities[1:]}
    balances[identities[0].node_id] = DEMO_SUPPLY - sum(balances.values())
    genesis = make_network(NETWORK_NAME, seats, balances)
    for player in players:
        finish(player.state, genesis, _settings(player.role))
    return players


def _player(number: int, role: Role, states: Path, logs: Path, seed: int) -> Player:
    state = StateFolder(states / f"agent-{number}")
    state.make()
    state.write_new(state.key, _key_seed(seed, number).hex().encode("ascii") + b"\n")
    node_id = make_key(state).node_id
    log = logs / f"agent-{number}.log"
    return Player(number, role, state, log, node_id.hex(), short_form(node_id))


def _key_seed(seed: int, number: int) -> bytes:
    preimage = b"fogbank demo\0" + seed.to_bytes(8, "big") + number.to_bytes(2, "big")
    return blake2b(preimage, digest_size=SEED_BYTES).digest()


def _settings(role: Role) -> dict[str, dict[str, object]]:
    settings: dict[str, dict[str, object]] = {
        "network": {"listen_addresses": (LOOPBACK,), "interfaces": (LOOPBACK,)},
        # One each: five agents share the cores of one machine here.
        "provider": {"workers": 2},
    }
    match role:
        case Role.REQUESTOR:
            settings["provider"]["enabled"] = False
            # One is unplugged for good: an hour to answer would be an hour of waiting here.
            settings["requestor"] = {"lots_at_once": 6, "channel_beats": DEMO_CHANNEL_BEATS}
        case Role.LIAR:
            settings["fault"] = {"lie_ppm": DEMO_LIE_PPM}
            # It undercuts the others, so that it gets work to lie about.
            settings["provider"]["price"] = 90
            # Too little for the long calculation: it is an honest provider that is unplugged.
            settings["provider"]["fuel_max"] = DEMO_TILE_FUEL_MAX
        case Role.HONEST:
            pass
    return settings
