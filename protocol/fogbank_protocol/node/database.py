"""The one door to sqlite3: files that are checked when opened and survive a loss of power."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

SqlValue: TypeAlias = int | float | str | bytes | None
"""What a column holds."""

Row: TypeAlias = tuple[SqlValue, ...]


class DatabaseFailure(Exception):
    """The file cannot be used now.  The message says what to do."""


class DiskFull(DatabaseFailure):
    """There is no room for the change; the transaction was undone and nothing older is lost."""


class Database:
    """One open database; may be used from any thread, one at a time (a lock sees to it)."""

    set_aside: Path | None
    """Where a corrupted file was put when this one was opened; None when all was well."""

    def execute(self, statement: str, values: Sequence[SqlValue] = ()) -> int:
        """Run one statement and return how many rows it changed.

        Outside ``transaction`` it is committed at once.

        Raises:
            DiskFull: there is no room for it.
            DatabaseFailure: the file cannot be read or written.
        """
        raise NotImplementedError

    def executemany(self, statement: str, rows: Iterable[Sequence[SqlValue]]) -> int:
        """Run one statement for each of ``rows`` in one transaction; as ``execute``."""
        raise NotImplementedError

    def query(self, statement: str, values: Sequence[SqlValue] = ()) -> Sequence[Row]:
        """Return every row of a query.

        Raises:
            DatabaseFailure: the file cannot be read.
        """
        raise NotImplementedError

    def query_pages(
        self, statement: str, values: Sequence[SqlValue] = (), *, page_rows: int = 1024
    ) -> Iterator[Sequence[Row]]:
        """Yield the rows of a query in lists of at most ``page_rows``, for those too many to hold.

        The lock is not held between pages: do not change the table until it is done.
        """
        raise NotImplementedError

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside one change: all of it is kept, or after an exception nothing.

        Raises:
            DiskFull, DatabaseFailure: as ``execute``.
        """
        raise NotImplementedError
        yield

    def close(self) -> None:
        """Close the file; safe to call twice."""
        raise NotImplementedError


def open_database(
    path: Path,
    migrations: Sequence[str],
    *,
    synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
) -> Database:
    """Open or make the database at ``path``; its folder must exist.

    ``migrations`` are SQL scripts; the file's ``user_version`` is how many of them it has had, and
    the rest are run here, each in a transaction.  Journal is WAL.  With ``NORMAL`` a loss of power
    may undo the last commits, never break the file; with ``FULL`` a commit is on disk when it
    returns.  A corrupted file is moved to ``path.corrupt-N`` and a new one begun: see
    ``Database.set_aside``.

    Raises:
        DatabaseFailure: the file is of a newer version, or in a place that cannot be written.
        DiskFull: there is no room.
    """
    raise NotImplementedError
