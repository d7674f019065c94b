"""Everyone's vertices on disk, in the order in which they were accepted (SPEC.md section 8.8).

Rows are only appended, and the index is by place in a chain and not by a random hash: that was five
times faster.  All methods block; the service calls them in a worker thread.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush, merge
from itertools import accumulate, chain, count, islice, zip_longest
from pathlib import Path
from typing import cast
from zlib import crc32

from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.node.database import Database, open_database, read_database

from ..frontier import Range
from ..limits import CHECKPOINTS_KEPT, PAGE_VERTICES_MAX
from ..messages import pages
from ..vertex import VertexId, seq_in
from .failures import StoreUnusable

_MIGRATIONS = (
    """
    CREATE TABLE network (id BLOB NOT NULL, again BLOB NOT NULL, CHECK (id = again)) STRICT;
    CREATE TABLE vertex (
        n INTEGER PRIMARY KEY,
        tag BLOB NOT NULL,
        seq INTEGER NOT NULL,
        digest BLOB NOT NULL,
        wire BLOB NOT NULL,
        crc INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX vertex_place ON vertex (tag, seq, digest);
    """,
    """
    CREATE TABLE checkpoint (
        height INTEGER PRIMARY KEY,
        body BLOB NOT NULL,
        signatures BLOB NOT NULL,
        names BLOB NOT NULL,
        crc INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE floor (height INTEGER NOT NULL) STRICT;
    CREATE TABLE state (key BLOB PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID, STRICT;
    CREATE TABLE sealed (
        account BLOB PRIMARY KEY, epoch INTEGER NOT NULL, crc INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE committee (
        epoch INTEGER PRIMARY KEY, proof BLOB NOT NULL, crc INTEGER NOT NULL
    ) STRICT;
    """,
)

_SUMMED = {
    "checkpoint": "height, body, signatures, names",
    "sealed": "epoch, account",
    "committee": "epoch, proof",
}
"""The columns that a row's checksum covers; an integer first."""

_KEY_AT = {"checkpoint": 0, "sealed": 1, "committee": 0}
"""Which of them is the key."""

_CURSOR_ROWS = 64

_ROWS_AT_ONCE = 64
"""Rows of one statement.

A thread gives up the interpreter's lock for each statement, and gets it back from a busy agent only
after 5 ms: row by row, a batch would take a second."""


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A certified checkpoint as it is kept."""

    height: int
    body: bytes
    signatures: bytes
    """As in ``ledger.checkpoint``."""

    names: bytes
    """Joined."""


class VertexStore:
    """The vertices of one network in one SQLite file."""

    def __init__(self, path: Path, network: NetworkId) -> None:
        """Open the file at ``path`` or make it; a corrupted one is set aside: ``set_aside``.

        Raises:
            StoreUnusable: the file holds another network's vertices.
            DatabaseFailure: it cannot be used.
        """
        self._path = path
        self._database: Database = open_database(path, _MIGRATIONS, synchronous="FULL")
        rows = self._database.query("SELECT id FROM network")
        if not rows:
            # Twice, so that SQLite's own check sees when one of them has changed.
            self._database.execute("INSERT INTO network VALUES (?1, ?1)", (bytes(network),))
        elif rows[0][0] != network:
            self._database.close()
            raise StoreUnusable(f"{path} belongs to another network; use another state folder")

    @classmethod
    def reading(cls, path: Path, network: NetworkId) -> "VertexStore":
        """Return the file at ``path``, only to be read; an agent may be writing it.

        Raises:
            StoreUnusable: the file holds another network's vertices.
            DatabaseFailure: it cannot be read.
        """
        store = cls.__new__(cls)
        store._path = path
        store._database = read_database(path, _MIGRATIONS)
        rows = store._database.query("SELECT id FROM network")
        if not rows or rows[0][0] != network:
            store.close()
            raise StoreUnusable(f"{path} belongs to another network; use another state folder")
        return store

    @property
    def set_aside(self) -> Path | None:
        """Where a corrupted file was put when this one was opened."""
        return self._database.set_aside

    def append(self, vertices: Iterable[tuple[VertexId, bytes]]) -> None:
        """Keep ``vertices`` given by id and form on the wire: all of them, or none on an error.

        Raises:
            DiskFull: there is no room.
            DatabaseFailure: the file does not take them for another reason.
        """
        rows = [
            (vertex_id[:8], seq_in(vertex_id), vertex_id[12:], wire, crc32(wire))
            for vertex_id, wire in vertices
        ]
        with self._database.transaction():
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                some = rows[start : start + _ROWS_AT_ONCE]
                self._database.execute(_append_statement(len(some)), list(chain(*some)))

    def replay(self) -> Iterator[Sequence[tuple[VertexId, bytes]]]:
        """Yield all vertices in the order in which they were kept; do not append meanwhile.

        One whose bytes have changed has none.
        """
        statement = "SELECT tag, seq, digest, wire, crc FROM vertex ORDER BY n"
        for rows in self._database.query_pages(statement, page_rows=PAGE_VERTICES_MAX):
            yield [
                (_vertex_id(tag, seq, digest), wire if crc32(wire) == crc else b"")
                for tag, seq, digest, wire, crc in cast(
                    "Sequence[tuple[bytes, int, bytes, bytes, int]]", rows
                )
            ]

    def find(self, vertex_ids: Iterable[VertexId]) -> dict[VertexId, bytes]:
        """Return those of the vertices that are kept undamaged, on the wire."""
        found: dict[VertexId, bytes] = {}
        for vertex_id in vertex_ids:
            rows = self._database.query(
                "SELECT wire, crc FROM vertex WHERE tag = ? AND seq = ? AND digest = ?",
                (vertex_id[:8], seq_in(vertex_id), vertex_id[12:]),
            )
            for wire, crc in cast("Sequence[tuple[bytes, int]]", rows):
                if crc32(wire) == crc:
                    found[vertex_id] = wire
        return found

    def pages(self, ranges: Sequence[Range]) -> Iterator[Sequence[bytes]]:
        """Yield the vertices in ``ranges``, oldest kept first, cut into messages.

        Memory is bounded by the number of ranges and not by what they hold; vertices may be
        appended meanwhile.
        """
        rows = merge(*(self._rows(wanted) for wanted in ranges))
        while numbers := list(islice(rows, PAGE_VERTICES_MAX)):
            yield from pages(self._wires(numbers))

    # Checkpoints (SPEC.md section 8.21).

    def seal(self, accounts: Iterable[NodeId], epoch: int) -> None:
        """Keep the promise not to acknowledge any more of these chains in ``epoch``."""
        self._database.executemany(
            "INSERT OR REPLACE INTO sealed VALUES (?, ?, ?)",
            [(bytes(one), epoch, _sum(epoch, one)) for one in accounts],
        )

    def sealed(self) -> list[tuple[NodeId, int]]:
        """Return the chains of which no more may be acknowledged, each with the epoch."""
        rows = self._database.query("SELECT account, epoch, crc FROM sealed")
        return [
            (NodeId(account), epoch)
            for account, epoch, crc in cast("Sequence[tuple[bytes, int, int]]", rows)
            if crc == _sum(epoch, account)
        ]

    # Committees (SPEC.md section 8.22).

    def keep_committee(self, epoch: int, proof: bytes) -> None:
        """Keep what shows who has the seats of ``epoch``."""
        row = epoch, proof, _sum(epoch, proof)
        self._database.execute("INSERT OR REPLACE INTO committee VALUES (?, ?, ?)", row)

    def committee(self, epoch: int) -> bytes | None:
        """Return what shows who has the seats of ``epoch``, None when it is not kept."""
        rows = self._database.query("SELECT proof, crc FROM committee WHERE epoch = ?", (epoch,))
        for proof, crc in cast("Sequence[tuple[bytes, int]]", rows):
            if crc == _sum(epoch, proof):
                return proof
        return None

    def keep_checkpoint(
        self,
        newest: KeptCheckpoint,
        floor: tuple[int, Mapping[bytes, bytes | None]] | None,
        gone: Iterable[VertexId] = (),
        *,
        is_snapshot: bool = False,
    ) -> None:
        """Keep the newest checkpoint, and let the file begin at ``floor``, all of it or nothing.

        ``floor`` is a height that is kept, and the records of the state there that are new, None
        for those that there are no more.  With ``is_snapshot`` what was covered before is
        forgotten: nobody told what lies between, and names with a gap would stand for wrong
        positions.
        """
        with self._database.transaction():
            if is_snapshot:
                self._database.execute("DELETE FROM checkpoint")
            self._database.execute(
                "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?, ?)",
                (
                    newest.height,
                    newest.body,
                    newest.signatures,
                    newest.names,
                    _sum(newest.height, newest.body, newest.signatures, newest.names),
                ),
            )
            if floor is None:
                return
            height, records = floor
            self._database.execute("DELETE FROM floor")
            self._database.execute("INSERT INTO floor VALUES (?)", (height,))
            self._database.execute(
                "DELETE FROM checkpoint WHERE height <= ?", (height - CHECKPOINTS_KEPT,)
            )
            self._database.executemany(
                "DELETE FROM state WHERE key = ?",
                [(key,) for key, record in records.items() if record is None],
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO state VALUES (?, ?)",
                [(key, record) for key, record in records.items() if record is not None],
            )
            self._database.executemany(
                "DELETE FROM vertex WHERE tag = ? AND seq = ? AND digest = ?",
                [(one[:8], seq_in(one), one[12:]) for one in gone],
            )

    def begin_anew(self) -> Path:
        """Forget the state and all checkpoints, which turned out wrong; others have them.

        Returns where a copy of the file is.
        """
        copy = self.copy_aside()
        with self._database.transaction():
            for table in ("floor", "state", "checkpoint"):
                self._database.execute(f"DELETE FROM {table}")
        return copy

    def copy_aside(self) -> Path:
        """Keep a copy of a file in which something is damaged; return where it is."""
        names = (self._path.with_name(f"{self._path.name}.corrupt-{n}") for n in count(1))
        copy = next(name for name in names if not name.exists())
        self._database.execute("VACUUM INTO ?", (str(copy),))
        return copy

    def forget_damaged(self) -> None:
        """Delete the rows that are not as they were written; what can be is asked for again."""
        with self._database.transaction():
            for table, columns in _SUMMED.items():
                for row in self._database.query(f"SELECT {columns}, crc FROM {table}"):
                    if row[-1] != _sum(cast("int", row[0]), *cast("Sequence[bytes]", row[1:-1])):
                        key = columns.split(", ")[_KEY_AT[table]]
                        self._database.execute(
                            f"DELETE FROM {table} WHERE {key} = ?", (row[_KEY_AT[table]],)
                        )

    def checkpoints(self) -> list[KeptCheckpoint]:
        """Return the checkpoints that are kept, the oldest first.

        Those before a damaged one are left out: names with a gap would stand for wrong positions.
        """
        rows = self._database.query("SELECT * FROM checkpoint ORDER BY height")
        kept: list[KeptCheckpoint] = []
        floor = self._database.query("SELECT height FROM floor")
        for height, body, signatures, names, crc in cast(
            "Sequence[tuple[int, bytes, bytes, bytes, int]]", rows
        ):
            if crc == _sum(height, body, signatures, names):
                kept.append(KeptCheckpoint(height, body, signatures, names))
            elif floor and height <= cast("int", floor[0][0]):
                kept.clear()
        return kept

    def damaged_tables(self) -> list[str]:
        """Return the tables beside that of vertices in which a row is not as it was written."""
        return [
            table
            for table, columns in _SUMMED.items()
            if any(
                row[-1] != _sum(cast("int", row[0]), *cast("Sequence[bytes]", row[1:-1]))
                for row in self._database.query(f"SELECT {columns}, crc FROM {table}")
            )
        ]

    def floor(self) -> tuple[int, dict[bytes, bytes]] | None:
        """Return the height where the file begins and the state there; None: at genesis."""
        rows = self._database.query("SELECT height FROM floor")
        if not rows:
            return None
        records = self._database.query("SELECT key, record FROM state ORDER BY key")
        return cast("int", rows[0][0]), dict(cast("Sequence[tuple[bytes, bytes]]", records))

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._database.close()

    def _rows(self, wanted: Range) -> Iterator[int]:
        """Yield the row numbers of one range, ascending.

        The index gives them by seq, which is the same but for contenders that came late: those are
        held back, or all that came before them would wait behind them.
        """
        late: list[int] = []
        for numbers in self._rows_by_seq(wanted):
            lowest_after = list(accumulate(reversed(numbers[1:]), min))[::-1]
            # What follows the last one is not known yet, so that one is held back as well.
            for number, lowest in zip_longest(numbers, lowest_after, fillvalue=0):
                if number > lowest:
                    heappush(late, number)
                    continue
                while late and late[0] < number:
                    yield heappop(late)
                yield number
        yield from sorted(late)

    def _rows_by_seq(self, wanted: Range) -> Iterator[list[int]]:
        seq, number = wanted.first, 0
        while True:
            rows = self._database.query(
                "SELECT seq, n FROM vertex WHERE tag = ? AND seq <= ? AND (seq, n) > (?, ?)"
                " AND seq >= ? ORDER BY seq, n LIMIT ?",
                (bytes(wanted.tag), wanted.last, seq, number, seq, _CURSOR_ROWS),
            )
            if rows:
                seq, number = cast("tuple[int, int]", rows[-1])
                yield [cast("int", row[1]) for row in rows]
            if len(rows) < _CURSOR_ROWS:
                return

    def _wires(self, numbers: Sequence[int]) -> list[bytes]:
        marks = ", ".join("?" * len(numbers))
        rows = self._database.query(
            f"SELECT n, wire, crc FROM vertex WHERE n IN ({marks})", numbers
        )
        # Others would take what changed on the disk for a lie.
        wires = {
            number: wire
            for number, wire, crc in cast("Sequence[tuple[int, bytes, int]]", rows)
            if crc32(wire) == crc
        }
        return [wires[number] for number in numbers if number in wires]


def _sum(number: int, *parts: bytes) -> int:
    """Return the checksum of a row.  SQLite has none: a bit that flips in a value goes unseen."""
    total = crc32(number.to_bytes(8, "big", signed=True))
    for part in parts:
        total = crc32(part, crc32(len(part).to_bytes(8, "big"), total))
    return total


def _append_statement(rows: int) -> str:
    marks = ", ".join(["(?, ?, ?, ?, ?)"] * rows)
    return (
        f"INSERT INTO vertex (tag, seq, digest, wire, crc) VALUES {marks}"
        # In its old place, but with new bytes: the old ones may have been found damaged.
        " ON CONFLICT (tag, seq, digest) DO UPDATE SET"
        " wire = excluded.wire, crc = excluded.crc"
    )


def _vertex_id(tag: bytes, seq: int, digest: bytes) -> VertexId:
    return VertexId(tag + seq.to_bytes(4, "big") + digest)
