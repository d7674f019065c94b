"""Introductions: vectors, versions, and that no byte of one can be changed (section 3.2)."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.channel.introduction import (
    Introduction,
    Versions,
    decode_introduction,
    encode_introduction,
)
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/introduction.json").read_text("utf-8"))
STATIC = bytes.fromhex(VECTORS["static_public"])
IDENTITY = Identity.from_seed(b"n" * 32)
NETWORK = NetworkId(b"networks")


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepted_vector_introduces_its_sender(case: dict[str, Any]) -> None:
    sender = VECTORS["handshakes"][0]["initiator"]
    introduction = decode_introduction(bytes.fromhex(case["hex"]), STATIC)
    assert introduction.node_id.hex() == sender["node_id"]
    assert introduction.network.hex() == VECTORS["network"]
    assert introduction.port == sender["port"]


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejected_vector_breaks_its_rule(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_introduction(bytes.fromhex(case["hex"]), STATIC)
    assert caught.value.rule == case["rule"]


@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 65_535))
def test_an_introduction_says_what_was_put_into_it(oldest: int, more: int, port: int) -> None:
    versions = Versions(oldest + more, oldest)
    data = encode_introduction(versions, NETWORK, IDENTITY, STATIC, port)
    assert decode_introduction(data, STATIC) == Introduction(
        versions, NETWORK, IDENTITY.node_id, port
    )


def test_no_bit_that_names_the_peer_or_the_network_can_be_flipped() -> None:
    good = encode_introduction(Versions(), NETWORK, IDENTITY, STATIC, 80)
    expected = decode_introduction(good, STATIC)
    for bit in range(8 * len(good)):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        try:
            introduction = decode_introduction(bytes(data), STATIC)
        except RemoteProtocolError:
            continue
        # Versions and port are not signed: Noise protects them on their way.
        assert (introduction.node_id, introduction.network) == (expected.node_id, expected.network)


def test_no_truncation_is_accepted() -> None:
    good = encode_introduction(Versions(), NETWORK, IDENTITY, STATIC, 80)
    for end in range(len(good)):
        with pytest.raises(RemoteProtocolError):
            decode_introduction(good[:end], STATIC)


@pytest.mark.parametrize(
    ("ours", "theirs", "agreed"),
    [
        (Versions(1, 1), Versions(1, 1), 1),
        (Versions(2, 1), Versions(1, 1), 1),
        (Versions(3, 2), Versions(9, 1), 3),
        (Versions(2, 2), Versions(1, 1), None),
        (Versions(1, 1), Versions(3, 2), None),
    ],
)
def test_the_newest_common_version_is_agreed(
    ours: Versions, theirs: Versions, agreed: int | None
) -> None:
    for one, two in ((ours, theirs), (theirs, ours)):
        if agreed is None:
            with pytest.raises(RemoteProtocolError) as caught:
                one.agreed_with(two)
            assert caught.value.rule == "3.2"
        else:
            assert one.agreed_with(two) == agreed
