"""The answer to ``peers.list``: who else is there and where (SPEC.md section 5.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from ..encoding import Value, decode, encode
from ..errors import RemoteProtocolError
from ..identity import NODE_ID_BYTES, NodeId
from ..limits import TOLD_ADDRESSES_BYTES_MAX, TOLD_ADDRESSES_MAX
from .address import Address, address_from_values


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where somebody was seen: a hint."""

    node_id: NodeId
    address: Address

    def to_value(self) -> Value:
        """Return the array [node id, host, port] (section 5.2)."""
        return [self.node_id, self.address.host, self.address.port]


def select_peers(
    known: Sequence[PeerAddress], *, asker: NodeId, asker_host: str
) -> Sequence[PeerAddress]:
    """Return those of ``known`` that ``asker``, whose channel comes from ``asker_host``, is told.

    Not itself, and no loopback address unless it is on this machine: there it would mean another.
    """
    local = ip_address(asker_host).is_loopback
    told = [
        entry
        for entry in known
        if entry.node_id != asker and (local or not ip_address(entry.address.host).is_loopback)
    ]
    return told[:TOLD_ADDRESSES_MAX]


def encode_peers(peers: Sequence[PeerAddress]) -> bytes:
    """Return the answer that tells of ``peers``, at most ``TOLD_ADDRESSES_MAX``."""
    return encode([peer.to_value() for peer in peers])


def decode_peers(body: bytes) -> Sequence[PeerAddress]:
    """Return the peers that an answer tells of.

    Raises:
        RemoteProtocolError: the answer is malformed (section 5.2).
    """
    match decode(body, bytes_max=TOLD_ADDRESSES_BYTES_MAX):
        case [*entries] if len(entries) <= TOLD_ADDRESSES_MAX:
            peers = [peer_from_value(entry) for entry in entries]
        case _:
            raise RemoteProtocolError("not a list of peers", rule="5.2")
    if len({peer.node_id for peer in peers}) != len(peers):
        raise RemoteProtocolError("a peer is told twice", rule="5.2")
    return peers


def peer_from_value(value: object) -> PeerAddress:
    """Return the peer that [node id, host, port] tells of.

    Raises:
        RemoteProtocolError: it is not such an array, or not an address (section 5.2).
    """
    match value:
        case [bytes(node_id), str(host), int(port)] if len(node_id) == NODE_ID_BYTES:
            return PeerAddress(NodeId(node_id), address_from_values(host, port))
        case _:
            raise RemoteProtocolError("not a peer with its address", rule="5.2")
