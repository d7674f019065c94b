"""Who is connected to an agent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetPeers:
    """Who is connected?  Answered by ``Peers``."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another agent with an open channel, and what it offers."""

    node_id: str
    short: str
    host: str
    port: int
    connected_s: float
    round_trip_ms: float | None
    price: int | None
    """Drops for a gigafuel; None while it offers nothing."""

    start_price: int | None
    slots_free: int | None


@dataclass(frozen=True, slots=True)
class Peers:
    """Everybody connected."""

    peers: tuple[Peer, ...]
