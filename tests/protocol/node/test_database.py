"""Databases, through crashes, damage and full disks."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from fogbank_protocol.node.database import (
    WRONG_CHANGES,
    DatabaseFailure,
    DiskFull,
    SqlValue,
    check_values,
    open_database,
)

FIRST = "CREATE TABLE stones (name TEXT NOT NULL, weight BLOB)"
SECOND = "ALTER TABLE stones ADD COLUMN colour TEXT DEFAULT 'grey'; CREATE INDEX i ON stones (name)"


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ((1 << 63) - 1, True),
        (-(1 << 63), True),
        (1 << 63, False),
        (-(1 << 63) - 1, False),
        ("kö", True),
        ("\ud800", False),
        (1e300, True),
        (None, True),
    ],
)
def test_what_no_column_holds_is_known_before_it_is_written(
    tmp_path: Path, value: SqlValue, fits: bool
) -> None:
    database = open_database(tmp_path / "a.sqlite", [FIRST])
    values = ["a", value]
    if fits:
        check_values(values)
        database.execute("INSERT INTO stones VALUES (?, ?)", values)
    else:
        with pytest.raises(ValueError, match=r"no column holds|surrogates"):
            check_values(values)
        with pytest.raises(WRONG_CHANGES):
            database.execute("INSERT INTO stones VALUES (?, ?)", values)
    database.close()


def test_rows_are_there_after_closing_and_opening(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.sqlite", [FIRST])
    assert database.execute("INSERT INTO stones VALUES (?, ?)", ["flint", b"\0\1"]) == 1
    assert database.executemany("INSERT INTO stones VALUES (?, NULL)", [["a"], ["b"]]) == 2
    database.close()
    database.close()
    database = open_database(tmp_path / "a.sqlite", [FIRST])
    assert database.query("SELECT * FROM stones WHERE name = ?", ["flint"]) == [("flint", b"\0\1")]
    assert database.set_aside is None
    pages = list(database.query_pages("SELECT name FROM stones ORDER BY rowid", page_rows=2))
    assert pages == [[("flint",), ("a",)], [("b",)]]
    database.close()


def test_migrations_run_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    database = open_database(path, [FIRST])
    database.execute("INSERT INTO stones VALUES ('flint', NULL)")
    database.close()
    for _ in range(2):
        database = open_database(path, [FIRST, SECOND])
        assert database.query("SELECT colour FROM stones") == [("grey",)]
        database.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    open_database(path, [FIRST]).close()
    with pytest.raises(sqlite3.OperationalError):
        open_database(path, [FIRST, "CREATE TABLE half (x); NONSENSE"])
    database = open_database(path, [FIRST, "CREATE TABLE half (x)"])
    assert database.query("SELECT * FROM half") == []
    database.close()


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    open_database(path, [FIRST, SECOND]).close()
    with pytest.raises(DatabaseFailure, match="newer version of Fogbank: update"):
        open_database(path, [FIRST])
    assert [file.name for file in tmp_path.iterdir()] == ["a.sqlite"]


def test_all_of_a_transaction_is_kept_or_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.sqlite", [FIRST])

    def fail_in_the_middle() -> None:
        with database.transaction():
            database.execute("INSERT INTO stones VALUES ('lost', NULL)")
            database.executemany("INSERT INTO stones VALUES (?, NULL)", [["lost too"]])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    assert database.query("SELECT * FROM stones") == []
    with database.transaction(), database.transaction():
        database.execute("INSERT INTO stones VALUES ('kept', NULL)")
    assert database.query("SELECT name FROM stones") == [("kept",)]
    database.close()


async def test_threads_take_turns(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.sqlite", [FIRST])

    def add(name: str) -> None:
        for number in range(20):
            with database.transaction():
                before = len(database.query("SELECT 1 FROM stones"))
                database.execute("INSERT INTO stones VALUES (?, NULL)", [f"{name} {number}"])
                assert len(database.query("SELECT 1 FROM stones")) == before + 1

    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(trio.to_thread.run_sync, add, name)
    assert database.query("SELECT count(*) FROM stones") == [(80,)]
    database.close()


@pytest.mark.parametrize("size", [1, 99, 511])
def test_a_file_cut_to_less_than_a_page_is_no_new_one(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.sqlite"
    open_database(path, [FIRST]).close()
    begin = path.read_bytes()[:size]
    path.write_bytes(begin)
    database = open_database(path, [FIRST])
    assert database.set_aside is not None
    assert database.set_aside.read_bytes() == begin
    database.close()


def flipped(path: Path, wanted: bytes, place: int, bit: int) -> None:
    """Change one bit of the last ``wanted`` in a file."""
    content = bytearray(path.read_bytes())
    content[content.rindex(wanted) + place] ^= 1 << bit
    path.write_bytes(content)


TYPED = "CREATE TABLE t (key BLOB NOT NULL UNIQUE, note BLOB NOT NULL) STRICT"


@pytest.mark.parametrize(
    ("wanted", "place", "bit"),
    [
        # A column gets another name, the definition gets a byte that is no text.
        (b"note BLOB", 0, 0),
        (b"note BLOB", 1, 7),
        # A row's key differs from that in the index.
        (b"k" * 9, 4, 1),
        # The header of a row says that its key is text.
        (b"k" * 9, -2, 0),
    ],
)
def test_definitions_indexes_and_types_that_changed_are_found(
    tmp_path: Path, wanted: bytes, place: int, bit: int
) -> None:
    path = tmp_path / "a.sqlite"
    database = open_database(path, [TYPED])
    database.execute("INSERT INTO t VALUES (?, ?)", [b"k" * 9, b"n" * 9])
    database.close()
    # The index has the key too, and begins after the table.
    flipped(path, wanted, place, bit)
    database = open_database(path, [TYPED])
    assert database.set_aside == tmp_path / "a.sqlite.corrupt-1"
    database.close()


@pytest.mark.parametrize("place", range(100))
def test_no_bit_of_the_header_changes_what_is_read_or_stops_an_agent(
    tmp_path: Path, place: int
) -> None:
    path = tmp_path / "a.sqlite"
    database = open_database(path, [FIRST])
    database.execute("INSERT INTO stones VALUES ('flint', NULL)")
    database.close()
    whole = path.read_bytes()
    for bit in range(8):
        content = bytearray(whole)
        content[place] ^= 1 << bit
        path.write_bytes(content)
        database = open_database(path, [FIRST])
        rows = database.query("SELECT name FROM stones")
        assert rows == ([("flint",)] if database.set_aside is None else [])
        database.close()
        # The numbers of the version and of the application are no one else's.
        assert database.set_aside is not None or place not in {*range(60, 64), *range(68, 72)}


def test_a_text_that_is_none_any_more_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    database = open_database(path, [FIRST])
    database.execute("INSERT INTO stones VALUES ('flint and more', NULL)")
    database.close()
    flipped(path, b"flint and more", 3, 7)
    database = open_database(path, [FIRST])
    with pytest.raises(DatabaseFailure, match="move the file away"):
        database.query("SELECT name FROM stones")
    database.close()


@pytest.mark.parametrize("damage", ["garbage", "header", "page"])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.sqlite"
    for number in (1, 2):
        database = open_database(path, [FIRST])
        database.executemany("INSERT INTO stones VALUES (?, ?)", [["x", bytes(500)]] * 100)
        database.close()
        data = bytearray(path.read_bytes())
        match damage:
            case "garbage":
                data = bytearray(b"this is no database, and it is long enough to be looked at " * 9)
            case "header":
                data[:16] = bytes(16)
            case _:
                data[4096 * 3 : 4096 * 4] = b"\xff" * 4096
        path.write_bytes(data)

        database = open_database(path, [FIRST])

        assert database.set_aside == tmp_path / f"a.sqlite.corrupt-{number}"
        assert (tmp_path / f"a.sqlite.corrupt-{number}").read_bytes() == data
        assert database.query("SELECT * FROM stones") == []
        database.close()


@pytest.mark.parametrize("version", [0, 1])
def test_a_file_that_says_an_older_version_than_it_is_of_is_set_aside(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "a.sqlite"
    migrations = ["CREATE TABLE one (a)", "CREATE TABLE two (a)"]
    database = open_database(path, migrations)
    database.execute("INSERT INTO one VALUES (1)")
    database.execute(f"PRAGMA user_version = {version}")
    database.close()
    database = open_database(path, migrations)
    assert database.set_aside == tmp_path / "a.sqlite.corrupt-1"
    assert database.query("SELECT * FROM one") == []
    database.close()


def test_a_damaged_file_that_cannot_be_set_aside_is_told_in_a_sentence(tmp_path: Path) -> None:
    # There is no room in a file's name for the longer one.
    path = tmp_path / ("a" * 247)
    path.write_bytes(b"this is no database, and it is long enough to be looked at " * 9)
    with pytest.raises(DatabaseFailure, match="is damaged and cannot be set aside"):
        open_database(path, [FIRST])
    assert path.exists()


def test_a_full_disk_undoes_the_change_and_loses_nothing_older(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.sqlite", [FIRST])
    database.execute("INSERT INTO stones VALUES ('older', NULL)")
    ((pages,),) = database.query("PRAGMA page_count")
    assert isinstance(pages, int)
    # SQLite's own bound answers as a full disk does, and needs no disk to fill.
    database.query(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        with database.transaction():
            database.execute("INSERT INTO stones VALUES ('small', NULL)")
            database.execute("INSERT INTO stones VALUES ('large', ?)", [bytes(100_000)])

    with pytest.raises(DiskFull, match="make room"):
        fill()
    with pytest.raises(DiskFull):
        database.execute("INSERT INTO stones VALUES ('large', ?)", [bytes(100_000)])
    assert database.query("SELECT name FROM stones") == [("older",)]
    database.query("PRAGMA max_page_count = 1000000")
    database.execute("INSERT INTO stones VALUES ('later', ?)", [bytes(100_000)])
    database.close()


def test_a_folder_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatabaseFailure, match="check that its folder exists"):
        open_database(tmp_path / "missing" / "a.sqlite", [FIRST])


def test_a_wrong_statement_is_a_bug_and_passes(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.sqlite", [FIRST])
    with pytest.raises(sqlite3.OperationalError):
        database.execute("NONSENSE")
    with pytest.raises(sqlite3.IntegrityError):
        database.execute("INSERT INTO stones VALUES (NULL, NULL)")
    database.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from fogbank_protocol.node.database import open_database
database = open_database(Path(sys.argv[1]), ["CREATE TABLE t (x)"], synchronous="FULL")
with database.transaction():
    database.execute("INSERT INTO t VALUES (1)")
database._connection.execute("BEGIN")
database.execute("INSERT INTO t VALUES (2)")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_what_was_committed_survives_a_kill_and_what_was_not_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert killed.returncode == -9
    database = open_database(path, ["CREATE TABLE t (x)"])
    assert database.query("SELECT x FROM t") == [(1,)]
    assert database.set_aside is None
    database.close()


def test_what_comes_after_the_end_is_refused_as_if_the_disk_were_gone(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.sqlite", ["CREATE TABLE t (x)"])
    database.close()
    database.close()
    for attempt in (
        lambda: database.execute("INSERT INTO t VALUES (1)"),
        lambda: database.executemany("INSERT INTO t VALUES (?)", [(1,)]),
        lambda: database.query("SELECT x FROM t"),
        lambda: list(database.query_pages("SELECT x FROM t")),
    ):
        with pytest.raises(DatabaseFailure, match="it is closed"):
            attempt()
