"""The answer to ``peers.list`` (SPEC.md section 5.2)."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.discovery.peer_list import (
    PeerAddress,
    decode_peers,
    encode_peers,
    select_peers,
)
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

ANN, BEN, CAT = (NodeId(bytes([letter]) * 32) for letter in b"abc")
NEAR = PeerAddress(BEN, Address("192.0.2.7", 4747))
HERE = PeerAddress(CAT, Address("127.0.0.1", 4748))


def test_peers_that_are_told_are_heard() -> None:
    assert decode_peers(encode_peers([NEAR, HERE])) == [NEAR, HERE]
    assert decode_peers(encode_peers([])) == []


def test_the_asker_is_not_told_of_itself() -> None:
    assert select_peers([NEAR], asker=BEN, asker_host="192.0.2.7") == []


def test_loopback_is_told_on_this_machine_only() -> None:
    assert select_peers([NEAR, HERE], asker=ANN, asker_host="192.0.2.9") == [NEAR]
    assert select_peers([NEAR, HERE], asker=ANN, asker_host="127.0.0.1") == [NEAR, HERE]


def test_no_more_are_told_than_an_answer_may_have() -> None:
    known = [PeerAddress(NodeId(bytes([n]) * 32), NEAR.address) for n in range(200)]
    assert len(select_peers(known, asker=ANN, asker_host="192.0.2.9")) == 64


VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "peers.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepted_answer_is_written_again_as_it_was(case: Any) -> None:
    body = bytes.fromhex(case["hex"])
    assert encode_peers(decode_peers(body)) == body


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejected_answer_names_its_rule(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_peers(bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


@given(st.binary(max_size=100))
def test_any_bytes_are_heard_or_a_broken_rule(body: bytes) -> None:
    with suppress(RemoteProtocolError):
        decode_peers(body)
