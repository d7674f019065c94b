"""Many small blobs in one file, for a store of blobs (SPEC.md section 6.1).

A file of its own costs a small blob more than all else that is done with it.  Blocking, for worker
threads, but for ``holds`` and ``forget``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import cast

from ..blobs.naming import BlobId
from .database import Database, open_database

_NAME = "small.sqlite"
_READ_TOGETHER = 256
"""Names in one query; SQLite takes 999 at least."""

_MIGRATIONS = ("CREATE TABLE blobs (blob_id BLOB NOT NULL UNIQUE, data BLOB NOT NULL) STRICT",)


class SmallBlobs:
    """Small blobs of a store in one database, which is made when the first of them comes."""

    def __init__(self, folder: Path) -> None:
        """Use the file in ``folder``; see ``load``."""
        self._path = folder / _NAME
        self._database: Database | None = None
        self._held: set[BlobId] = set()
        self._writing = Lock()
        self._going: list[BlobId] = []
        """Forgotten and still in the file, until something else is written."""

    def load(self) -> Sequence[tuple[BlobId, int]]:
        """Return the names and sizes of the blobs that are there, the oldest first.

        Raises:
            DatabaseFailure: the file cannot be used.
        """
        if not self._path.exists():
            return []
        rows = self._open().query("SELECT blob_id, length(data) FROM blobs ORDER BY rowid")
        found = [(BlobId(cast("bytes", named)), cast("int", size)) for named, size in rows]
        self._held = {named for named, _ in found}
        return found

    def holds(self, blob_id: BlobId) -> bool:
        """Tell whether the blob is here and not forgotten."""
        return blob_id in self._held

    def write(self, blobs: Mapping[BlobId, bytes]) -> None:
        """Keep ``blobs`` and wait until the disk has them: all of them, or after a failure none.

        Raises:
            DiskFull: there is no room for them.
            DatabaseFailure: the file cannot be written.
        """
        with self._writing:
            database, going = self._open(), self._going[:]
            rows = list(blobs.items())
            with database.transaction():
                gone = [(blob_id,) for blob_id in going]
                database.executemany("DELETE FROM blobs WHERE blob_id = ?", gone)
                database.executemany("INSERT OR REPLACE INTO blobs VALUES (?, ?)", rows)
            del self._going[: len(going)]
        self._held.update(blobs)

    def read(self, blob_ids: Sequence[BlobId]) -> Sequence[bytes | None]:
        """Return these blobs as they are in the file, unchecked; None for one that is not there.

        Raises:
            DatabaseFailure: the file cannot be read.
        """
        database = self._open()
        found: dict[bytes, bytes] = {}
        for start in range(0, len(blob_ids), _READ_TOGETHER):
            named = blob_ids[start : start + _READ_TOGETHER]
            places = ",".join("?" * len(named))
            rows = database.query(
                f"SELECT blob_id, data FROM blobs WHERE blob_id IN ({places})", named
            )
            found.update(cast("Sequence[tuple[bytes, bytes]]", rows))
        return [found.get(blob_id) for blob_id in blob_ids]

    def forget(self, blob_id: BlobId) -> None:
        """Hold the blob no more; the next ``write`` makes its place free."""
        self._held.discard(blob_id)
        self._going.append(blob_id)

    def close(self) -> None:
        """Close the file; what is used after that opens it again."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self) -> Database:
        if self._database is None:
            # What a receipt was paid for is on disk before the voucher leaves.
            self._database = open_database(self._path, _MIGRATIONS, synchronous="FULL")
        return self._database
