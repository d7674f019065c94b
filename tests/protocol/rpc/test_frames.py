"""Frames: vectors in both directions, truncations and flipped bits (SPEC.md section 4.1)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors.write_encoding import from_json

from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.limits import BODY_BYTES_MAX, FRAME_BYTES_MAX
from fogbank_protocol.rpc import events, frames
from fogbank_protocol.rpc.events import ErrorCode, Frame

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/frames.json").read_text("utf-8"))
KINDS: dict[int, tuple[Callable[..., Frame], Callable[..., bytes]]] = {
    1: (events.RequestReceived, frames.encode_request),
    2: (events.StreamRequested, frames.encode_stream_request),
    3: (events.ResponseReceived, frames.encode_response),
    4: (events.ErrorReceived, frames.encode_error),
    5: (events.ItemReceived, frames.encode_item),
    6: (events.StreamEnded, frames.encode_end),
    7: (events.CreditReceived, frames.encode_credit),
    8: (events.CancelReceived, frames.encode_cancel),
    9: (events.OneWayReceived, frames.encode_one_way),
    10: (events.PingReceived, frames.encode_ping),
    11: (events.PingAnswered, frames.encode_pong),
    12: (events.GoodbyeReceived, frames.encode_goodbye),
}


def decode_whole(data: bytes) -> Frame | None:
    """Return the frame of ``data`` with its length in front; None when bytes are missing."""
    length = frames.read_length(data, 0)
    if length is None or len(data) < frames.LENGTH_BYTES + length:
        return None
    return frames.decode_frame(data[frames.LENGTH_BYTES :])


def known_code(kind: int, fields: list[Any]) -> list[Any]:
    """Return ``fields`` with an error code as this implementation reads it."""
    place = {4: 1, 12: 0}.get(kind)
    if place is not None:
        known = fields[place] in set(ErrorCode)
        fields[place] = ErrorCode(fields[place]) if known else ErrorCode.REFUSED
    return fields


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepted_vector_is_read_and_written(case: dict[str, Any]) -> None:
    value: Any = from_json(case["frame"])
    kind, *fields = value
    event, encode = KINDS[kind]
    fields = known_code(kind, fields)
    assert decode_whole(bytes.fromhex(case["hex"])) == event(*fields)
    if "unknown code" not in case["name"]:
        assert encode(*fields).hex() == case["hex"]


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejected_vector_breaks_its_rule(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_whole(bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


def test_all_kinds_have_an_accepted_vector() -> None:
    assert {int(case["frame"]["array"][0]["int"]) for case in VECTORS["accept"]} == set(KINDS)


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_truncations_and_flipped_bits_are_refused_or_another_frame(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])[frames.LENGTH_BYTES :]
    frame = frames.decode_frame(data)
    for end in range(len(data)):
        with pytest.raises(RemoteProtocolError):
            frames.decode_frame(data[:end])
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            other = frames.decode_frame(changed)
        except RemoteProtocolError:
            continue
        # Unknown codes all mean the same.
        assert other != frame or isinstance(other, events.ErrorReceived | events.GoodbyeReceived)


@given(st.binary(max_size=80))
def test_garbage_is_refused_or_canonical(data: bytes) -> None:
    try:
        frames.decode_frame(data)
    except RemoteProtocolError:
        return
    assert msgpack.packb(msgpack.unpackb(data, raw=False), use_bin_type=True) == data


@given(
    st.text().filter(lambda text: "." not in text)
    | st.sampled_from(["a.b.c", "a.", ".b", "A.b", "a" * 64 + ".b"]),
    st.binary(),
)
def test_a_method_that_is_none_is_our_own_error(method: str, body: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        frames.encode_one_way(method, body)


def test_the_longest_body_fits_into_every_frame_and_one_byte_too_many_into_none() -> None:
    body = bytes(BODY_BYTES_MAX)
    method = "a" * 31 + "." + "b" * 32
    longest = frames.encode_stream_request((1 << 63) - 1, method, 3_600_000, 1024, body)
    assert frames.read_length(longest, 0) is not None
    with pytest.raises(LocalProtocolError):
        frames.encode_item(1, bytes(FRAME_BYTES_MAX))


def test_a_frame_after_one_that_could_not_be_packed_is_whole() -> None:
    with pytest.raises(LocalProtocolError):
        frames.encode_ping(1 << 64)
    assert frames.encode_ping(5) == b"\0\0\0\x03\x92\x0a\x05"


@given(st.text(max_size=400))
def test_a_message_for_people_is_cut_to_what_is_allowed(message: str) -> None:
    frame = decode_whole(frames.encode_error(1, ErrorCode.REFUSED, message))
    assert isinstance(frame, events.ErrorReceived)
    assert message.startswith(frame.message)
    assert len(message.encode()) <= 256 or len(frame.message.encode()) > 252


def test_a_message_with_a_surrogate_is_sent_without_it() -> None:
    frame = decode_whole(frames.encode_goodbye(ErrorCode.SILENT, "\udcffile"))
    assert frame == events.GoodbyeReceived(ErrorCode.SILENT, "?ile")
