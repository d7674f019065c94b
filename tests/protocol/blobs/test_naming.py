"""Blob ids, by vectors and by a second implementation of a few lines (SPEC.md section 6.1)."""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.blobs.naming import blob_id, check_size, describe
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.limits import BLOB_BYTES_MAX, CHUNK_BYTES

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "blobs.json").read_text())


def named_by_the_page(data: bytes) -> bytes:
    joined = b""
    for start in range(0, len(data), 65_536):
        joined += blake2b(data[start : start + 65_536], digest_size=32).digest()
    preimage = b"fog-blob-1\0" + len(data).to_bytes(8, "big") + joined
    return blake2b(preimage, digest_size=32).digest()


@pytest.mark.parametrize("case", VECTORS["names"], ids=lambda case: case["name"])
def test_a_vector_has_its_name(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["bytes"]) * case["times"]
    assert len(data) == case["size"]
    assert blob_id(data).hex() == case["blob_id"]
    assert named_by_the_page(data).hex() == case["blob_id"]


@given(st.integers(0, 3 * CHUNK_BYTES), st.binary(min_size=1, max_size=9))
def test_any_bytes_are_named_as_the_page_says(size: int, repeated: bytes) -> None:
    data = (repeated * (size // len(repeated) + 1))[:size]
    assert blob_id(data) == named_by_the_page(data)


def test_a_chunk_is_known_by_place_size_and_bytes() -> None:
    data = b"a" * CHUNK_BYTES + b"b" * 10
    description = describe(data)
    assert description.is_chunk(0, data[:CHUNK_BYTES])
    assert description.is_chunk(1, b"b" * 10)
    assert not description.is_chunk(0, b"b" * 10)
    assert not description.is_chunk(1, b"b" * 9)
    assert not description.is_chunk(1, b"b" * 9 + b"c")


def test_a_blob_has_a_largest_size() -> None:
    check_size(BLOB_BYTES_MAX)
    with pytest.raises(RemoteProtocolError) as raised:
        check_size(BLOB_BYTES_MAX + 1)
    assert raised.value.rule == "6.1"
