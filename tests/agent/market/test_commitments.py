"""What binds a member of a quorum to its results (SPEC.md section 9.6)."""

from typing import Any

import pytest

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.commitments import (
    check_reveal,
    commitment_to,
    decode_reveal,
    encode_reveal,
)
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId
from fogbank_protocol.signed import Signed, signed_from_value
from fogbank_wasm_tasks.receipt import RECEIPT as RECEIPT_DOMAIN

from .objects import NETWORK, vectors

RECEIPT, OTHER = Signed(b"receipt", bytes(64)), Signed(b"another", bytes(64))
NONCE = b"n" * 32
COMMITMENT = commitment_to(RECEIPT, NONCE, NETWORK)

VECTORS = vectors("commitments")


def check_case(case: dict[str, Any]) -> None:
    receipt = signed_from_value(RECEIPT_DOMAIN, decode(bytes.fromhex(case["receipt"])))
    nonce, commitment = (
        None if case[name] is None else bytes.fromhex(case[name])
        for name in ("nonce", "commitment")
    )
    check_reveal(receipt, nonce, commitment, NetworkId(bytes.fromhex(case["net"])))


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepting_vector_fits(case: dict[str, str]) -> None:
    check_case(case)


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejecting_vector_does_not(case: dict[str, str]) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        check_case(case)
    assert refused.value.rule == case["rule"]


def test_the_receipt_that_was_committed_to_is_taken() -> None:
    check_reveal(RECEIPT, NONCE, COMMITMENT, NETWORK)
    check_reveal(RECEIPT, None, None, NETWORK)


@pytest.mark.parametrize(
    ("receipt", "nonce", "commitment"),
    [
        (OTHER, NONCE, COMMITMENT),
        (RECEIPT, b"m" * 32, COMMITMENT),
        (RECEIPT, None, COMMITMENT),
        (RECEIPT, NONCE, None),
    ],
)
def test_anything_else_breaks_a_rule(
    receipt: Signed, nonce: bytes | None, commitment: bytes | None
) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        check_reveal(receipt, nonce, commitment, NETWORK)
    assert refused.value.rule == "9.6"


def test_a_commitment_holds_in_its_network_alone() -> None:
    assert commitment_to(RECEIPT, NONCE, NetworkId(bytes(32))) != COMMITMENT


def test_a_reveal_is_read_back() -> None:
    named = AgreementId(b"a" * 32)
    assert decode_reveal(encode_reveal(named)) == named


@pytest.mark.parametrize("value", [[], [bytes(31)], [bytes(32), 1], bytes(32), [bytes(65)]])
def test_a_reveal_that_breaks_a_rule_is_refused(value: Value) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_reveal(encode(value))
