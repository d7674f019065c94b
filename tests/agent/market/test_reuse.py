"""What a provider can serve again, and what proves it (SPEC.md section 9.5)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.limits import EVIDENCE_RECEIPTS_MAX, KEPT_RESULTS_BYTES_MAX, KEPT_RESULTS_MAX
from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.bidding import Prices
from fogbank_agent.market.orders import Order, OrderInput
from fogbank_agent.market.reuse import KeptResults, ProvedLot, check_evidence, reuse_prices
from fogbank_agent.market.run_messages import RunEvidence, decode_run_item
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import decode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId
from fogbank_protocol.signed import Signed, signed_from_value
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.receipt import RECEIPT, Result, open_receipt
from fogbank_wasm_tasks.verification.terms import StepPlan

from .objects import an_order, vectors

VECTORS = vectors("reuse")


def order_for(inputs: Sequence[bytes], **changes: Any) -> Order:
    return an_order(inputs=[OrderInput(blob_id(data), len(data)) for data in inputs], **changes)


def lot_of(inputs: Sequence[bytes], receipt: bytes = b"receipt", **changes: Any) -> ProvedLot:
    order = order_for(inputs, **changes)
    results = [Result(blob_id(data), Ok(blob_id(b"o" + data), 1), 5) for data in inputs]
    terms = order.package_id, order.terms().terms_id()
    return ProvedLot(terms, Signed(receipt, bytes(64)), results, [b"o" + data for data in inputs])


def agreement(number: int) -> AgreementId:
    return AgreementId(number.to_bytes(32, "big"))


def test_only_what_was_paid_is_served_again() -> None:
    kept = KeptResults()
    kept.keep(agreement(1), lot_of([b"a", b"b"]))
    assert kept.find(order_for([b"a"])) is None
    kept.prove([agreement(1), agreement(9)])
    found = kept.find(order_for([b"b", b"a", b"b"]))
    assert found is not None
    assert found.outputs == [b"ob", b"oa", b"ob"]
    assert [one.input_id for one in found.results] == [blob_id(data) for data in (b"b", b"a", b"b")]
    assert [receipt.body for receipt in found.receipts] == [b"receipt"]


@pytest.mark.parametrize(
    "changes",
    [
        {"package_id": blob_id(b"other")},
        {"arguments": ()},
        {"seed": 8},
        {"fuel_max": 1},
        {"plan": StepPlan(1, 1)},
    ],
)
def test_other_terms_are_something_else(changes: dict[str, Any]) -> None:
    kept = KeptResults()
    kept.keep(agreement(1), lot_of([b"a"]))
    kept.prove([agreement(1)])
    assert kept.find(order_for([b"a"])) is not None
    assert kept.find(order_for([b"a"], **changes)) is None


def test_a_lot_of_which_one_run_is_new_is_run() -> None:
    kept = KeptResults()
    kept.keep(agreement(1), lot_of([b"a"]))
    kept.prove([agreement(1)])
    assert kept.find(order_for([b"a", b"b"])) is None


def test_results_from_too_many_receipts_are_run() -> None:
    kept = KeptResults()
    inputs = [b"%d" % number for number in range(EVIDENCE_RECEIPTS_MAX + 1)]
    for number, data in enumerate(inputs):
        kept.keep(agreement(number), lot_of([data], b"%d" % number))
    kept.prove([agreement(number) for number in range(len(inputs))])
    found = kept.find(order_for(inputs[1:]))
    assert found is not None
    assert [receipt.body for receipt in found.receipts] == inputs[1:]
    assert kept.find(order_for(inputs)) is None


def test_what_is_too_large_is_not_kept() -> None:
    kept = KeptResults()
    kept.keep(agreement(1), lot_of([b"a"], bytes(KEPT_RESULTS_BYTES_MAX)))
    kept.prove([agreement(1)])
    assert kept.find(order_for([b"a"])) is None


@given(steps=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6_000), st.booleans())))
def test_no_more_is_kept_than_there_is_room_for(steps: list[tuple[int, int, bool]]) -> None:
    kept = KeptResults()
    for number, (name, runs, is_paid) in enumerate(steps):
        one = lot_of([b"%d" % name])
        lot = replace(one, results=list(one.results) * runs, outputs=list(one.outputs) * runs)
        kept.keep(agreement(number), lot)
        if is_paid:
            kept.prove([agreement(number)])
    assert kept.results <= KEPT_RESULTS_MAX
    for name in range(6):
        found = kept.find(order_for([b"%d" % name]))
        assert found is None or found.outputs == [b"o%d" % name]


def test_serving_again_costs_a_part() -> None:
    prices = Prices(
        price=1_000,
        start_price=3,
        memory_bytes_max=1,
        input_bytes_max=1,
        output_bytes_max=1,
        fuel_max=1,
        credit=1,
    )
    less = reuse_prices(prices, 200_000)
    assert (less.price, less.start_price, less.fuel_max) == (200, 0, 1)


def _check(case: dict[str, Any]) -> None:
    network = NetworkId(bytes.fromhex(VECTORS["net"]))
    new = signed_from_value(RECEIPT, decode(bytes.fromhex(VECTORS["receipt"])))
    receipt = open_receipt(new, network)
    item = decode_run_item(bytes.fromhex(case["item"]))
    assert isinstance(item, RunEvidence)
    check_evidence(item.receipts, receipt.provider, network, receipt)


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_evidence_that_proves_the_receipt(case: dict[str, Any]) -> None:
    _check(case)


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_evidence_that_does_not(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        _check(case)
    assert refused.value.rule == case["rule"]
