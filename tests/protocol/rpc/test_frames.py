"""Frames written, and read back as what they said (SPEC.md section 4.1)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.rpc.back_to_back import decode_whole
from tests.vectors.write_encoding import from_json

from fogbank_protocol.encoding import encode as encode_value
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.limits import BODY_BYTES_MAX
from fogbank_protocol.rpc import events, frames
from fogbank_protocol.rpc.events import ErrorCode, Frame
from fogbank_protocol.rpc.received_frames import decode_frame

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


def test_all_kinds_have_an_accepted_vector() -> None:
    assert {int(case["frame"]["array"][0]["int"]) for case in VECTORS["accept"]} == set(KINDS)


@given(
    st.text().filter(lambda text: "." not in text)
    | st.sampled_from(["a.b.c", "a.", ".b", "A.b", "a" * 64 + ".b"]),
    st.binary(),
)
def test_a_method_that_is_none_is_our_own_error(method: str, body: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        frames.encode_one_way(method, body)


def with_body(body: bytes) -> list[list[Any]]:
    """Return the fields of all frames that have a body, as long as they may be."""
    call, method, deadline_ms = (1 << 63) - 1, "a" * 31 + "." + "b" * 32, 3_600_000
    return [
        [1, call, method, deadline_ms, body],
        [2, call, method, deadline_ms, 1024, body],
        [3, call, body],
        [5, call, body],
        [9, method, body],
    ]


@pytest.mark.parametrize("place", range(5))
def test_the_longest_body_fits_into_every_frame_and_one_byte_more_into_none(place: int) -> None:
    kind, *fields = with_body(bytes(BODY_BYTES_MAX))[place]
    event, encode = KINDS[kind]
    assert decode_whole(encode(*fields)) == event(*fields)
    kind, *fields = with_body(bytes(BODY_BYTES_MAX + 1))[place]
    with pytest.raises(LocalProtocolError):
        encode(*fields)
    with pytest.raises(RemoteProtocolError) as caught:
        decode_frame(encode_value([kind, *fields]))
    assert caught.value.rule == "4.1"


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
