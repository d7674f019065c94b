"""The random bytes of a run, which follow from its seed (SPEC.md section 7.4)."""

from hashlib import blake2b

_DOMAIN = b"fog-random-1\0"
_BLOCK_BYTES = 64


class RandomStream:
    """An endless stream of bytes: the blocks blake2b-512(domain | seed | block number), joined."""

    def __init__(self, seed: int) -> None:
        """Begin the stream of the 64-bit ``seed``."""
        self._prefix = _DOMAIN + seed.to_bytes(8, "big")
        self._block = 0
        self._left = b""

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        blocks = [self._left]
        available = len(self._left)
        while available < count:
            blocks.append(self._next_block())
            available += _BLOCK_BYTES
        data = b"".join(blocks)
        self._left = data[count:]
        return data[:count]

    def _next_block(self) -> bytes:
        number = self._block.to_bytes(8, "big")
        self._block += 1
        return blake2b(self._prefix + number, digest_size=_BLOCK_BYTES).digest()
