"""Frames of hostile peers: vectors, truncations, flipped bits (SPEC.md section 4.1)."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.rpc.back_to_back import decode_whole

from fogbank_protocol.encoding import encode as encode_value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.rpc import events
from fogbank_protocol.rpc.received_frames import LENGTH_BYTES, decode_frame

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/frames.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejected_vector_breaks_its_rule(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_whole(bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_truncations_and_flipped_bits_are_refused_or_another_frame(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])[LENGTH_BYTES:]
    frame = decode_frame(data)
    for end in range(len(data)):
        with pytest.raises(RemoteProtocolError):
            decode_frame(data[:end])
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            other = decode_frame(changed)
        except RemoteProtocolError:
            continue
        # Unknown codes all mean the same.
        assert other != frame or isinstance(other, events.ErrorReceived | events.GoodbyeReceived)


@given(st.binary(max_size=80))
def test_garbage_is_refused_or_canonical(data: bytes) -> None:
    try:
        decode_frame(data)
    except RemoteProtocolError:
        return
    assert msgpack.packb(msgpack.unpackb(data, raw=False), use_bin_type=True) == data


def test_a_long_text_where_a_method_belongs_is_not_remembered() -> None:
    tracemalloc.start()
    try:
        for number in range(50):
            with pytest.raises(RemoteProtocolError):
                decode_frame(encode_value([9, "a" * 100_000 + str(number), b""]))
        remembered, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert remembered < 1_000_000
