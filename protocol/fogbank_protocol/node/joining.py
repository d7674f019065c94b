"""How a newcomer finds a network and its genesis (SPEC.md section 5.5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from logging import getLogger
from secrets import token_bytes

import trio

from ..channel.channel import SecureChannel
from ..channel.noise import Role
from ..discovery.address import Address
from ..errors import RemoteProtocolError
from ..identity import NETWORK_ID_BYTES, SEED_BYTES, Identity, NetworkId, NodeId
from ..limits import ASK_TIMEOUT_S, GENESIS_BYTES_MAX, HANDSHAKE_TIMEOUT_S
from ..rpc.events import ErrorCode
from .failures import CallFailure
from .handlers import Services
from .handshake import shake_hands
from .mdns import Heard, Hint, Interfaces, run_mdns
from .node import GET_GENESIS
from .peer_text import printable
from .session import Session
from .tcp import connect

_logger = getLogger(__name__)

_GENESIS_DOMAIN = b"fog-net-1\0"


class JoiningFailed(Exception):
    """Nobody gave the network's genesis; the message says why."""


@dataclass(frozen=True, slots=True)
class NetworkFound:
    """A network that somebody announces; hints only, until its genesis has been fetched."""

    network: NetworkId
    name: str
    """As announced, but without what could move a cursor."""

    members: Sequence[tuple[NodeId, Address]]


async def find_networks(interfaces: Interfaces, seconds: float) -> Sequence[NetworkFound]:
    """Listen to mDNS on ``interfaces`` for ``seconds`` and return the networks announced there."""
    heard: dict[NetworkId, list[Heard]] = {}

    def take(hint: Hint) -> None:
        if isinstance(hint, Heard):
            heard.setdefault(hint.announcement.network, []).append(hint)

    with trio.move_on_after(seconds):
        await run_mdns(interfaces, None, take)
    return [_found(network, hints) for network, hints in heard.items()]


def _found(network: NetworkId, hints: Sequence[Heard]) -> NetworkFound:
    members = dict.fromkeys(
        (hint.announcement.node_id, address) for hint in hints for address in hint.addresses
    )
    return NetworkFound(network, printable(hints[0].announcement.name), tuple(members))


async def fetch_genesis(network: NetworkId, addresses: Sequence[Address]) -> bytes:
    """Return the genesis body of ``network`` from the first of ``addresses`` that gives it.

    Its hash is checked against ``network``.  A key made for this one call is shown to the peers.

    Raises:
        JoiningFailed: none of them did.
    """
    reasons: list[str] = []
    for address in addresses:
        try:
            return await _fetch_from(network, address)
        except (OSError, trio.TooSlowError, trio.BrokenResourceError) as error:
            reasons.append(f"{address} cannot be reached ({error})")
        except (RemoteProtocolError, CallFailure) as error:
            reasons.append(f"{address}: {error}")
    raise JoiningFailed("; ".join(reasons) or "there is nobody to ask")


async def _fetch_from(network: NetworkId, address: Address) -> bytes:
    channel = SecureChannel(
        Role.INITIATOR,
        Identity.from_seed(token_bytes(SEED_BYTES)),
        network,
        static_key_seed=token_bytes(32),
        ephemeral_seed=token_bytes(32),
        port=0,
    )
    async with await connect(address) as stream:
        with trio.fail_after(HANDSHAKE_TIMEOUT_S):
            done = await shake_hands(stream, channel, is_wanted=lambda _: True)
        genesis = await _ask(Session(stream, channel, done.peer, Services()))
    check_genesis(network, genesis)
    return genesis


async def _ask(session: Session) -> bytes:
    answer: bytes | CallFailure
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.run)
        try:
            answer = await session.request(GET_GENESIS, b"", timeout_s=ASK_TIMEOUT_S)
        except CallFailure as failure:
            answer = failure
        session.close(ErrorCode.SHUTTING_DOWN, "only the genesis was wanted")
    # Raised outside of the nursery, which would wrap it in a group.
    if isinstance(answer, CallFailure):
        raise answer
    return answer


def check_genesis(network: NetworkId, genesis: bytes) -> None:
    """Check that ``genesis`` is the one of ``network`` (section 5.5).

    Raises:
        RemoteProtocolError: it is too long, or of another network.
    """
    if len(genesis) > GENESIS_BYTES_MAX:
        raise RemoteProtocolError(f"a genesis of {len(genesis)} bytes", rule="5.5")
    digest = blake2b(_GENESIS_DOMAIN + genesis, digest_size=32).digest()
    if digest[:NETWORK_ID_BYTES] != network:
        raise RemoteProtocolError("the genesis is of another network", rule="5.5")
