"""Noise_XX_25519_ChaChaPoly_SHA256 (The Noise Protocol Framework, revision 34, sections 5 and 7).

Names are those of the framework.  Every failure of a peer's message raises RemoteProtocolError
with the section of SPEC.md that this message belongs to.
"""

from enum import Enum
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest

from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import RuntimeError as SodiumError

from ..errors import LocalProtocolError, RemoteProtocolError
from ..limits import NONCE_MAX, REKEY_INTERVAL_MESSAGES
from .aead import KEY_BYTES, TAG_BYTES, Aead, new_aead

PROTOCOL_NAME = b"Noise_XX_25519_ChaChaPoly_SHA256"
DH_BYTES = 32

_PATTERN = (("e",), ("e", "ee", "s", "es"), ("s", "se"))
"""The tokens of the three messages of XX, the first from the initiator."""

_REKEY_NONCE = (1 << 64) - 1


class Role(Enum):
    """Which side of the stream this is: the initiator opened it."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


class CipherState:
    """One key and the number of its next message; replaces the key every 65,536 messages."""

    def __init__(self, key: bytes, *, nonce: int = 0) -> None:
        """Begin with the 32-byte ``key`` at ``nonce``."""
        self._aead: Aead = new_aead(key)
        self._nonce = nonce

    def encrypt(self, associated: bytes, plaintext: bytes) -> bytes:
        """Return the ciphertext of the next message.

        Raises:
            LocalProtocolError: the nonces are used up; the channel must be closed.
        """
        if self._nonce > NONCE_MAX:
            raise LocalProtocolError("the nonces of this channel are used up")
        ciphertext = self._aead.encrypt(_nonce_bytes(self._nonce), associated, plaintext)
        self._advance()
        return ciphertext

    def decrypt(self, associated: bytes, ciphertext: bytes, *, rule: str) -> bytes:
        """Return the plaintext of the next message.

        Raises:
            RemoteProtocolError: it was changed, is out of order, or the nonces are used up;
                ``rule`` names the section.
        """
        if self._nonce > NONCE_MAX:
            raise RemoteProtocolError("the nonces of this channel are used up", rule="3.3")
        plaintext = self._aead.decrypt(_nonce_bytes(self._nonce), associated, ciphertext)
        if plaintext is None:
            raise RemoteProtocolError("a record that does not decrypt", rule=rule)
        self._advance()
        return plaintext

    def _advance(self) -> None:
        self._nonce += 1
        if self._nonce % REKEY_INTERVAL_MESSAGES == 0:
            key = self._aead.encrypt(_nonce_bytes(_REKEY_NONCE), b"", bytes(KEY_BYTES))[:KEY_BYTES]
            self._aead = new_aead(key)


class _SymmetricState:
    """The chaining key and the hash of all that was said."""

    def __init__(self, prologue: bytes) -> None:
        # The name has exactly the 32 bytes of a hash, so it is its own hash.
        self.handshake_hash = PROTOCOL_NAME
        self._chaining_key = PROTOCOL_NAME
        self._cipher: CipherState | None = None
        self.mix_hash(prologue)

    def mix_hash(self, data: bytes) -> None:
        self.handshake_hash = sha256(self.handshake_hash + data).digest()

    def mix_key(self, input_key_material: bytes) -> None:
        self._chaining_key, key = _hkdf(self._chaining_key, input_key_material)
        self._cipher = CipherState(key)

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        if self._cipher is None:
            ciphertext = plaintext
        else:
            ciphertext = self._cipher.encrypt(self.handshake_hash, plaintext)
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt_and_hash(self, ciphertext: bytes) -> bytes:
        if self._cipher is None:
            plaintext = ciphertext
        else:
            plaintext = self._cipher.decrypt(self.handshake_hash, ciphertext, rule="3.2")
        self.mix_hash(ciphertext)
        return plaintext

    @property
    def is_keyed(self) -> bool:
        return self._cipher is not None

    def split(self) -> tuple[CipherState, CipherState]:
        first, second = _hkdf(self._chaining_key, b"")
        return CipherState(first), CipherState(second)


class Handshake:
    """The three messages of XX from one side.

    The initiator writes, reads, writes; the responder reads, writes, reads; then both ``split``.
    """

    def __init__(
        self, role: Role, *, prologue: bytes, static_secret: bytes, ephemeral_secret: bytes
    ) -> None:
        """Begin; ``static_secret`` and ``ephemeral_secret`` are 32-byte X25519 private keys.

        Draw the ephemeral anew for each handshake: a second use breaks both.
        """
        self._role = role
        self._symmetric = _SymmetricState(prologue)
        self._secrets = {"e": ephemeral_secret, "s": static_secret}
        self._public = {name: crypto_scalarmult_base(k) for name, k in self._secrets.items()}
        self._remote: dict[str, bytes] = {}
        self._messages = 0

    @property
    def is_complete(self) -> bool:
        """Whether all three messages have passed."""
        return self._messages == len(_PATTERN)

    @property
    def is_writing(self) -> bool:
        """Whether the next message is ours."""
        initiator_writes = self._messages % 2 == 0
        return not self.is_complete and initiator_writes == (self._role is Role.INITIATOR)

    @property
    def static_public(self) -> bytes:
        """Our own static public key, 32 bytes."""
        return self._public["s"]

    @property
    def remote_static(self) -> bytes | None:
        """The peer's static public key, 32 bytes; None before the message with it was read."""
        return self._remote.get("s")

    @property
    def handshake_hash(self) -> bytes:
        """The hash of the handshake so far, 32 bytes; once complete both sides have the same."""
        return self._symmetric.handshake_hash

    def write_message(self, payload: bytes) -> bytes:
        """Return the next message, which carries ``payload``."""
        if not self.is_writing:
            raise LocalProtocolError("the next handshake message is the peer's")
        message = b""
        for token in _PATTERN[self._messages]:
            if token in self._public:
                message += self._write_key(token)
            else:
                self._mix_dh(token)
        self._messages += 1
        return message + self._symmetric.encrypt_and_hash(payload)

    def read_message(self, message: bytes) -> bytes:
        """Return the payload of the peer's next ``message``.

        Raises:
            RemoteProtocolError: it is too short, was changed, or has a low-order key (3.2).
        """
        if self.is_writing or self.is_complete:
            raise LocalProtocolError("the next handshake message is not the peer's")
        for token in _PATTERN[self._messages]:
            if token in self._public:
                message = self._read_key(token, message)
            else:
                self._mix_dh(token)
        self._messages += 1
        return self._symmetric.decrypt_and_hash(message)

    def split(self) -> tuple[CipherState, CipherState]:
        """Return the ciphers (to send with, to receive with) after the last message."""
        if not self.is_complete:
            raise LocalProtocolError("the handshake is not complete")
        first, second = self._symmetric.split()
        return (first, second) if self._role is Role.INITIATOR else (second, first)

    def _write_key(self, token: str) -> bytes:
        if token == "s":
            return self._symmetric.encrypt_and_hash(self._public[token])
        self._symmetric.mix_hash(self._public[token])
        return self._public[token]

    def _read_key(self, token: str, message: bytes) -> bytes:
        """Take the peer's key off the front of ``message`` and return the rest."""
        tagged = token == "s" and self._symmetric.is_keyed
        size = DH_BYTES + (TAG_BYTES if tagged else 0)
        if len(message) < size:
            raise RemoteProtocolError("a handshake message that is too short", rule="3.2")
        if token == "s":
            self._remote[token] = self._symmetric.decrypt_and_hash(message[:size])
        else:
            self._remote[token] = message[:size]
            self._symmetric.mix_hash(message[:size])
        return message[size:]

    def _mix_dh(self, token: str) -> None:
        """Mix in "ee", "es" or "se": first the initiator's key, then the responder's."""
        ours, theirs = token[0], token[1]
        if self._role is Role.RESPONDER:
            ours, theirs = theirs, ours
        self._symmetric.mix_key(_diffie_hellman(self._secrets[ours], self._remote[theirs]))


def _nonce_bytes(nonce: int) -> bytes:
    return b"\0\0\0\0" + nonce.to_bytes(8, "little")


def _diffie_hellman(secret: bytes, public: bytes) -> bytes:
    try:
        shared = crypto_scalarmult(secret, public)
    except SodiumError:
        # libsodium's own check for an all-zero result; which error it is depends on its version.
        raise RemoteProtocolError("a low-order X25519 key", rule="3.2") from None
    if compare_digest(shared, bytes(DH_BYTES)):
        raise RemoteProtocolError("a low-order X25519 key", rule="3.2")
    return shared


def _hkdf(chaining_key: bytes, input_key_material: bytes) -> tuple[bytes, bytes]:
    temporary = hmac_digest(chaining_key, input_key_material, "sha256")
    first = hmac_digest(temporary, b"\x01", "sha256")
    return first, hmac_digest(temporary, first + b"\x02", "sha256")
