"""What opens a dispute and what answers it, by their vectors (SPEC.md section 9.10)."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.dispute_messages import (
    decode_dispute_opening,
    decode_finding,
    decode_roots,
    decode_state_question,
    decode_trace_question,
    encode_dispute_opening,
    encode_finding,
    encode_trace_question,
)
from fogbank_dag_ledger.statements import is_finding
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.signed import Signed, signed_from_value
from fogbank_wasm_tasks.verification.statements import STATEMENT, encode_question, open_statement

from .objects import check_refused, kind_and_name, vectors

VECTORS = vectors("disputes")


def read_statement(body: bytes) -> Signed:
    signed = signed_from_value(STATEMENT, decode(body))
    open_statement(signed, NetworkId(bytes.fromhex(VECTORS["net"])))
    return signed


def write_statement(signed: Signed) -> bytes:
    return encode(signed.to_value())


READERS: dict[str, Any] = {
    "opening": (decode_dispute_opening, encode_dispute_opening),
    "trace": (decode_trace_question, encode_trace_question),
    "roots": (decode_roots, b"".join),
    "question": (decode_state_question, encode_question),
    "statement": (read_statement, write_statement),
    "finding": (decode_finding, encode_finding),
}


@pytest.mark.parametrize("case", VECTORS["accept"], ids=kind_and_name)
def test_an_accepting_vector_is_read_and_written_again(case: dict[str, str]) -> None:
    read, write = READERS[case["kind"]]
    body = bytes.fromhex(case["body"])
    assert write(read(body)) == body


@pytest.mark.parametrize("case", VECTORS["reject"], ids=kind_and_name)
def test_a_rejecting_vector_is_refused_for_its_reason(case: dict[str, str]) -> None:
    check_refused(case, READERS[case["kind"]][0])


def test_the_finding_of_the_vectors_is_signed_by_the_member() -> None:
    (body,) = [case["body"] for case in VECTORS["accept"] if case["name"] == "a finding"]
    finding = decode_finding(bytes.fromhex(body))
    assert is_finding(
        NodeId(bytes.fromhex(VECTORS["member"])),
        NetworkId(bytes.fromhex(VECTORS["net"])),
        NodeId(bytes.fromhex(VECTORS["provider"])),
        finding.receipt_id,
        finding.number,
        finding.right,
        finding.signature,
    )


@given(data=st.binary(max_size=300), kind=st.sampled_from(sorted(READERS)))
def test_hostile_bytes_raise_one_class_only(data: bytes, kind: str) -> None:
    with suppress(RemoteProtocolError):
        READERS[kind][0](data)
