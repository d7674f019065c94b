"""What passes in a run's stream, and which receipts are valid (SPEC.md section 9.5)."""

from dataclasses import replace
from typing import Any

import pytest

from fogbank_agent.market.agreements import Agreement, AgreementId
from fogbank_agent.market.bids import BidId
from fogbank_agent.market.orders import OrderId, sign_order
from fogbank_agent.market.run_messages import (
    AgreementMade,
    RunEnded,
    RunItem,
    RunOpening,
    RunProgress,
    check_inline_output,
    check_receipt,
    decode_run_item,
    decode_run_opening,
    encode_run_item,
    encode_run_opening,
)
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.outcome import Ok, OutOfFuel
from fogbank_wasm_tasks.receipt import Receipt, sign_receipt

from .objects import ANN, BEN, CAT, NETWORK, an_order

ORDER = an_order()
AGREEMENT_ID = AgreementId(b"g" * 32)
AGREEMENT = Agreement(
    order_id=OrderId(b"o" * 32),
    bid_id=BidId(b"b" * 32),
    requestor=ANN.node_id,
    provider=BEN.node_id,
    price=100,
    start_price=1,
    fuel_max=ORDER.fuel_max,
)
OUTPUT = b"output"
RECEIPT = Receipt(
    agreement_id=AGREEMENT_ID,
    provider=BEN.node_id,
    package_id=ORDER.package_id,
    input_id=ORDER.input_id,
    outcome=Ok(blob_id(OUTPUT), len(OUTPUT)),
    fuel=1_000,
)
SIGNED_RECEIPT = sign_receipt(RECEIPT, NETWORK, BEN)


@pytest.mark.parametrize("data", [None, b"", b"input", bytes(32_768)])
def test_an_opening_is_read_back(data: bytes | None) -> None:
    opening = RunOpening(sign_order(ORDER, NETWORK, ANN), AGREEMENT.encode(), bytes(64), data)
    assert decode_run_opening(encode_run_opening(opening)) == opening


def test_an_opening_with_too_long_an_input_is_refused() -> None:
    signed = sign_order(ORDER, NETWORK, ANN)
    opening = RunOpening(signed, AGREEMENT.encode(), bytes(64), bytes(32_769))
    with pytest.raises(RemoteProtocolError):
        decode_run_opening(encode_run_opening(opening))


@pytest.mark.parametrize(
    "item",
    [
        AgreementMade(bytes(64)),
        RunProgress(0),
        RunProgress((1 << 42) - 1),
        RunEnded(SIGNED_RECEIPT, None),
        RunEnded(SIGNED_RECEIPT, OUTPUT),
    ],
)
def test_an_item_is_read_back(item: RunItem) -> None:
    assert decode_run_item(encode_run_item(item)) == item


@pytest.mark.parametrize(
    "value",
    [
        [],
        0,
        [0],
        [0, bytes(63)],
        [False, bytes(64)],
        [1, 1 << 42],
        [1, True],
        [2, SIGNED_RECEIPT.to_value()],
        [2, [b"", bytes(63)], None],
        [2, SIGNED_RECEIPT.to_value(), bytes(32_769)],
        [3, 1],
    ],
)
def test_an_item_that_breaks_a_rule_is_refused(value: Value) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_run_item(encode(value))


def test_a_receipt_for_what_was_agreed_is_valid() -> None:
    check_receipt(RECEIPT, ORDER, AGREEMENT, AGREEMENT_ID)
    check_inline_output(RECEIPT, OUTPUT)


@pytest.mark.parametrize(
    "change",
    [
        {"agreement_id": b"h" * 32},
        {"provider": CAT.node_id},
        {"package_id": blob_id(b"another package")},
        {"input_id": blob_id(b"another input")},
        {"fuel": ORDER.fuel_max + 1},
        {"outcome": Ok(blob_id(OUTPUT), ORDER.output_bytes_max + 1)},
    ],
)
def test_a_receipt_for_anything_else_is_not_valid(change: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        check_receipt(replace(RECEIPT, **change), ORDER, AGREEMENT, AGREEMENT_ID)
    assert refused.value.rule == "9.5"


@pytest.mark.parametrize(
    ("receipt", "output"),
    [
        (RECEIPT, b"0utput"),
        (RECEIPT, b"output and more"),
        (RECEIPT, None),
        (replace(RECEIPT, outcome=OutOfFuel()), b""),
    ],
)
def test_an_output_that_is_not_the_receipts_is_refused(
    receipt: Receipt, output: bytes | None
) -> None:
    with pytest.raises(RemoteProtocolError):
        check_inline_output(receipt, output)


def test_a_long_output_comes_by_itself() -> None:
    long = replace(RECEIPT, outcome=Ok(blob_id(OUTPUT), 32_769))
    check_inline_output(long, None)
