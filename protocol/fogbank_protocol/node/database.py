"""The one door to sqlite3: files that are checked when opened and survive a loss of power."""

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from threading import RLock
from typing import Literal, TypeAlias

from ..errors import MachineFailure
from ..limits import DATABASE_BUSY_S, DATABASE_JOURNAL_BYTES

SqlValue: TypeAlias = int | float | str | bytes | None
"""What a column holds."""

Row: TypeAlias = tuple[SqlValue, ...]

WRONG_CHANGES = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""What passes as it is: a wrong statement, a broken constraint, a value that no column holds."""

_INTEGER_LIMIT = 1 << 63

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNREADABLE = "a text in it is damaged: move the file away, and a new one is begun"

_PAGE_BYTES_MIN = 512

_APPLICATION = 0x0F06_0000
"""What ``application_id`` says beside the version: that no bit of ``user_version`` has changed."""

# SQLITE_ERROR, wrong statements and broken constraints are bugs of the caller and pass as they are.
_REMEDIES = {
    sqlite3.SQLITE_BUSY: "another program uses it: stop that program",
    sqlite3.SQLITE_LOCKED: "another program uses it: stop that program",
    sqlite3.SQLITE_READONLY: "it cannot be written: check its permissions",
    sqlite3.SQLITE_PERM: "it cannot be opened: check its permissions",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that its folder exists, and permissions",
    sqlite3.SQLITE_IOERR: "reading or writing failed: check the disk",
    sqlite3.SQLITE_CORRUPT: "it is damaged: start again, and the damaged file is set aside",
    sqlite3.SQLITE_NOTADB: "it is damaged: start again, and the damaged file is set aside",
}


class DatabaseFailure(MachineFailure):
    """The file cannot be used now.  The message says what to do."""


class DiskFull(DatabaseFailure):
    """There is no room for the change; the transaction was undone and nothing older is lost."""


class Database:
    """One open database; may be used from any thread, one at a time (a lock sees to it)."""

    set_aside: Path | None
    """Where a corrupted file was put when this one was opened; None when all was well."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, *, set_aside: Path | None
    ) -> None:
        """Use ``connection`` to the file at ``path``; see ``open_database``."""
        self.set_aside = set_aside
        self._connection = connection
        self._path = path
        self._lock = RLock()
        self._is_in_transaction = False
        self._is_closed = False

    def execute(self, statement: str, values: Sequence[SqlValue] = ()) -> int:
        """Run one statement and return how many rows it changed.

        Outside ``transaction`` it is committed at once.

        Raises:
            DiskFull: there is no room for it.
            DatabaseFailure: the file cannot be read or written.
        """
        with self._lock, _failures_named(self._path):
            return self._open.execute(statement, values).rowcount

    def executemany(self, statement: str, rows: Iterable[Sequence[SqlValue]]) -> int:
        """Run one statement for each of ``rows`` in one transaction; as ``execute``."""
        with self.transaction(), _failures_named(self._path):
            return self._open.executemany(statement, rows).rowcount

    def query(self, statement: str, values: Sequence[SqlValue] = ()) -> Sequence[Row]:
        """Return every row of a query.

        Raises:
            DatabaseFailure: the file cannot be read.
        """
        with self._lock, _failures_named(self._path):
            return self._open.execute(statement, values).fetchall()

    def query_pages(
        self, statement: str, values: Sequence[SqlValue] = (), *, page_rows: int = 1024
    ) -> Iterator[Sequence[Row]]:
        """Yield the rows of a query in lists of at most ``page_rows``, for those too many to hold.

        The lock is not held between pages: do not change the table until it is done.
        """
        with self._lock, _failures_named(self._path):
            cursor = self._open.execute(statement, values)
        while True:
            with self._lock, _failures_named(self._path):
                page = cursor.fetchmany(page_rows)
            if not page:
                return
            yield page

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Make everything inside one change: all of it is kept, or after an exception nothing.

        One inside another is a part of the outer one.

        Raises:
            DiskFull, DatabaseFailure: as ``execute``.
        """
        with self._lock:
            if self._is_in_transaction:
                yield
                return
            with _failures_named(self._path):
                self._open.execute("BEGIN IMMEDIATE")
            self._is_in_transaction = True
            try:
                yield
                with _failures_named(self._path):
                    self._connection.execute("COMMIT")
            finally:
                self._is_in_transaction = False
                # Still open after an exception; a full disk may have undone it already.
                if self._connection.in_transaction:
                    with _failures_named(self._path):
                        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock:
            self._is_closed = True
            self._connection.close()

    @property
    def _open(self) -> sqlite3.Connection:
        if self._is_closed:
            # What a stop has overtaken is no bug: it is as if the disk were gone.
            raise DatabaseFailure(f"{self._path}: it is closed, for this agent stops")
        return self._connection


def check_values(values: Iterable[SqlValue]) -> None:
    """Check that columns hold ``values``, for those that are written only later.

    Raises:
        ValueError: an integer has more than 64 bits, or a text cannot be said in UTF-8.
    """
    for value in values:
        if isinstance(value, int) and not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
            raise ValueError(f"no column holds {value}")
        if isinstance(value, str) and not value.isascii():
            value.encode()


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
    ``Database.set_aside``.  What changed in its structure, its indexes, its tables' definitions or
    the types of ``STRICT`` tables is found here; what changed within a value only its own checksum
    can tell.

    Raises:
        DatabaseFailure: the file is of a newer version, or in a place that cannot be written.
        DiskFull: there is no room.
    """
    set_aside = None
    connection = _connect(path)
    with _closed_after_failure(connection):
        is_sound = _is_sound(connection, path, migrations)
    if not is_sound:
        connection.close()
        set_aside = _move_aside(path)
        connection = _connect(path)
    _prepare(connection, path, migrations, synchronous)
    return Database(connection, path, set_aside=set_aside)


def read_database(path: Path, migrations: Sequence[str]) -> Database:
    """Open the database at ``path`` to read it, also while another process writes it.

    Nothing is repaired, set aside or brought up to date.

    Raises:
        DatabaseFailure: there is none, it is damaged, or of another version.
    """
    with _failures_named(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            timeout=DATABASE_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
    with _closed_after_failure(connection):
        if not _is_sound(connection, path, migrations):
            connection.close()
            raise DatabaseFailure(f"{path} is damaged: the agent sets it aside when it starts")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != len(migrations):
            connection.close()
            raise DatabaseFailure(f"{path} is of another version: start the agent once")
    return Database(connection, path, set_aside=None)


def _prepare(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[str], synchronous: str
) -> None:
    with _closed_after_failure(connection), _failures_named(path):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA journal_size_limit = {DATABASE_JOURNAL_BYTES}")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, path, migrations)


def _connect(path: Path) -> sqlite3.Connection:
    with _failures_named(path):
        # The lock of Database replaces sqlite3's check that one thread alone uses a connection.
        return sqlite3.connect(
            path, timeout=DATABASE_BUSY_S, isolation_level=None, check_same_thread=False
        )


def _is_sound(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> bool:
    if _is_stub(path):
        return False
    try:
        # The quick check does not compare indexes with tables, which takes a microsecond a row.
        row: Row = connection.execute("PRAGMA integrity_check(1)").fetchone()
        return row == ("ok",) and _is_as_defined(connection, migrations)
    except UnicodeDecodeError:
        # What SQLite says of a damaged definition quotes it.
        return False
    except sqlite3.DatabaseError as error:
        # These statements are right, so it is the file that is not: of an unknown format.
        if _primary_code(error) in {*_DAMAGE, sqlite3.SQLITE_ERROR}:
            return False
        raise _named(error, path) from error


def _is_stub(path: Path) -> bool:
    """Tell whether the file was cut to less than SQLite writes at once: to it that is a new one."""
    try:
        return 0 < path.stat().st_size < _PAGE_BYTES_MIN
    except OSError:
        # Not there yet, or SQLite says what is wrong with it.
        return False


def _is_as_defined(connection: sqlite3.Connection, migrations: Sequence[str]) -> bool:
    """Tell whether the version and the tables are those that ``migrations`` make."""
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    ((application,),) = connection.execute("PRAGMA application_id").fetchall()
    if application != (_APPLICATION + version if version else 0):
        return False
    if version > len(migrations):
        # Of a newer Fogbank, which knows what it should hold.
        return True
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as wanted:
        for migration in migrations[:version]:
            wanted.executescript(migration)
        return _definitions(connection) == _definitions(wanted)


def _definitions(connection: sqlite3.Connection) -> set[Row]:
    # As bytes, for they may be no text any more.
    columns = ("type", "name", "tbl_name", "sql")
    chosen = ", ".join(f"CAST({column} AS BLOB)" for column in columns)
    return set(connection.execute(f"SELECT {chosen} FROM sqlite_master").fetchall())


def _move_aside(path: Path) -> Path:
    """Move the file and its journal away, keeping every byte for whoever can rescue them."""
    names = (path.with_name(f"{path.name}.corrupt-{number}") for number in count(1))
    try:
        aside = next(name for name in names if not name.exists())
        path.rename(aside)
        for suffix in ("-wal", "-shm"):
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise DatabaseFailure(
            f"{path} is damaged and cannot be set aside ({error.strerror}): move it away yourself"
        ) from error
    return aside


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise DatabaseFailure(
            f"{path} was written by a newer version of Fogbank: update this one, or use another"
            " state folder"
        )
    for number, migration in enumerate(migrations[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {migration}; PRAGMA user_version = {number};"
            f" PRAGMA application_id = {_APPLICATION + number}; COMMIT;"
        )


@contextmanager
def _closed_after_failure(connection: sqlite3.Connection) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, DatabaseFailure):
        connection.close()
        raise


@contextmanager
def _failures_named(path: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _named(error, path) from error


def _named(error: sqlite3.DatabaseError, path: Path) -> Exception:
    """Return the failure for people, or ``error`` itself when it is a bug of the caller."""
    code = _primary_code(error)
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(f"{path} cannot grow: the disk is full, make room on it")
    if code in _REMEDIES:
        return DatabaseFailure(f"{path}: {_REMEDIES[code]}")
    if str(error).startswith("Could not decode to UTF-8"):
        return DatabaseFailure(f"{path}: {_UNREADABLE}")
    return error


def _primary_code(error: sqlite3.DatabaseError) -> int | None:
    # The upper bits are details; errors that the sqlite3 module raises itself have no code.
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
