"""The best vouchers for the own account, on disk (SPEC.md section 8.13).

All methods block; the service calls them in a worker thread.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

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
        PRIMARY KEY (channel, lane)
    ) WITHOUT ROWID;
    """,
)


class VoucherStore:
    """One voucher for each lane of each channel."""

    def __init__(self, path: Path) -> None:
        """Open the file at ``path`` or make it; a corrupted one is set aside: ``set_aside``.

        Raises:
            DatabaseFailure: it cannot be used.
        """
        self._database: Database = open_database(path, _MIGRATIONS)

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
            (bytes(channel), one.lane, encode(voucher_value(one)), one.signature)
            for channel, one in vouchers
        ]
        self._database.executemany("INSERT OR REPLACE INTO voucher VALUES (?, ?, ?, ?)", rows)

    def all(self) -> Iterator[tuple[ObjectId, Voucher]]:
        """Yield what is kept."""
        for row in self._database.query("SELECT channel, body, signature FROM voucher"):
            channel, body, signature = cast("tuple[bytes, bytes, bytes]", row)
            yield ObjectId(channel), _voucher(decode(body), signature)

    def forget(self, channel: ObjectId) -> None:
        """Keep no voucher of ``channel`` any more."""
        self._database.execute("DELETE FROM voucher WHERE channel = ?", (bytes(channel),))

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._database.close()


def _voucher(value: Value, signature: bytes) -> Voucher:
    lane, total, count, root, split = cast("tuple[int, int, int, bytes, list[list[Value]]]", value)
    shares = tuple((NodeId(cast("bytes", who)), cast("int", drops)) for who, drops in split)
    return Voucher(lane, total, count, root, shares, signature)
