"""Who is connected, as the layers above see it."""

from dataclasses import dataclass
from typing import TypeAlias

from ..discovery.address import Address, parse_host
from ..discovery.peer_list import PeerAddress
from ..identity import NodeId


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """One peer with an open channel."""

    node_id: NodeId
    host: str
    """The literal IP address at the other end."""

    port: int
    """Where the peer accepts channels, 0 when it accepts none."""

    opened_here: bool
    """This side opened the channel."""

    connected_since: float
    """When the channel was opened, in seconds on trio's clock."""

    round_trip_s: float | None
    """The smallest time that a ping took; None before the first answer."""

    @property
    def told_address(self) -> PeerAddress | None:
        """What others may be told of where it is; None when nobody could use it (section 5.2)."""
        host = parse_host(self.host)
        if host is None or not self.port:
            return None
        return PeerAddress(self.node_id, Address(host, self.port))


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """A channel to ``peer`` is open."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class PeerLost:
    """The channel to ``peer`` is closed and no other replaces it."""

    peer: NodeId


PeerEvent: TypeAlias = PeerConnected | PeerLost
