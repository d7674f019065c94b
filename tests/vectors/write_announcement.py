"""Announcements: the TXT record of SPEC.md section 5.1, as its bytes in the DNS message."""

from typing import Any

from fogbank_protocol.discovery.announcement import Announcement, encode_announcement
from fogbank_protocol.identity import Identity, NetworkId

NODE_ID = Identity.from_seed(bytes(range(32))).node_id
NETWORK = NetworkId(bytes.fromhex("0123456789abcdef"))
V, NET, ID, NAME = b"v=1", b"net=0123456789abcdef", b"id=" + NODE_ID.hex().encode(), b"name=Shed"


def build() -> dict[str, Any]:
    """Return the vectors."""
    own = encode_announcement(Announcement(1, NETWORK, NODE_ID, "Shed"))
    return {
        "spec": "5.1",
        "accept": [
            _accept("as this implementation announces", *(k + b"=" + v for k, v in own.items())),
            _accept("another order", NAME, ID, V, NET),
            _accept("a newer version", b"v=65535", NET, ID, NAME, version=65_535),
            _accept("an empty name", V, NET, ID, b"name=", network_name=""),
            _accept("no name", V, NET, ID, network_name=""),
            _accept("a name that is not ASCII", V, NET, ID, "name=Käfer".encode(),
                    network_name="Käfer"),
            _accept("unknown entries", b"x=1", V, NET, ID, NAME, b"flag"),
            _accept("keys in capitals", b"V=1", b"NET=0123456789abcdef", ID, NAME),
            _accept("a repeated key", V, b"V=2", NET, ID, NAME),
        ],
        "reject": [
            _reject("nothing"),
            _reject("no version", NET, ID, NAME),
            _reject("version 0", b"v=0", NET, ID, NAME),
            _reject("a version with a leading zero", b"v=01", NET, ID, NAME),
            _reject("version 65536", b"v=65536", NET, ID, NAME),
            _reject("no network", V, ID, NAME),
            _reject("a network in capitals", V, b"net=0123456789ABCDEF", ID, NAME),
            _reject("a short network", V, b"net=0123456789abcde", ID, NAME),
            _reject("a long network", V, b"net=0123456789abcdef0", ID, NAME),
            _reject("no node id", V, NET, NAME),
            _reject("a short node id", V, NET, ID[:-1], NAME),
            _reject("a key without a value", b"v", NET, ID, NAME),
            _reject("a name of 65 bytes", V, NET, ID, b"name=" + b"x" * 65),
            _reject("a name that is not UTF-8", V, NET, ID, b"name=\xff"),
            _reject("more than 1,024 bytes", V, NET, ID, NAME,
                    *(b"%d=" % n + b"x" * 240 for n in range(4))),
        ],
    }  # fmt: skip


def _accept(
    name: str, *strings: bytes, version: int = 1, network_name: str = "Shed"
) -> dict[str, Any]:
    return {
        "name": name,
        "txt": _record(strings),
        "version": version,
        "net": NETWORK.hex(),
        "id": NODE_ID.hex(),
        "network_name": network_name,
    }


def _reject(name: str, *strings: bytes) -> dict[str, str]:
    return {"name": name, "txt": _record(strings), "rule": "5.1"}


def _record(strings: tuple[bytes, ...]) -> str:
    return b"".join(bytes([len(string)]) + string for string in strings).hex()
