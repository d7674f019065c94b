"""Bytes on their way into an agent and out of it, and the answer that says no."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failed:
    """The request was not carried out: ``sentence`` says why and what to do."""

    sentence: str


@dataclass(frozen=True, slots=True)
class PutBlob:
    """Keep ``size`` bytes, which follow in ``Chunk`` frames; answered by ``BlobKept``.

    The blob stays at least until the connection ends.
    """

    size: int


@dataclass(frozen=True, slots=True)
class PutBlobs:
    """Keep small ``blobs``, 1 … CONTROL_BLOBS_MAX, each of CONTROL_CHUNK_BYTES at most.

    Answered by ``BlobsKept``.  They stay at least until the connection ends.
    """

    blobs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BlobsKept:
    """Blobs are in the agent's store, in the order in which they came."""

    blob_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class GetBlob:
    """Answered by ``BlobKept`` and then the bytes in ``Chunk`` frames."""

    blob_id: bytes


@dataclass(frozen=True, slots=True)
class BlobKept:
    """A blob is in the agent's store."""

    blob_id: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next bytes of a blob, 1 … CONTROL_CHUNK_BYTES of them, in either direction."""

    data: bytes
