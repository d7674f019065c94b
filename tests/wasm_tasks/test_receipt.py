"""Receipts: signed by the provider that they name (SPEC.md section 7.7)."""

from dataclasses import replace

import pytest

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.signed import Signed, sign
from fogbank_wasm_tasks.outcome import HostFault, Ok, OutOfFuel
from fogbank_wasm_tasks.receipt import (
    RECEIPT,
    Receipt,
    Result,
    TraceClaim,
    open_receipt,
    receipt_from_value,
    receipt_to_value,
    sign_receipt,
)

NETWORK = NetworkId(b"network8")
PROVIDER = Identity.from_seed(b"p" * 32)
RESULT = Result(blob_id(b"input"), Ok(blob_id(b"output"), 6), 1_234)
RECEIVED = Receipt(
    agreement_id=b"a" * 32,
    provider=PROVIDER.node_id,
    package_id=blob_id(b"package"),
    terms_id=b"t" * 32,
    results=(RESULT, Result(blob_id(b"other"), OutOfFuel(), 5, TraceClaim(3, b"r" * 32))),
)


def test_a_signed_receipt_opens_again() -> None:
    assert open_receipt(sign_receipt(RECEIVED, NETWORK, PROVIDER), NETWORK) == RECEIVED


def test_a_receipt_of_another_network_is_refused() -> None:
    signed = sign_receipt(RECEIVED, NETWORK, PROVIDER)

    with pytest.raises(RemoteProtocolError) as caught:
        open_receipt(signed, NetworkId(b"another8"))
    assert caught.value.rule == "2.3"


def test_a_receipt_signed_by_another_is_refused() -> None:
    stranger = Identity.from_seed(b"q" * 32)

    with pytest.raises(RemoteProtocolError):
        open_receipt(sign(RECEIPT, NETWORK, stranger, receipt_to_value(RECEIVED)), NETWORK)


def test_every_flipped_bit_is_noticed() -> None:
    signed = sign_receipt(RECEIVED, NETWORK, PROVIDER)
    for place in range(len(signed.body)):
        body = bytearray(signed.body)
        body[place] ^= 1
        with pytest.raises(RemoteProtocolError):
            open_receipt(Signed(bytes(body), signed.signature), NETWORK)


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, 2), (0, True), (1, b"short"), (2, bytes(31)), (3, bytes(33)), (4, "text"), (5, []),
     (5, [9]), (5, 1)],
)  # fmt: skip
def test_a_wrong_field_is_refused(place: int, value: Value) -> None:
    fields = receipt_to_value(RECEIVED)
    assert isinstance(fields, list)
    fields[place] = value

    with pytest.raises(RemoteProtocolError) as caught:
        receipt_from_value(fields)
    assert caught.value.rule == "7.7"


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, bytes(31)), (1, [9]), (2, 2**42), (2, True), (3, []), (3, [1, bytes(31)]), (3, 0)],
)
def test_a_wrong_field_of_a_result_is_refused(place: int, value: Value) -> None:
    result: list[Value] = [RESULT.input_id, [1], 5, None]
    result[place] = value
    fields = receipt_to_value(RECEIVED)
    assert isinstance(fields, list)

    with pytest.raises(RemoteProtocolError) as caught:
        receipt_from_value([*fields[:5], [[RESULT.input_id, [1], 5, None], result]])
    assert caught.value.rule in ("7.6", "7.7")


def test_a_receipt_tells_of_256_runs_and_no_more() -> None:
    most = replace(RECEIVED, results=(RESULT,) * 256)
    assert open_receipt(sign_receipt(most, NETWORK, PROVIDER), NETWORK) == most

    with pytest.raises(RemoteProtocolError):
        receipt_from_value(receipt_to_value(replace(RECEIVED, results=(RESULT,) * 257)))


def test_a_result_agrees_with_the_same_result_only() -> None:
    assert RESULT.agrees_with(RESULT.outcome, 1_234)
    assert not RESULT.agrees_with(RESULT.outcome, 1_235)
    assert not RESULT.agrees_with(OutOfFuel(), 1_234)
    fault = HostFault("worker_died")
    assert not replace(RESULT, outcome=fault).agrees_with(fault, 1_234)
