"""What a person decides about a node."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..discovery.address import Address
from ..identity import NodeId


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How a node listens, announces itself and finds others."""

    listen_hosts: tuple[str, ...] = ("0.0.0.0",)
    """Literal IP addresses at which channels are accepted; empty to accept none."""

    port: int = 0
    """TCP port of every one of ``listen_hosts``, 0 … 65535; 0 takes any free one."""

    interfaces: tuple[str, ...] | Literal["auto"] = "auto"
    """IP addresses of the interfaces on which mDNS is spoken.  "auto": every interface but
    loopback, followed as they come and go, or loopback alone when there is no other."""

    mdns: bool = True
    """Announce this node and look for others by mDNS (SPEC.md section 5.1)."""

    network_name: str = ""
    """The network's name as announced, at most 64 bytes; a hint for people."""

    kept_peers: frozenset[NodeId] = frozenset()
    """For whom a place is kept among the peers, however many strangers come: seats, for one."""

    static_peers: tuple[Address, ...] = ()
    """Addresses that are dialled in any case."""

    addresses_file: Path | None = None
    """Where addresses are remembered from one life to the next; None forgets them."""
