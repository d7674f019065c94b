"""The bytes of the own log: whole, torn, damaged, foreign (SPEC.md section 8.8)."""

from io import BytesIO

import pytest

from fogbank_dag_ledger.own_log_format import (
    HEADER_BYTES,
    Damaged,
    Finding,
    Foreign,
    Readable,
    Unbegun,
    encode_records,
    first_checksum,
    header,
    inspect,
    read_records,
)
from fogbank_protocol.identity import NetworkId, NodeId

HEADER = header(NetworkId(b"n" * 8), NodeId(b"a" * 32))
RECORDS = [bytes([number]) * (10 + number) for number in range(1, 6)]
FIRST = first_checksum(HEADER)
DATA, LAST = encode_records(FIRST, RECORDS)
WHOLE = HEADER + DATA


def look(content: bytes) -> Finding:
    return inspect(BytesIO(content), len(content), HEADER)


def test_what_was_written_is_read_back() -> None:
    assert look(WHOLE) == Readable(len(WHOLE), LAST, 0)
    assert list(read_records(BytesIO(WHOLE), len(WHOLE))) == RECORDS


def test_every_cut_is_unbegun_or_a_torn_tail() -> None:
    for size in range(len(WHOLE)):
        found = look(WHOLE[:size])
        if size < HEADER_BYTES:
            assert found == Unbegun()
            continue
        assert isinstance(found, Readable)
        assert found.length + found.torn_bytes == size
        kept = list(read_records(BytesIO(WHOLE), found.length))
        assert kept == RECORDS[: len(kept)]


def test_a_change_before_good_records_is_damage() -> None:
    changed = bytearray(WHOLE)
    changed[HEADER_BYTES + 12] ^= 1
    found = look(bytes(changed))
    assert found == Damaged(HEADER_BYTES, Readable(HEADER_BYTES, FIRST, 0))
    assert isinstance(look(b"x" * 200), Damaged)


def test_anothers_log_is_known_by_its_header() -> None:
    other = header(NetworkId(b"m" * 8), NodeId(b"b" * 32))
    assert look(other) == Foreign(b"m" * 8, b"b" * 32)
    theirs, _ = encode_records(first_checksum(other), RECORDS)
    assert look(other + theirs) == Foreign(b"m" * 8, b"b" * 32)


@pytest.mark.parametrize("place", range(HEADER_BYTES))
def test_a_header_that_changed_is_told_from_that_of_somebody_else(place: int) -> None:
    changed = bytearray(WHOLE)
    changed[place] ^= 4
    assert look(bytes(changed)) == Damaged(0, Readable(len(WHOLE), LAST, 0))
