"""Where a peer may be reached: a literal IP address and a TCP port (SPEC.md section 5.2)."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from ..encoding import Value
from ..errors import RemoteProtocolError
from ..limits import HOST_BYTES_MAX, PORT_MAX


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A literal IPv4 or IPv6 address in its usual spelling, and a TCP port from 1 to 65535."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return the address that a person wrote as ``192.0.2.7:4747`` or ``[2001:db8::7]:4747``.

    Raises:
        ValueError: it is not an IP address with a port; the message says what to write.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= PORT_MAX:
        raise ValueError(f"'{text}' is not an address: write it as 192.0.2.7:4747")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"'{text}' is not an address: write IPv6 as [2001:db8::7]:4747")
    try:
        return Address(_usual_spelling(host), int(port))
    except ValueError:
        raise ValueError(f"'{text}' is not an address: write it as 192.0.2.7:4747") from None


def address_from_values(host: Value, port: Value) -> Address:
    """Return the address that a peer told.

    Raises:
        RemoteProtocolError: it is not a literal IP address in its usual spelling with a port, or
            it is one that nobody can be reached at (section 5.2).
    """
    if isinstance(host, str) and isinstance(port, int) and not isinstance(port, bool):
        is_possible = len(host) <= HOST_BYTES_MAX and 1 <= port <= PORT_MAX
        if is_possible and parse_host(host) == host:
            return Address(host, port)
    raise RemoteProtocolError("not an address", rule="5.2")


def parse_host(host: str) -> str | None:
    """Return the usual spelling of what a socket calls its other end; None if others cannot use it.

    An IPv6 address with a zone is such a one: it means something on this machine only.
    """
    try:
        spelling = _usual_spelling(host)
    except ValueError:
        return None
    return spelling if is_reachable(spelling) else None


def is_reachable(host: str) -> bool:
    """Tell whether a channel could be opened to ``host``, a literal IP address."""
    address = ip_address(host)
    return not (address.is_unspecified or address.is_multicast)


def _usual_spelling(host: str) -> str:
    address = ip_address(host)
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if address.scope_id is not None:
            raise ValueError("a zone means something on one machine only")
    return str(address)
