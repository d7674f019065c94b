"""How a newcomer finds a network and its genesis (SPEC.md section 5.5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..discovery.address import Address
from ..identity import NetworkId, NodeId


class JoiningFailed(Exception):
    """Nobody gave the network's genesis; the message says why."""


@dataclass(frozen=True, slots=True)
class NetworkFound:
    """A network that somebody announces; hints only, until its genesis has been fetched."""

    network: NetworkId
    name: str
    members: Sequence[tuple[NodeId, Address]]


async def find_networks(
    interfaces: tuple[str, ...] | Literal["auto"], seconds: float
) -> Sequence[NetworkFound]:
    """Listen to mDNS on ``interfaces`` for ``seconds`` and return the networks announced there."""
    raise NotImplementedError


async def fetch_genesis(network: NetworkId, addresses: Sequence[Address]) -> bytes:
    """Return the genesis body of ``network`` from the first of ``addresses`` that gives it.

    Its hash is checked against ``network``.  A key made for this one call is shown to the peers.

    Raises:
        JoiningFailed: none of them did.
    """
    raise NotImplementedError
