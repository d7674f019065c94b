"""Frames of the control socket: there and back, and nothing else gets through."""

from collections.abc import Mapping
from contextlib import suppress
from typing import cast

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_agent.control.frames import (
    LENGTH_BYTES,
    BadFrame,
    decode_body,
    decode_length,
    encode_frame,
)
from fogbank_agent.control.requests.blobs import Chunk, Failed
from fogbank_agent.control.requests.jobs import RunInput, StartJob
from fogbank_agent.control.requests.money import Pay
from fogbank_agent.control.requests.peers import Peer, Peers
from fogbank_agent.control.requests.status import GetStatus
from fogbank_agent.limits import CONTROL_CHUNK_BYTES, CONTROL_FRAME_BYTES_MAX

PEER = Peer("ab", "abcd-efgh", "::1", 1, 2.5, None, 3, 4, 5)
JOB = StartJob(
    task_id=b"p" * 32,
    task_name="task",
    inputs=(RunInput("one", b"1" * 32), RunInput("", b"2" * 32)),
    arguments=("-v",),
    environment=(),
    seed=(1 << 64) - 1,
    verify=None,
    price_max=7,
    start_price_max=None,
    fuel_max=None,
    deadline_s=None,
    patience_s=None,
)
KINDS = [GetStatus, Pay, Peers, StartJob, Chunk, Failed]
MESSAGES = [
    GetStatus(),
    Pay("abcd", 5, 0),
    Peers(()),
    Peers((PEER, PEER)),
    JOB,
    Chunk(bytes(CONTROL_CHUNK_BYTES)),
    Failed("no"),
]


def body_of(message: object) -> bytes:
    frame = encode_frame(message)
    assert decode_length(frame[:LENGTH_BYTES]) == len(frame) - LENGTH_BYTES
    return frame[LENGTH_BYTES:]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_went(message: object) -> None:
    assert decode_body(body_of(message), KINDS) == message


@pytest.mark.parametrize("length", [0, CONTROL_FRAME_BYTES_MAX + 1, (1 << 32) - 1])
def test_a_length_out_of_bounds_is_refused(length: int) -> None:
    with pytest.raises(BadFrame):
        decode_length(length.to_bytes(LENGTH_BYTES, "big"))


def test_what_does_not_fit_is_not_sent() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        encode_frame(Chunk(bytes(CONTROL_FRAME_BYTES_MAX)))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        ["NoSuchMessage"],
        ["GetWallet"],
        ["Pay", "to", 5],
        ["Pay", "to", 5, 0, 0],
        ["Pay", "to", True, 0],
        ["Pay", b"to", 5, 0],
        ["Pay", "to", 5.0, 0],
        ["Chunk", "text"],
        ["Peers", [[1]]],
        ["Peers", 5],
        {"Pay": 1},
        [["Pay"], 1],
    ],
)
def test_a_message_of_another_shape_is_refused(value: list[object] | Mapping[str, int]) -> None:
    with pytest.raises(BadFrame):
        decode_body(cast("bytes", msgpack.packb(value)), KINDS)


@pytest.mark.parametrize("message", MESSAGES[:5], ids=lambda message: type(message).__name__)
def test_every_truncation_is_refused(message: object) -> None:
    body = body_of(message)
    for length in range(len(body)):
        with pytest.raises(BadFrame):
            decode_body(body[:length], KINDS)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(BadFrame):
        decode_body(b"\x91" * 100_000, KINDS)


@settings(max_examples=50)
@given(st.binary(max_size=64), st.integers(0, 10_000))
def test_no_bytes_do_anything_but_decode_or_be_refused(data: bytes, place: int) -> None:
    with suppress(BadFrame):
        decode_body(data, KINDS)
    body = bytearray(body_of(JOB))
    place %= len(body)
    body[place : place + len(data)] = data
    with suppress(BadFrame):
        decode_body(bytes(body), KINDS)


def test_a_number_of_more_than_64_bits_fits_into_no_frame() -> None:
    with pytest.raises(ValueError, match="out of range"):
        encode_frame(Pay("abcd", 1 << 64, 0))
