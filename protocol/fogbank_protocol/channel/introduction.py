"""Who a channel's other end is: the payload of handshake messages 2 and 3 (SPEC.md section 3.2).

The Noise static key proves only itself; the signature in the introduction ties it to the identity.
"""

from dataclasses import dataclass

from ..encoding import decode, encode
from ..errors import RemoteProtocolError
from ..identity import NETWORK_ID_BYTES, NODE_ID_BYTES, Identity, NetworkId, NodeId, is_signed_by
from ..limits import (
    INTRODUCTION_BYTES_MAX,
    PORT_MAX,
    VERSION_NUMBER_MAX,
    WIRE_VERSION_MAX,
    WIRE_VERSION_MIN,
)

DOMAIN = b"fog-channel-1\0"
"""Both the prologue of the handshake and the domain of the signature."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of the wire that a side speaks: all from ``oldest`` to ``newest``."""

    newest: int = WIRE_VERSION_MAX
    oldest: int = WIRE_VERSION_MIN

    def agreed_with(self, other: "Versions") -> int:
        """Return the newest version that both sides speak.

        Raises:
            RemoteProtocolError: there is none (section 3.2).
        """
        version = min(self.newest, other.newest)
        if version < max(self.oldest, other.oldest):
            raise RemoteProtocolError(
                f"the peer speaks versions {other.oldest} to {other.newest} of the wire, "
                f"this side {self.oldest} to {self.newest}",
                rule="3.2",
            )
        return version


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a peer says of itself, its signature checked."""

    versions: Versions
    network: NetworkId
    node_id: NodeId
    port: int
    """The TCP port on which it accepts channels; 0 when it accepts none."""


def encode_introduction(
    versions: Versions, network: NetworkId, identity: Identity, static_public: bytes, port: int
) -> bytes:
    """Return the introduction of ``identity`` for the handshake with ``static_public``."""
    signature = identity.sign(DOMAIN + network + static_public)
    return encode((versions.newest, versions.oldest, network, identity.node_id, signature, port))


def decode_introduction(data: bytes, static_public: bytes) -> Introduction:
    """Return the introduction in ``data``, which came with the static key ``static_public``.

    Raises:
        RemoteProtocolError: it is malformed or its signature does not hold (section 3.2), or it
            is not canonical (section 2.1).
    """
    match decode(data, bytes_max=INTRODUCTION_BYTES_MAX):
        case [int(newest), int(oldest), bytes(network), bytes(node_id), bytes(signature), int(port),
              *_]:  # fmt: skip
            versions = Versions(newest, oldest)
        case _:
            raise RemoteProtocolError("an introduction of another form", rule="3.2")
    if isinstance(newest, bool) or isinstance(oldest, bool) or isinstance(port, bool):
        raise RemoteProtocolError("an introduction of another form", rule="3.2")
    if not 1 <= oldest <= newest <= VERSION_NUMBER_MAX or port > PORT_MAX:
        raise RemoteProtocolError("an introduction with a number out of range", rule="3.2")
    if len(network) != NETWORK_ID_BYTES or len(node_id) != NODE_ID_BYTES:
        raise RemoteProtocolError("an introduction of another form", rule="3.2")
    if not is_signed_by(node_id, DOMAIN + network + static_public, signature):
        raise RemoteProtocolError("an introduction with a wrong signature", rule="3.2")
    return Introduction(versions, NetworkId(network), NodeId(node_id), port)
