"""What passes in a run's stream, and which receipts are valid (SPEC.md section 9.5)."""

from dataclasses import replace
from typing import Any

import pytest

from fogbank_agent.market.agreements import Agreement, AgreementId
from fogbank_agent.market.bids import BidId
from fogbank_agent.market.orders import OrderId, sign_order
from fogbank_agent.market.run_messages import (
    AgreementMade,
    RunCommitted,
    RunEnded,
    RunEvidence,
    RunItem,
    RunOpening,
    RunTicked,
    check_inline_outputs,
    check_inputs,
    check_receipt,
    decode_run_item,
    decode_run_opening,
    encode_run_item,
    encode_run_opening,
)
from fogbank_agent.market.ticks import Tick, sign_tick
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.outcome import Ok, Outcome, OutOfFuel
from fogbank_wasm_tasks.receipt import Receipt, Result, TraceClaim, sign_receipt
from fogbank_wasm_tasks.verification.terms import StepPlan

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
    tick=10**9,
)
OUTPUT = b"output"
RESULT = Result(ORDER.inputs[0].blob_id, Ok(blob_id(OUTPUT), len(OUTPUT)), 1_000)
RECEIPT = Receipt(
    agreement_id=AGREEMENT_ID,
    provider=BEN.node_id,
    package_id=ORDER.package_id,
    terms_id=ORDER.terms().terms_id(),
    results=(RESULT,),
)
SIGNED_RECEIPT = sign_receipt(RECEIPT, NETWORK, BEN)


@pytest.mark.parametrize(
    "inputs", [[None], [b""], [b"input"], [bytes(32_768)] * 16, [None] * 256, [b"a", None]]
)
def test_an_opening_is_read_back(inputs: list[bytes | None]) -> None:
    opening = RunOpening(sign_order(ORDER, NETWORK, ANN), AGREEMENT.encode(), bytes(64), inputs)
    assert decode_run_opening(encode_run_opening(opening)) == opening


@pytest.mark.parametrize("inputs", [[], [bytes(32_769)], [None] * 257])
def test_an_opening_with_too_much_input_or_none_is_refused(inputs: list[bytes | None]) -> None:
    signed = sign_order(ORDER, NETWORK, ANN)
    opening = RunOpening(signed, AGREEMENT.encode(), bytes(64), inputs)
    with pytest.raises(RemoteProtocolError):
        decode_run_opening(encode_run_opening(opening))


@pytest.mark.parametrize(
    "item",
    [
        AgreementMade(bytes(64)),
        RunTicked(sign_tick(Tick(AGREEMENT_ID, BEN.node_id, 7), NETWORK, BEN)),
        RunEnded(SIGNED_RECEIPT, [None]),
        RunEnded(SIGNED_RECEIPT, [OUTPUT, None]),
        RunEnded(SIGNED_RECEIPT, [OUTPUT], bytes(32)),
        RunCommitted(bytes(32)),
        RunEvidence([SIGNED_RECEIPT] * 8),
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
        [1, 1 << 50],
        [1, [bytes(257), bytes(64)]],
        [1, [b"", bytes(63)]],
        [2, SIGNED_RECEIPT.to_value()],
        [2, SIGNED_RECEIPT.to_value(), [None]],
        [2, [b"", bytes(63)], [None], None],
        [2, SIGNED_RECEIPT.to_value(), [bytes(32_769)], None],
        [2, SIGNED_RECEIPT.to_value(), [], None],
        [2, SIGNED_RECEIPT.to_value(), b"output", None],
        [2, SIGNED_RECEIPT.to_value(), [None], bytes(31)],
        [2, SIGNED_RECEIPT.to_value(), [None], 1],
        [4, []],
        [4, [SIGNED_RECEIPT.to_value()] * 9],
        [4, SIGNED_RECEIPT.to_value()],
        [3, 1],
        [3, bytes(33)],
        [4, bytes(32)],
    ],
)
def test_an_item_that_breaks_a_rule_is_refused(value: Value) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_run_item(encode(value))


def test_a_receipt_for_what_was_agreed_is_valid() -> None:
    check_receipt(RECEIPT, ORDER, AGREEMENT, AGREEMENT_ID)
    check_inline_outputs(RECEIPT, [OUTPUT])


@pytest.mark.parametrize(
    "change",
    [
        {"agreement_id": b"h" * 32},
        {"provider": CAT.node_id},
        {"package_id": blob_id(b"another package")},
        {"terms_id": bytes(32)},
        {"results": (RESULT, RESULT)},
        {"results": (replace(RESULT, input_id=blob_id(b"another input")),)},
        {"results": (replace(RESULT, fuel=ORDER.fuel_max + 1),)},
        {"results": (replace(RESULT, outcome=Ok(blob_id(OUTPUT), ORDER.output_bytes_max + 1)),)},
        {"results": (replace(RESULT, trace=TraceClaim(1, bytes(32))),)},
    ],
)
def test_a_receipt_for_anything_else_is_not_valid(change: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        check_receipt(replace(RECEIPT, **change), ORDER, AGREEMENT, AGREEMENT_ID)
    assert refused.value.rule == "9.5"


def test_a_receipt_of_a_step_task_has_a_trace() -> None:
    order = replace(ORDER, plan=StepPlan(1, 10))
    receipt = replace(RECEIPT, terms_id=order.terms().terms_id())
    with pytest.raises(RemoteProtocolError):
        check_receipt(receipt, order, AGREEMENT, AGREEMENT_ID)
    traced = replace(receipt, results=(replace(RESULT, trace=TraceClaim(1, bytes(32))),))
    check_receipt(traced, order, AGREEMENT, AGREEMENT_ID)


def told(*outcomes: Outcome) -> Receipt:
    return replace(RECEIPT, results=tuple(replace(RESULT, outcome=one) for one in outcomes))


SMALL = Ok(blob_id(OUTPUT), len(OUTPUT))
LARGEST = Ok(blob_id(bytes(32_768)), 32_768)


@pytest.mark.parametrize(
    ("receipt", "outputs"),
    [
        (told(SMALL), [b"0utput"]),
        (told(SMALL), [b"output and more"]),
        (told(SMALL), [None]),
        (told(SMALL), []),
        (told(SMALL), [OUTPUT, None]),
        (told(OutOfFuel()), [b""]),
        (told(OutOfFuel(), SMALL), [OUTPUT, None]),
        (told(*[LARGEST] * 17), [bytes(32_768)] * 17),
        (told(*[LARGEST] * 17), [bytes(32_768)] * 15 + [None, None]),
    ],
)
def test_outputs_that_are_not_the_receipts_are_refused(
    receipt: Receipt, outputs: list[bytes | None]
) -> None:
    with pytest.raises(RemoteProtocolError):
        check_inline_outputs(receipt, outputs)


@pytest.mark.parametrize(
    ("receipt", "outputs"),
    [
        (told(Ok(blob_id(OUTPUT), 32_769)), [None]),
        (told(SMALL, OutOfFuel(), SMALL), [OUTPUT, None, OUTPUT]),
        (told(*[LARGEST] * 17), [bytes(32_768)] * 16 + [None]),
    ],
)
def test_what_is_too_long_for_one_message_comes_by_itself(
    receipt: Receipt, outputs: list[bytes | None]
) -> None:
    check_inline_outputs(receipt, outputs)


@pytest.mark.parametrize("inputs", [[b"input"], [None]])
def test_the_orders_inputs_are_taken(inputs: list[bytes | None]) -> None:
    check_inputs(ORDER, inputs)


@pytest.mark.parametrize("inputs", [[b"1nput"], [b"inputs"], [], [None, None]])
def test_other_inputs_are_refused(inputs: list[bytes | None]) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        check_inputs(ORDER, inputs)
    assert refused.value.rule == "9.5"
