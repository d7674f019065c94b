"""Who signs: an Ed25519 key, and the short form that people read (SPEC.md section 2.2).

PyNaCl's libsodium is the only verifier in the project.  Other libraries disagree with it on edge
cases, and a signature that is valid on half the nodes is a fork that anyone can make for free.
"""

from base64 import b32encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NewType

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError

from .errors import LocalProtocolError

NodeId = NewType("NodeId", bytes)
"""An Ed25519 public key, 32 bytes: the name of an agent, an account, an author."""

NetworkId = NewType("NetworkId", bytes)
"""The first 8 bytes of blake2b over a network's genesis (SPEC.md section 8.1)."""

NODE_ID_BYTES = 32
NETWORK_ID_BYTES = 8
SIGNATURE_BYTES = 64
SEED_BYTES = 32

_SHORT_FORMS_KEPT = 256
"""Of the same few neighbours they are asked for again and again."""

NO_NETWORK = NetworkId(bytes(NETWORK_ID_BYTES))
"""Stands for the network in what is valid in every network, such as a package."""


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A key pair.  Its representation never shows the secret."""

    node_id: NodeId
    _secret: bytes

    @classmethod
    def from_seed(cls, seed: bytes) -> "Identity":
        """Return the key pair of the 32-byte ``seed``, which is as secret as the key itself."""
        if len(seed) != SEED_BYTES:
            raise LocalProtocolError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        public, secret = crypto_sign_seed_keypair(seed)
        return cls(NodeId(public), secret)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``."""
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def __repr__(self) -> str:
        return f"Identity({short_form(self.node_id)})"


def is_signed_by(signer: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether ``signature`` over ``message`` was made with the key of ``signer``."""
    if len(signer) != NODE_ID_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, signer)
    except (CryptoError, ValueError):
        return False
    return True


@lru_cache(_SHORT_FORMS_KEPT)
def short_form(node_id: bytes) -> str:
    """Return eight letters for people, such as ``k3xm-7qpa``: enough to tell neighbours apart.

    It is 40 bits of the key's hash: never use it to decide anything.
    """
    letters = b32encode(blake2b(node_id, digest_size=5).digest()).decode("ascii").lower()
    return f"{letters[:4]}-{letters[4:]}"
