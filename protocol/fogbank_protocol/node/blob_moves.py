"""What went over the wire of blobs, and how long it took, for whoever reckons with it."""

from collections.abc import Callable
from dataclasses import dataclass

from ..blobs.naming import BlobId
from ..identity import NodeId


@dataclass(frozen=True, slots=True)
class BlobMoved:
    """One read of a blob has ended."""

    peer: NodeId
    blob_id: BlobId
    is_sent: bool
    """It went to the peer, and did not come from it."""

    size: int
    """Bytes that are known to have arrived."""

    seconds: float
    """From the beginning of the read to its end."""

    has_whole: bool
    """The peer says, or is known, to have all of the blob now."""


class BlobMoves:
    """Tells of every read, of this node's blobs and by it."""

    def __init__(self) -> None:
        self._watchers: list[Callable[[BlobMoved], None]] = []

    def watch(self, watcher: Callable[[BlobMoved], None]) -> None:
        """Call ``watcher``, which must not wait, with each read that ends."""
        self._watchers.append(watcher)

    def note(self, moved: BlobMoved) -> None:
        """Tell all watchers."""
        for watcher in self._watchers:
            watcher(moved)
