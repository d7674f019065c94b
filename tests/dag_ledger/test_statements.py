"""What is signed outside of vertices (SPEC.md sections 8.13 to 8.15)."""

from dataclasses import replace
from typing import Any

import pytest

from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.slashing import result_hash
from fogbank_dag_ledger.statements import (
    is_finding,
    is_verdict,
    is_voucher,
    sign_finding,
    sign_verdict,
    sign_voucher,
)
from fogbank_protocol.identity import NetworkId, NodeId, is_signed_by

from .community import people
from .vector_files import case_name, vectors

VECTORS = vectors("objects")
NETWORK, OTHER = NetworkId(bytes(8)), NetworkId(b"elsewher")
NAME, ANOTHER = ObjectId(bytes(32)), ObjectId(b"\1" * 32)
KEY, STRANGER = people(2)
ROOT = bytes(32)


@pytest.mark.parametrize("case", VECTORS["statements"], ids=case_name)
def test_a_statement_is_signed_over_domain_network_and_body(case: Any) -> None:
    network = bytes.fromhex(VECTORS["network"])
    preimage = bytes.fromhex(case["preimage"])
    assert preimage == case["name"].encode() + b"\0" + network + bytes.fromhex(case["body"])
    key = NodeId(bytes.fromhex(case["key"]))
    assert is_signed_by(key, preimage, bytes.fromhex(case["signature"]))


@pytest.mark.parametrize(
    "case", VECTORS["false statements"], ids=lambda case: f"{case['name']} by {case['by']}"
)
def test_what_another_signed_or_for_another_network_is_no_statement(case: Any) -> None:
    key, signature = NodeId(bytes.fromhex(case["key"])), bytes.fromhex(case["signature"])
    assert not is_signed_by(key, bytes.fromhex(case["preimage"]), signature)


def test_a_result_hash_is_that_of_the_vector() -> None:
    assert result_hash([1], 1_000).hex() == VECTORS["result"]["hash"]


def test_a_voucher_is_good_for_one_channel_of_one_network_and_for_what_it_says() -> None:
    voucher = sign_voucher(
        KEY, NETWORK, NAME, lane=1, total=9, count=2, root=ROOT, split=[(STRANGER.node_id, 3)]
    )
    assert is_voucher(KEY.node_id, NETWORK, NAME, voucher)
    assert not is_voucher(STRANGER.node_id, NETWORK, NAME, voucher)
    assert not is_voucher(KEY.node_id, OTHER, NAME, voucher)
    assert not is_voucher(KEY.node_id, NETWORK, ANOTHER, voucher)
    for spoilt in (
        replace(voucher, lane=0),
        replace(voucher, total=10),
        replace(voucher, count=3),
        replace(voucher, root=b"\1" * 32),
        replace(voucher, split=((STRANGER.node_id, 2),)),
    ):
        assert not is_voucher(KEY.node_id, NETWORK, NAME, spoilt)


def test_verdicts_and_findings_are_good_for_what_they_say_and_not_for_each_other() -> None:
    verdict = sign_verdict(KEY, NETWORK, NAME, 5)
    finding = sign_finding(KEY, NETWORK, KEY.node_id, NAME, 5, ROOT)
    assert is_verdict(KEY.node_id, NETWORK, NAME, 5, verdict)
    assert not is_verdict(KEY.node_id, NETWORK, NAME, 6, verdict)
    assert not is_verdict(KEY.node_id, OTHER, NAME, 5, verdict)
    assert not is_verdict(KEY.node_id, NETWORK, NAME, 5, finding)
    assert is_finding(KEY.node_id, NETWORK, KEY.node_id, NAME, 5, ROOT, finding)
    assert not is_finding(KEY.node_id, NETWORK, KEY.node_id, NAME, 4, ROOT, finding)
    assert not is_finding(KEY.node_id, NETWORK, KEY.node_id, NAME, 5, ANOTHER, finding)
