"""Shares of what others settled, on disk (SPEC.md section 8.13)."""

import sqlite3
from pathlib import Path

from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.own_objects import ShareView
from fogbank_dag_ledger.service.share_store import ShareStore
from fogbank_protocol.identity import NodeId

ANN, BOB = NodeId(b"a" * 32), NodeId(b"b" * 32)


def share(name: int, drops: int) -> ShareView:
    return ShareView(ObjectId(bytes([name]) * 32), ANN, BOB, drops)


def test_each_object_counts_once_and_the_oldest_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "shares.sqlite"
    store = ShareStore(path)
    store.put([share(9, 5), share(1, (1 << 64) - 1)])
    store.put([share(9, 5), share(4, 7)])
    store.close()

    again = ShareStore(path)
    assert list(again.all()) == [share(9, 5), share(1, (1 << 64) - 1), share(4, 7)]
    again.close()
    assert again.set_aside is None


def test_what_is_not_as_it_was_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "shares.sqlite"
    store = ShareStore(path)
    store.put([share(1, 5), share(2, 6)])
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE share SET crc = crc + 1 WHERE number = 1")
    database.close()

    again = ShareStore(path)
    assert list(again.all()) == [share(2, 6)]
    again.close()


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "shares.sqlite"
    path.write_bytes(b"not a database, but as long as one could be" * 100)
    store = ShareStore(path)
    assert store.set_aside is not None
    assert list(store.all()) == []
    store.close()
