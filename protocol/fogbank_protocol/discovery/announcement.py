"""What an agent says about itself by mDNS: the TXT entries (SPEC.md section 5.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import LocalProtocolError, RemoteProtocolError
from ..identity import NetworkId, NodeId
from ..limits import ANNOUNCEMENT_BYTES_MAX, NETWORK_NAME_BYTES_MAX, VERSION_NUMBER_MAX

SERVICE_TYPE = "_fogbank._tcp.local."

_VERSION = re.compile(rb"[1-9][0-9]{0,4}")
_NETWORK = re.compile(rb"[0-9a-f]{16}")
_NODE_ID = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Announcement:
    """A claim, proved by nothing: dial and see."""

    version: int
    """The largest version of the channel that the announcer understands, 1 … 65535."""

    network: NetworkId
    node_id: NodeId
    name: str
    """The network's name, at most 64 bytes."""


def encode_announcement(announcement: Announcement) -> dict[bytes, bytes]:
    """Return the TXT entries of ``announcement``.

    Raises:
        LocalProtocolError: the name is too long.
    """
    name = announcement.name.encode()
    if len(name) > NETWORK_NAME_BYTES_MAX:
        raise LocalProtocolError(f"a network's name has at most {NETWORK_NAME_BYTES_MAX} bytes")
    return {
        b"v": str(announcement.version).encode(),
        b"net": announcement.network.hex().encode(),
        b"id": announcement.node_id.hex().encode(),
        b"name": name,
    }


def decode_announcement(entries: Mapping[bytes, bytes | None]) -> Announcement:
    """Return what the TXT ``entries`` say; of a key in several spellings the first counts.

    Raises:
        RemoteProtocolError: an entry is missing or malformed: ignore the whole (section 5.1).
    """
    known: dict[bytes, bytes] = {}
    entries_bytes = 0
    for key, value in entries.items():
        entries_bytes += len(key) + len(value or b"") + 2
        known.setdefault(key.lower(), value or b"")
    if entries_bytes > ANNOUNCEMENT_BYTES_MAX:
        raise RemoteProtocolError("an announcement that is too long", rule="5.1")
    version = int(_matching(known, b"v", _VERSION))
    if version > VERSION_NUMBER_MAX:
        raise RemoteProtocolError("an announcement with a malformed v", rule="5.1")
    return Announcement(
        version=version,
        network=NetworkId(bytes.fromhex(_matching(known, b"net", _NETWORK))),
        node_id=NodeId(bytes.fromhex(_matching(known, b"id", _NODE_ID))),
        name=_name(known.get(b"name", b"")),
    )


def _matching(entries: Mapping[bytes, bytes], key: bytes, pattern: re.Pattern[bytes]) -> str:
    value = entries.get(key, b"")
    if pattern.fullmatch(value) is None:
        raise RemoteProtocolError(f"an announcement with a malformed {key.decode()}", rule="5.1")
    return value.decode()


def _name(value: bytes) -> str:
    try:
        if len(value) <= NETWORK_NAME_BYTES_MAX:
            return value.decode()
    except UnicodeDecodeError:
        pass
    raise RemoteProtocolError("an announcement with a malformed name", rule="5.1")
