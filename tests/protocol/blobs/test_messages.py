"""Bodies of the blob methods, by vectors and by mutation (SPEC.md section 6.2)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.blobs.messages import (
    ReadRequest,
    decode_describe_request,
    decode_description,
    decode_read_request,
    encode_describe_request,
    encode_description,
    encode_read_request,
)
from fogbank_protocol.blobs.naming import BlobId, describe
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.limits import BLOB_BYTES_MAX

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "blobs.json").read_text())
DECODERS: dict[str, Callable[[bytes, BlobId], object]] = {
    "description": decode_description,
    "describe": lambda body, _: decode_describe_request(body),
    "read": lambda body, _: decode_read_request(body),
}


def decode(case: dict[str, Any]) -> object:
    blob_id = BlobId(bytes.fromhex(case["blob_id"]))
    return DECODERS[case["form"]](bytes.fromhex(case["hex"]), blob_id)


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepted_vector_is_read(case: dict[str, Any]) -> None:
    assert decode(case)


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejected_vector_is_a_broken_rule(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        decode(case)
    assert raised.value.rule == case["rule"]


def test_what_is_written_is_read() -> None:
    description = describe(b"x" * 200_000)
    blob_id = description.blob_id
    assert decode_describe_request(encode_describe_request(blob_id)) == blob_id
    assert decode_description(encode_description(description), blob_id) == description
    request = ReadRequest(blob_id, 2, 2)
    assert decode_read_request(encode_read_request(request)) == request


def test_the_largest_blob_can_be_described() -> None:
    description = describe(bytes(BLOB_BYTES_MAX))
    body = encode_description(description)
    assert decode_description(body, description.blob_id) == description


@given(st.data())
def test_a_flipped_bit_in_a_description_is_a_broken_rule(data: st.DataObject) -> None:
    description = describe(b"x" * 100_000)
    body = bytearray(encode_description(description))
    body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(RemoteProtocolError):
        decode_description(bytes(body), description.blob_id)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_request_or_a_broken_rule(body: bytes) -> None:
    for decoder in (decode_describe_request, decode_read_request):
        with pytest.raises(RemoteProtocolError):
            decoder(body)
