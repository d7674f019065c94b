"""TXT entries, by example, by mutation and by vectors (SPEC.md section 5.1)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.discovery.announcement import (
    Announcement,
    decode_announcement,
    encode_announcement,
)
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "announcement.json").read_text())
ANN = Announcement(1, NetworkId(b"12345678"), NodeId(b"a" * 32), "the workshop")


@given(
    st.integers(1, 65_535),
    st.binary(min_size=8, max_size=8),
    st.binary(min_size=32, max_size=32),
    st.text(max_size=16),
)
def test_what_is_announced_is_heard(version: int, net: bytes, node_id: bytes, name: str) -> None:
    announcement = Announcement(version, NetworkId(net), NodeId(node_id), name)
    assert decode_announcement(encode_announcement(announcement)) == announcement


@given(st.dictionaries(st.binary(max_size=8), st.none() | st.binary(max_size=80)))
def test_any_entries_are_heard_or_ignored(entries: Mapping[bytes, bytes | None]) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_announcement(entries)


def test_keys_have_no_case_and_the_first_counts() -> None:
    entries = {b"NET": b"0" * 16, **encode_announcement(ANN)}
    assert decode_announcement(entries).network == NetworkId(bytes(8))


def test_too_long_a_name_is_not_announced() -> None:
    with pytest.raises(LocalProtocolError):
        encode_announcement(Announcement(1, ANN.network, ANN.node_id, "é" * 33))


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepted_vector_is_heard(case: dict[str, Any]) -> None:
    announcement = decode_announcement(_entries(case["txt"]))
    assert announcement.version == case["version"]
    assert announcement.network.hex() == case["net"]
    assert announcement.node_id.hex() == case["id"]
    assert announcement.name == case["network_name"]


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejected_vector_is_ignored(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        decode_announcement(_entries(case["txt"]))
    assert raised.value.rule == case["rule"]


def _entries(txt: str) -> Mapping[bytes, bytes | None]:
    """Read a TXT record as zeroconf does: strings of ``key=value``, each after its length."""
    data, entries = bytes.fromhex(txt), dict[bytes, bytes | None]()
    while data:
        string, data = data[1 : 1 + data[0]], data[1 + data[0] :]
        key, equals, value = string.partition(b"=")
        entries.setdefault(key, value if equals else None)
    return entries
