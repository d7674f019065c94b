"""ChaCha20-Poly1305 from whichever library is here (SPEC.md section 3.3).

``cryptography`` takes a third to a fifth of PyNaCl's time for each call but is not a requirement
of the project; both give the same bytes.
"""

from collections.abc import Callable
from typing import Protocol

from nacl.bindings import (
    crypto_aead_chacha20poly1305_ietf_decrypt,
    crypto_aead_chacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

KEY_BYTES = 32
TAG_BYTES = 16


class Aead(Protocol):
    """Authenticated encryption with one key.  A nonce has 12 bytes; never use one twice."""

    def encrypt(self, nonce: bytes, associated: bytes, plaintext: bytes) -> bytes:
        """Return the ciphertext of ``plaintext`` with its 16-byte tag."""
        ...

    def decrypt(self, nonce: bytes, associated: bytes, ciphertext: bytes) -> bytes | None:
        """Return the plaintext, or None when ``ciphertext`` or ``associated`` was changed."""
        ...


class SodiumAead:
    """The AEAD of libsodium, through PyNaCl."""

    def __init__(self, key: bytes) -> None:
        """Use the 32-byte ``key``."""
        self._key = key

    def encrypt(self, nonce: bytes, associated: bytes, plaintext: bytes) -> bytes:
        """Return the ciphertext of ``plaintext`` with its 16-byte tag."""
        return crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, associated, nonce, self._key)

    def decrypt(self, nonce: bytes, associated: bytes, ciphertext: bytes) -> bytes | None:
        """Return the plaintext, or None when ``ciphertext`` or ``associated`` was changed."""
        if len(ciphertext) < TAG_BYTES:
            return None
        try:
            return crypto_aead_chacha20poly1305_ietf_decrypt(
                ciphertext, associated, nonce, self._key
            )
        except CryptoError:
            return None


def new_aead(key: bytes) -> Aead:
    """Return the fastest AEAD of this installation, using the 32-byte ``key``."""
    return _FASTEST(key)


def _fastest() -> Callable[[bytes], Aead]:
    try:
        from .openssl_aead import OpensslAead
    except ImportError:  # the extra "fast" is not installed
        return SodiumAead
    return OpensslAead


_FASTEST = _fastest()
