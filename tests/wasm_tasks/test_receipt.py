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
    open_receipt,
    receipt_from_value,
    receipt_to_value,
    sign_receipt,
)

NETWORK = NetworkId(b"network8")
PROVIDER = Identity.from_seed(b"p" * 32)
RECEIVED = Receipt(
    agreement_id=b"a" * 32,
    provider=PROVIDER.node_id,
    package_id=blob_id(b"package"),
    input_id=blob_id(b"input"),
    outcome=Ok(blob_id(b"output"), 6),
    fuel=1_234,
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
    [(0, 2), (0, True), (1, b"short"), (2, bytes(31)), (3, bytes(33)), (4, "text"), (5, [9]),
     (6, 2**42), (6, True)],
)  # fmt: skip
def test_a_wrong_field_is_refused(place: int, value: Value) -> None:
    fields = receipt_to_value(RECEIVED)
    assert isinstance(fields, list)
    fields[place] = value

    with pytest.raises(RemoteProtocolError) as caught:
        receipt_from_value(fields)
    assert caught.value.rule in ("7.6", "7.7")


def test_a_receipt_agrees_with_the_same_result_only() -> None:
    assert RECEIVED.agrees_with(RECEIVED.outcome, 1_234)
    assert not RECEIVED.agrees_with(RECEIVED.outcome, 1_235)
    assert not RECEIVED.agrees_with(OutOfFuel(), 1_234)
    fault = HostFault("worker_died")
    assert not replace(RECEIVED, outcome=fault).agrees_with(fault, 1_234)
