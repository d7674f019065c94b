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
        prefix, first = self._prefix, self._block
        self._block += max(0, -(-(count - len(self._left)) // _BLOCK_BYTES))
        blocks = [
            blake2b(prefix + number.to_bytes(8, "big")).digest()
            for number in range(first, self._block)
        ]
        data = b"".join([self._left, *blocks])
        self._left = data[count:]
        return data[:count]
