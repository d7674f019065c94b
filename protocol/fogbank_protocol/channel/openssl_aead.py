"""The AEAD of OpenSSL, for installations that have the package ``cryptography``."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


class OpensslAead:
    """ChaCha20-Poly1305 with one key; see ``Aead``."""

    def __init__(self, key: bytes) -> None:
        """Use the 32-byte ``key``."""
        self._cipher = ChaCha20Poly1305(key)

    def encrypt(self, nonce: bytes, associated: bytes, plaintext: bytes) -> bytes:
        """Return the ciphertext of ``plaintext`` with its 16-byte tag."""
        return self._cipher.encrypt(nonce, plaintext, associated)

    def decrypt(self, nonce: bytes, associated: bytes, ciphertext: bytes) -> bytes | None:
        """Return the plaintext, or None when ``ciphertext`` or ``associated`` was changed."""
        try:
            return self._cipher.decrypt(nonce, ciphertext, associated)
        except InvalidTag:
            return None
