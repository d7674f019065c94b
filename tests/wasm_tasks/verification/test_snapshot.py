"""Snapshots in their one spelling (SPEC.md section 7.10)."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wasm_tasks.verification.step_task import step_package

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.limits import (
    MEMORY_BYTES_MAX,
    PAGE_BYTES,
    STEP_MEMORY_BYTES_MAX,
)
from fogbank_wasm_tasks.verification.snapshot import (
    Snapshot,
    check_resumable,
    decode_snapshot,
    encode_snapshot,
)
from fogbank_wasm_tasks.verification.state import StateHead

HEAD = StateHead(steps=7, is_done=False, fuel=1_000, pages=2, globals=bytes(20))
MEMORY = bytes(4096) + b"\x05" * 4096 + bytes(2 * PAGE_BYTES - 8192)


def written(snapshot: Snapshot) -> bytes:
    return encode_snapshot(snapshot.head, snapshot.memory)


SNAPSHOT = Snapshot(HEAD, MEMORY)
DATA = written(SNAPSHOT)


def test_a_snapshot_comes_back_and_zeros_take_no_room() -> None:
    assert decode_snapshot(DATA) == SNAPSHOT
    assert len(DATA) < 4096 + 100


def test_the_largest_snapshot_is_read() -> None:
    head = replace(HEAD, pages=STEP_MEMORY_BYTES_MAX // PAGE_BYTES, globals=bytes(4096))
    snapshot = Snapshot(head, b"\1" * STEP_MEMORY_BYTES_MAX)

    assert decode_snapshot(written(snapshot)).head == head


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "fogsnip"),
        (1, 2),
        (1, True),
        (2, 65_536 * ((1 << 40) - 1)),
        (2, True),
        (3, 0),
        (4, 1 << 62),
        (5, 3),
        (5, 513),
        (6, bytes(4097)),
        (7, b"\2\0\0"),
        (7, b"\3\0\0\0"),
        (7, b"\0\0\0\0"),
        (8, b""),
        (8, bytes(4096)),
        (8, b"\5" * 4095),
    ],
)
def test_another_spelling_is_refused(place: int, value: Value) -> None:
    fields = decode(DATA)
    assert isinstance(fields, list)
    fields[place] = value

    with pytest.raises(RemoteProtocolError) as caught:
        decode_snapshot(encode(fields))
    assert caught.value.rule == "7.10"


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 60), value=st.integers(0, 255), cut=st.integers(0, 60))
def test_hostile_bytes_are_refused_or_another_state(place: int, value: int, cut: int) -> None:
    hostile = bytearray(DATA[: len(DATA) - cut])
    hostile[place] = value
    try:
        snapshot = decode_snapshot(bytes(hostile))
    except RemoteProtocolError:
        return
    assert written(snapshot) == bytes(hostile)
    assert snapshot == SNAPSHOT or snapshot.root() != SNAPSHOT.root()


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 8},
        {"is_done": True},
        {"fuel": 1_001},
        {"globals": b"\1" + bytes(19)},
    ],
)
def test_every_field_is_in_the_root(change: dict[str, object]) -> None:
    other = Snapshot(replace(HEAD, **change), MEMORY)  # type: ignore[arg-type]

    assert other.root() != SNAPSHOT.root()


@pytest.mark.parametrize(
    ("head", "fuel_max", "memory_bytes_max"),
    [
        pytest.param(replace(HEAD, pages=0), 10**6, MEMORY_BYTES_MAX, id="too small"),
        pytest.param(replace(HEAD, pages=5), 10**6, MEMORY_BYTES_MAX, id="beyond the module"),
        pytest.param(HEAD, 10**6, PAGE_BYTES, id="beyond the order"),
        pytest.param(replace(HEAD, globals=bytes(19)), 10**6, MEMORY_BYTES_MAX, id="globals"),
        pytest.param(HEAD, 999, MEMORY_BYTES_MAX, id="fuel"),
    ],
)
def test_what_no_instance_can_be_put_into_is_refused(
    head: StateHead, fuel_max: int, memory_bytes_max: int
) -> None:
    snapshot = Snapshot(head, bytes(head.pages * PAGE_BYTES))
    facts = step_package().facts

    check_resumable(SNAPSHOT, facts, MEMORY_BYTES_MAX, 10**6)
    with pytest.raises(RemoteProtocolError) as caught:
        check_resumable(snapshot, facts, memory_bytes_max, fuel_max)
    assert caught.value.rule == "7.10"
