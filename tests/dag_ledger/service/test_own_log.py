"""The log of own vertices, on real files: torn, damaged, full, in use (SPEC.md section 8.8)."""

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.full_disk import full_disk

from fogbank_dag_ledger.limits import OWN_LOG_APPEND_BYTES_MAX, OWN_LOG_SHORTEN_BYTES
from fogbank_dag_ledger.service.failures import LogFull, LogUnusable
from fogbank_dag_ledger.service.own_log import OwnLog
from fogbank_protocol.identity import NetworkId, NodeId

NETWORK = NetworkId(b"n" * 8)
ANN = NodeId(b"a" * 32)
RECORDS = [bytes([number]) * (10 + number) for number in range(1, 6)]


def open_log(path: Path) -> OwnLog:
    return OwnLog(path, NETWORK, ANN)


def write_log(path: Path, records: list[bytes]) -> None:
    log = open_log(path)
    for record in records:
        log.append([record])
    log.close()


def read_log(path: Path) -> list[bytes]:
    log = open_log(path)
    records = list(log.records())
    log.close()
    return records


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    log = open_log(path)
    log.append(RECORDS[:2])
    log.append(RECORDS[2:])
    assert list(log.records()) == RECORDS
    log.close()
    assert read_log(path) == RECORDS


def test_a_log_cut_anywhere_loses_only_what_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    write_log(path, RECORDS)
    whole = path.read_bytes()
    ends = [path.stat().st_size]
    for record in reversed(RECORDS):
        ends.append(ends[-1] - len(record) - 12)
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        log = open_log(path)
        kept = sum(end <= size for end in ends) - 1
        assert list(log.records()) == RECORDS[: max(0, kept)]
        assert log.damage is None
        log.append([b"next"])
        assert list(log.records()) == [*RECORDS[: max(0, kept)], b"next"]
        log.close()


def test_zeros_where_the_last_append_should_be_are_a_torn_tail(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    write_log(path, RECORDS)
    with path.open("ab") as file:
        file.write(bytes(4096))
    log = open_log(path)
    assert log.damage is None
    assert list(log.records()) == RECORDS
    log.close()


@settings(max_examples=60)
@given(data=st.data())
def test_a_changed_byte_before_the_last_record_is_damage_or_a_shorter_log(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing that was changed is ever read back."""
    path = tmp_path_factory.mktemp("log") / "own.log"
    write_log(path, RECORDS)
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(50, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    log = open_log(path)
    records = list(log.records())
    log.close()
    assert records == RECORDS[: len(records)]
    assert len(records) < len(RECORDS)


def test_damage_in_the_middle_is_said_and_the_file_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    write_log(path, RECORDS)
    content = bytearray(path.read_bytes())
    content[50 + 12 + 11 + 12 + 3] ^= 1
    path.write_bytes(content)
    log = open_log(path)
    assert log.damage is not None
    assert log.damage.set_aside == tmp_path / "own.log.corrupt-1"
    assert log.damage.set_aside.read_bytes() == content
    assert list(log.records()) == RECORDS[:1]
    log.append([b"next"])
    log.close()
    assert read_log(path) == [RECORDS[0], b"next"]


def test_a_long_damaged_end_is_no_torn_tail(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    write_log(path, [b"x" * 60_000, b"y" * 60_000])
    content = bytearray(path.read_bytes())
    content[50] ^= 0x80
    path.write_bytes(content)
    log = open_log(path)
    assert log.damage is not None
    log.close()


def test_a_file_that_is_no_log_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    path.write_bytes(b"something else altogether" * 20)
    log = open_log(path)
    assert log.damage is not None
    assert log.damage.offset == 0
    log.append([b"next"])
    log.close()
    assert read_log(path) == [b"next"]


@pytest.mark.parametrize(
    ("network", "issuer"), [(NetworkId(b"m" * 8), ANN), (NETWORK, NodeId(b"b" * 32))]
)
def test_another_identitys_or_networks_log_is_refused(
    tmp_path: Path, network: NetworkId, issuer: NodeId
) -> None:
    path = tmp_path / "own.log"
    write_log(path, RECORDS)
    before = path.read_bytes()
    with pytest.raises(LogUnusable, match="use another state folder"):
        OwnLog(path, network, issuer)
    assert path.read_bytes() == before


def test_a_log_in_use_is_refused(tmp_path: Path) -> None:
    log = open_log(tmp_path / "own.log")
    with pytest.raises(LogUnusable, match="in use by another agent"):
        open_log(tmp_path / "own.log")
    log.close()
    open_log(tmp_path / "own.log").close()


def test_a_full_disk_loses_nothing_and_appending_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    path = tmp_path / "own.log"
    log = open_log(path)
    log.append([b"x" * 800])
    size = path.stat().st_size
    with full_disk(1000), pytest.raises(LogFull, match="free some space"):
        log.append([b"y" * 800])
    assert path.stat().st_size == size
    assert list(log.records()) == [b"x" * 800]
    log.append([b"z" * 50])
    log.close()
    assert read_log(path) == [b"x" * 800, b"z" * 50]


def test_an_append_is_synced_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.log"
    log = open_log(path)
    synced: list[bytes] = []

    def note(descriptor: int) -> None:
        del descriptor
        synced.append(path.read_bytes())

    monkeypatch.setattr(os, "fdatasync", note)
    log.append([b"record"])
    assert synced == [path.read_bytes()]
    log.close()


def long_log(path: Path) -> tuple[OwnLog, list[bytes]]:
    """Return a log that is just long enough to be shortened, and what is in it."""
    records = [bytes([number]) * 60_000 for number in range(OWN_LOG_SHORTEN_BYTES // 60_000 + 1)]
    write_log(path, records)
    return open_log(path), records


def is_late(record: bytes) -> bool:
    return record[0] >= 15


def test_a_long_log_is_shortened_to_what_is_needed_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    log, records = long_log(path)
    log.shorten(is_late)
    assert list(log.records()) == records[15:]
    assert path.stat().st_size < OWN_LOG_SHORTEN_BYTES // 4
    log.append([b"next"])
    assert list(log.records()) == [*records[15:], b"next"]
    with pytest.raises(LogUnusable, match="in use by another agent"):
        open_log(path)
    log.close()
    assert read_log(path) == [*records[15:], b"next"]
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_short_log_and_one_of_which_much_is_needed_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    log = open_log(path)
    log.append(RECORDS)
    log.shorten(lambda _: False)
    assert list(log.records()) == RECORDS
    log.close()
    path.unlink()
    log, records = long_log(path)
    log.shorten(lambda _: True)
    before = path.stat().st_ino
    log.append([b"next"])
    # It is worth its while again when the log has doubled.
    log.shorten(lambda _: False)
    assert path.stat().st_ino == before
    assert list(log.records()) == [*records, b"next"]
    log.close()


def test_whenever_power_fails_while_a_log_is_shortened_there_is_the_old_one_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever part of the new file is on the disk, it counts only from the moment it is whole."""
    monkeypatch.setattr(OwnLog, "shorten_bytes", 100)
    path, new = tmp_path / "own.log", tmp_path / "own.log.new"
    write_log(path, RECORDS)
    old = path.read_bytes()
    log = open_log(path)
    log.shorten(lambda record: record[0] >= 3)
    log.append([b"next"])
    log.close()
    shortened, kept = path.read_bytes(), [*RECORDS[2:], b"next"]
    for size in range(len(shortened)):
        path.write_bytes(old)
        new.write_bytes(shortened[:size])
        assert read_log(path) == RECORDS
        assert not new.exists()
    ends = [50]
    for record in kept:
        ends.append(ends[-1] + len(record) + 12)
    assert ends[-1] == len(shortened)
    for size in range(len(shortened)):
        path.write_bytes(shortened[:size])
        assert read_log(path) == kept[: max(0, sum(end <= size for end in ends) - 1)]


def test_when_power_fails_while_a_damaged_log_is_set_aside_its_good_part_is_used(
    tmp_path: Path,
) -> None:
    path = tmp_path / "own.log"
    write_log(path, RECORDS)
    path.rename(tmp_path / "own.log.new")
    assert read_log(path) == RECORDS
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_disk_with_no_room_for_the_new_log_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    log, records = long_log(path)
    with full_disk(100_000), pytest.raises(LogFull, match="free some space"):
        log.shorten(is_late)
    assert sorted(tmp_path.iterdir()) == [path]
    log.append([b"next"])
    log.close()
    assert read_log(path) == [*records, b"next"]


def test_after_shortening_nothing_is_appended_before_the_folder_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a loss of power could bring back the old file, without what was sent meanwhile."""
    path = tmp_path / "own.log"
    log, records = long_log(path)
    is_broken = True
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if is_broken and stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(LogUnusable, match="Input/output error"):
        log.shorten(is_late)
    with pytest.raises(LogUnusable, match="Input/output error"):
        log.append([b"lost"])
    is_broken = False
    log.append([b"next"])
    log.close()
    assert read_log(path) == [*records[15:], b"next"]


def test_what_changed_on_the_disk_is_not_made_good_by_shortening(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    log, records = long_log(path)
    with path.open("r+b") as file:
        file.seek(200_000)
        file.write(b"?")
    log.shorten(lambda _: False)
    log.close()
    log = open_log(path)
    assert log.damage is not None
    assert list(log.records()) == records[:3]
    log.close()


def test_an_append_is_bounded(tmp_path: Path) -> None:
    log = open_log(tmp_path / "own.log")
    with pytest.raises(AssertionError):
        log.append([bytes(OWN_LOG_APPEND_BYTES_MAX)])
    log.close()


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LogUnusable, match="No such file"):
        open_log(tmp_path / "absent" / "own.log")
