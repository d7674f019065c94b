"""What objects of others gave the own account a part of, on disk (SPEC.md section 8.13).

The ledger forgets an object when all was taken from it; an author wants to know for longer.  All
methods block; the service calls them in a worker thread.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias, cast
from zlib import crc32

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.database import Database, open_database

from ..operations import ObjectId
from ..own_objects import ShareView

_MIGRATIONS = (
    """
    CREATE TABLE share (
        number INTEGER PRIMARY KEY,
        object BLOB NOT NULL UNIQUE,
        body BLOB NOT NULL,
        crc INTEGER NOT NULL
    ) STRICT;
    """,
)


class ShareStore:
    """One share for each object, in the order in which they were put."""

    def __init__(self, path: Path) -> None:
        """Open the file at ``path`` or make it; a corrupted one is set aside: ``set_aside``.

        Raises:
            DatabaseFailure: it cannot be used.
        """
        self._database: Database = open_database(path, _MIGRATIONS, synchronous="FULL")

    @property
    def set_aside(self) -> Path | None:
        """Where a corrupted file was put when this one was opened."""
        return self._database.set_aside

    def put(self, shares: Iterable[ShareView]) -> None:
        """Keep ``shares``; one of an object that is kept already changes nothing.

        Raises:
            DiskFull: there is no room.
            DatabaseFailure: the file does not take them for another reason.
        """
        rows = [_row(bytes(one.id), encode([one.payer, one.provider, one.drops])) for one in shares]
        self._database.executemany(
            "INSERT OR IGNORE INTO share (object, body, crc) VALUES (?, ?, ?)", rows
        )

    def all(self) -> Iterator[ShareView]:
        """Yield what is kept and is as it was written, the oldest first."""
        rows = self._database.query("SELECT object, body, crc FROM share ORDER BY number")
        for row in cast("list[_Row]", rows):
            name, body, _ = row
            if row == _row(name, body):
                payer, provider, drops = cast("tuple[bytes, bytes, int]", decode(body))
                yield ShareView(ObjectId(name), NodeId(payer), NodeId(provider), drops)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._database.close()


_Row: TypeAlias = tuple[bytes, bytes, int]


def _row(name: bytes, body: bytes) -> _Row:
    """Return what is kept of a share, with a checksum: SQLite has none."""
    return name, body, crc32(name + body)
