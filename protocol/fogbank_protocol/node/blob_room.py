"""What a store of blobs holds, and which of them make room (SPEC.md section 6.1).

Counts and decides; the files are ``BlobStore``'s.
"""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass

from ..blobs.naming import BlobId


class BlobMissing(Exception):
    """The blob is not in the store."""

    def __init__(self, blob_id: BlobId) -> None:
        """``blob_id`` is not here."""
        super().__init__(f"there is no blob {blob_id.hex()}")
        self.blob_id = blob_id


class StoreFull(Exception):
    """The blob does not fit: the disk is full, or everything else in the store is pinned."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A blob in the store, or the part of one that a download has begun."""

    blob_id: BlobId
    is_part: bool


class BlobRoom:
    """Sizes of blobs within ``capacity_bytes``; the longest unused and unpinned make room."""

    def __init__(self, capacity_bytes: int) -> None:
        """Begin empty."""
        self._capacity_bytes = capacity_bytes
        # Both in order of use, the longest unused first: bytes of blobs, and bytes reserved for
        # those that a download has begun.
        self._sizes: dict[BlobId, int] = {}
        self._parts: dict[BlobId, int] = {}
        self._reserved_bytes = 0
        self._counted_bytes = 0
        self._pins: Counter[BlobId] = Counter()

    def has(self, blob_id: BlobId) -> bool:
        """Tell whether the blob is here, whole."""
        return blob_id in self._sizes

    def size(self, blob_id: BlobId) -> int:
        """Return the blob's bytes.

        Raises:
            BlobMissing: it is not here.
        """
        try:
            return self._sizes[blob_id]
        except KeyError:
            raise BlobMissing(blob_id) from None

    def part_bytes(self, blob_id: BlobId) -> int:
        """Return the bytes that the blob's part counts for, 0 when there is none."""
        return self._parts.get(blob_id, 0)

    @property
    def used_bytes(self) -> int:
        """How much of the capacity is used, with what is reserved for blobs under way."""
        return self._counted_bytes + self._reserved_bytes

    def add(self, kept: Kept, size: int) -> None:
        """Count a blob or a part that is here now, as the one used last when it is new."""
        counted = self._counted(kept)
        self._counted_bytes += size - counted.get(kept.blob_id, 0)
        counted[kept.blob_id] = size

    def use(self, blob_id: BlobId) -> None:
        """Count the blob as the one used last.

        Raises:
            BlobMissing: it is not here.
        """
        size = self.size(blob_id)
        del self._sizes[blob_id]
        self._sizes[blob_id] = size

    def complete(self, blob_id: BlobId) -> None:
        """Count the part as a blob from now on."""
        self._counted_bytes -= self._sizes.get(blob_id, 0)
        self._sizes[blob_id] = self._parts.pop(blob_id)

    def remove(self, kept: Kept) -> None:
        """Count it no more; nothing happens when it is not here."""
        self._counted_bytes -= self._counted(kept).pop(kept.blob_id, 0)

    def pin(self, blob_id: BlobId) -> None:
        """Keep the blob, here already or not, until as many calls of ``unpin``."""
        self._pins[blob_id] += 1

    def unpin(self, blob_id: BlobId) -> None:
        """Take back one ``pin``."""
        assert self._pins[blob_id] > 0, "unpinned more often than pinned"
        self._pins[blob_id] -= 1
        if not self._pins[blob_id]:
            del self._pins[blob_id]

    @property
    def pinned_count(self) -> int:
        """How many blobs are pinned."""
        return len(self._pins)

    def in_the_way(self, size: int, *, fetched: Container[BlobId]) -> Sequence[Kept]:
        """Return what has to go before ``size`` bytes more fit; ``fetched`` are parts in use.

        Raises:
            StoreFull: all that may go would not be enough.
        """
        excess = self.used_bytes + size - self._capacity_bytes
        if excess <= 0:
            return []
        # Parts that nobody is fetching go first: nobody has asked for them lately.
        removable = [
            Kept(blob_id, is_part=True) for blob_id in self._parts if blob_id not in fetched
        ] + [Kept(blob_id, is_part=False) for blob_id in self._sizes if blob_id not in self._pins]
        going: list[Kept] = []
        for kept in removable:
            if excess <= 0:
                break
            excess -= self._counted(kept)[kept.blob_id]
            going.append(kept)
        if excess > 0:
            raise StoreFull(
                f"a blob of {size} bytes does not fit: {self._capacity_bytes} bytes are allowed,"
                " and what is there is in use"
            )
        return going

    def reserve(self, size: int) -> None:
        """Hold ``size`` bytes for a blob under way, until ``release``."""
        self._reserved_bytes += size

    def release(self, size: int) -> None:
        """Take back one ``reserve``."""
        self._reserved_bytes -= size

    def _counted(self, kept: Kept) -> dict[BlobId, int]:
        return self._parts if kept.is_part else self._sizes
