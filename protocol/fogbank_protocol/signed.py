"""Signed objects: a body, a signature, and a name by hash (SPEC.md section 2.3).

Every kind of object has a domain of its own and names its network, so that no signature means
anything in another place.
"""

from dataclasses import dataclass
from hashlib import blake2b

from .encoding import Value, decode, encode
from .errors import RemoteProtocolError
from .identity import SIGNATURE_BYTES, Identity, NetworkId, is_signed_by


@dataclass(frozen=True, slots=True)
class Domain:
    """One kind of signed object: ``name`` such as "fog-offer-1", and the largest body in bytes."""

    name: str
    body_bytes_max: int

    def preimage(self, network: NetworkId, body: bytes) -> bytes:
        """Return the bytes that are signed, and whose hash names the object."""
        return self.name.encode("ascii") + b"\0" + network + body


@dataclass(frozen=True, slots=True)
class Signed:
    """An encoded body with its signature, whose signer is not yet checked."""

    body: bytes
    signature: bytes

    def to_value(self) -> Value:
        """Return the array [body, signature] for the encoding of a message."""
        return [self.body, self.signature]


def sign(domain: Domain, network: NetworkId, identity: Identity, fields: Value) -> Signed:
    """Encode ``fields`` and sign them with ``identity`` for ``network``."""
    body = encode(fields)
    return Signed(body, identity.sign(domain.preimage(network, body)))


def object_id(domain: Domain, network: NetworkId, body: bytes) -> bytes:
    """Return the 32-byte name of the object with this ``body``; signatures do not change it."""
    return blake2b(domain.preimage(network, body), digest_size=32).digest()


def signed_from_value(domain: Domain, value: Value) -> Signed:
    """Take [body, signature] out of a decoded message, checking shape and size only.

    Raises:
        RemoteProtocolError: it is not such an array or the body is too large (section 2.3).
    """
    match value:
        case [bytes(body), bytes(signature)] if len(signature) == SIGNATURE_BYTES:
            if len(body) > domain.body_bytes_max:
                raise RemoteProtocolError(f"{domain.name} of {len(body)} bytes", rule="2.3")
            return Signed(body, signature)
        case _:
            raise RemoteProtocolError(f"not a signed {domain.name}", rule="2.3")


def open_signed(domain: Domain, network: NetworkId, signer: bytes, signed: Signed) -> Value:
    """Return the fields of ``signed`` after checking that ``signer`` signed them.

    The signer's key usually stands inside the body: decode first, then call this.

    Raises:
        RemoteProtocolError: the signature does not hold (section 2.3) or the body is not
            canonical (section 2.1).
    """
    if not is_signed_by(signer, domain.preimage(network, signed.body), signed.signature):
        raise RemoteProtocolError(f"{domain.name} has a wrong signature", rule="2.3")
    return decode(signed.body, bytes_max=domain.body_bytes_max)
