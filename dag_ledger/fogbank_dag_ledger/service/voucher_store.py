"""The best vouchers for the own account, on disk (SPEC.md section 8.13).

All methods block; the service calls them in a worker thread.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias, cast
from zlib import crc32

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.database import Database, open_database

from ..operations import ObjectId, Voucher
from ..statements import voucher_value

_MIGRATIONS = (
    """
    CREATE TABLE voucher (
        channel BLOB NOT NULL,
        lane INTEGER NOT NULL,
        body BLOB NOT NULL,
        signature BLOB NOT NULL,
        crc INTEGER NOT NULL,
        PRIMARY KEY (channel, lane)
    ) WITHOUT ROWID, STRICT;
    """,
)


class VoucherStore:
    """One voucher for each lane of each channel."""

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

    def put(self, vouchers: Iterable[tuple[ObjectId, Voucher]]) -> None:
        """Keep ``vouchers``, each in the place of the one of its lane before it.

        Raises:
            DiskFull: there is no room.
            DatabaseFailure: the file does not take them for another reason.
        """
        rows = [
            _row(channel, one.lane, encode(voucher_value(one)), one.signature)
            for channel, one in vouchers
        ]
        self._database.executemany("INSERT OR REPLACE INTO voucher VALUES (?, ?, ?, ?, ?)", rows)

    def all(self) -> Iterator[tuple[ObjectId, Voucher]]:
        """Yield what is kept and is as it was written: see ``damaged``."""
        for row in self._rows():
            channel, lane, body, signature, _ = row
            if row == _row(channel, lane, body, signature):
                yield ObjectId(channel), _voucher(decode(body), signature)

    @property
    def damaged(self) -> int:
        """How many are not as they were written."""
        return sum(row != _row(*row[:-1]) for row in self._rows())

    def _rows(self) -> Sequence["_Row"]:
        return cast("Sequence[_Row]", self._database.query("SELECT * FROM voucher"))

    def forget(self, channel: ObjectId) -> None:
        """Keep no voucher of ``channel`` any more."""
        self._database.execute("DELETE FROM voucher WHERE channel = ?", (bytes(channel),))

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._database.close()


_Row: TypeAlias = tuple[bytes, int, bytes, bytes, int]


def _row(channel: bytes, lane: int, body: bytes, signature: bytes) -> _Row:
    """Return what is kept of a voucher, with a checksum: SQLite has none."""
    crc = crc32(lane.to_bytes(8, "big", signed=True) + bytes(channel) + signature + body)
    return bytes(channel), lane, body, signature, crc


def _voucher(value: Value, signature: bytes) -> Voucher:
    lane, total, count, root, split = cast("tuple[int, int, int, bytes, list[list[Value]]]", value)
    shares = tuple((NodeId(cast("bytes", who)), cast("int", drops)) for who, drops in split)
    return Voucher(lane, total, count, root, shares, signature)
