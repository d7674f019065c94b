"""Blob ids: what bytes are called, and how chunks prove that they belong (SPEC.md section 6.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NewType

from ..errors import RemoteProtocolError
from ..limits import BLOB_BYTES_MAX, CHUNK_BYTES

BlobId = NewType("BlobId", bytes)
"""32 bytes that name one sequence of bytes."""

BLOB_ID_BYTES = 32
HASH_BYTES = 32

_DOMAIN = b"fog-blob-1\0"


@dataclass(frozen=True, slots=True)
class Description:
    """A blob's size in bytes and the hash of each of its chunks: enough to check any of them."""

    size: int
    hashes: Sequence[bytes]

    @property
    def blob_id(self) -> BlobId:
        """The name that these hashes give."""
        digest = blake2b(_DOMAIN, digest_size=HASH_BYTES)
        digest.update(self.size.to_bytes(8, "big"))
        digest.update(b"".join(self.hashes))
        return BlobId(digest.digest())

    def chunk_bytes(self, index: int) -> int:
        """Return how many bytes chunk ``index`` has."""
        return min(CHUNK_BYTES, self.size - index * CHUNK_BYTES)

    def is_chunk(self, index: int, data: bytes) -> bool:
        """Tell whether ``data`` is chunk ``index`` of the blob."""
        return len(data) == self.chunk_bytes(index) and hash_chunk(data) == self.hashes[index]


def blob_id(data: bytes) -> BlobId:
    """Return the name of ``data``.

    Raises:
        RemoteProtocolError: it is longer than ``BLOB_BYTES_MAX``.
    """
    size = len(data)
    if 0 < size <= CHUNK_BYTES:
        # Most are small: the same in one go, of which there are thousands a second.
        only = blake2b(data, digest_size=HASH_BYTES).digest()
        named = blake2b(_DOMAIN + size.to_bytes(8, "big") + only, digest_size=HASH_BYTES)
        return BlobId(named.digest())
    return describe(data).blob_id


def describe(data: bytes) -> Description:
    """Return the size and chunk hashes of ``data``.

    Raises:
        RemoteProtocolError: it is longer than ``BLOB_BYTES_MAX``.
    """
    check_size(len(data))
    return Description(len(data), tuple(hash_chunk(chunk) for chunk in chunks(data)))


def chunks(data: bytes) -> Iterator[bytes]:
    """Cut ``data`` into its chunks."""
    for start in range(0, len(data), CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES]


def chunk_count(size: int) -> int:
    """Return how many chunks a blob of ``size`` bytes has."""
    return -(-size // CHUNK_BYTES)


def hash_chunk(data: bytes) -> bytes:
    """Return the 32-byte hash of one chunk."""
    return blake2b(data, digest_size=HASH_BYTES).digest()


def check_size(size: int) -> None:
    """Check that a blob may have ``size`` bytes.

    Raises:
        RemoteProtocolError: it is too large (section 6.1).
    """
    if size > BLOB_BYTES_MAX:
        raise RemoteProtocolError(f"a blob of {size} bytes, at most {BLOB_BYTES_MAX}", rule="6.1")
