"""Blobs in a folder, one file each, named by their id (SPEC.md section 6.1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..blobs.naming import BlobId, Description
from ..limits import BLOB_STORE_BYTES


class BlobMissing(Exception):
    """The blob is not in the store."""


class StoreFull(Exception):
    """The blob does not fit: the disk is full, or everything else in the store is pinned."""


class BlobStore:
    """Blobs on disk within ``capacity_bytes``; the longest unused and unpinned make room.

    Files are written beside, synced and renamed, so that a blob is there whole or not at all.
    Every read is checked; a file that went bad is removed and the blob is missing.
    """

    def __init__(self, folder: Path, *, capacity_bytes: int = BLOB_STORE_BYTES) -> None:
        """Use ``folder``, made when absent; what an interrupted write left there is removed."""
        raise NotImplementedError

    def has(self, blob_id: BlobId) -> bool:
        """Tell whether the blob is here."""
        raise NotImplementedError

    def size(self, blob_id: BlobId) -> int:
        """Return the blob's bytes.

        Raises:
            BlobMissing: it is not here.
        """
        raise NotImplementedError

    async def put(self, data: bytes) -> BlobId:
        """Keep ``data`` and return its name.

        Raises:
            StoreFull: there is no room on the disk or in the store.
            RemoteProtocolError: it is longer than ``BLOB_BYTES_MAX``.
        """
        raise NotImplementedError

    async def put_file(self, path: Path) -> BlobId:
        """Keep a copy of the file at ``path``; as ``put``, without holding it in memory.

        Raises:
            OSError: the file cannot be read.
        """
        raise NotImplementedError

    async def read(self, blob_id: BlobId) -> bytes:
        """Return the whole blob.

        Raises:
            BlobMissing: it is not here, or its file went bad.
        """
        raise NotImplementedError

    async def describe(self, blob_id: BlobId) -> Description:
        """Return the blob's size and chunk hashes.

        Raises:
            BlobMissing: it is not here, or its file went bad.
        """
        raise NotImplementedError

    async def read_chunk(self, blob_id: BlobId, index: int) -> bytes:
        """Return chunk ``index`` of the blob.

        Raises:
            BlobMissing: it is not here, has no such chunk, or its file went bad.
        """
        raise NotImplementedError

    @contextmanager
    def pinned(self, blob_id: BlobId) -> Iterator[None]:
        """Keep the blob from making room for others while inside; may be nested."""
        raise NotImplementedError
        yield

    def pin(self, blob_id: BlobId) -> None:
        """Keep the blob, here already or not, until as many calls of ``unpin``."""
        raise NotImplementedError

    def unpin(self, blob_id: BlobId) -> None:
        """Take back one ``pin``."""
        raise NotImplementedError
