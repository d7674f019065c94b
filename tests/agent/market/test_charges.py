"""Objects of services, by their vectors, and the account of their charges (SPEC.md 9.8)."""

from dataclasses import replace
from typing import Any

import pytest

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.bids import BidId
from fogbank_agent.market.charges import (
    CHARGE,
    Charge,
    Charges,
    charge_bill,
    open_charge,
    sign_charge,
)
from fogbank_agent.market.orders import OrderId
from fogbank_agent.market.service_bids import (
    SERVICE_AGREEMENT,
    SERVICE_BID,
    ServiceAgreement,
    check_service_agreement_signature,
    decode_service_agreement,
    open_service_answer,
)
from fogbank_agent.market.service_orders import SERVICE_ORDER, ServiceOrder, open_service_order
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.outcome import Ok, OutOfFuel

from .objects import (
    ANN,
    BEN,
    NETWORK,
    check_accepted,
    check_hostile_bytes,
    check_rejected,
    kind_and_name,
    vectors,
)

VECTORS = vectors("services")
SERVICE = AgreementId(b"s" * 32)


def read_agreement(signed: Signed, network: NetworkId) -> ServiceAgreement:
    """Read an agreement that its requestor has signed."""
    agreement = decode_service_agreement(signed.body)
    check_service_agreement_signature(signed.body, network, agreement.requestor, signed.signature)
    return agreement


READERS: dict[str, Any] = {
    "order": (SERVICE_ORDER, open_service_order),
    "bid": (SERVICE_BID, open_service_answer),
    "agreement": (SERVICE_AGREEMENT, read_agreement),
    "charge": (CHARGE, open_charge),
}


@pytest.mark.parametrize("case", VECTORS["accept"], ids=kind_and_name)
def test_an_accepting_vector_is_accepted(case: dict[str, str]) -> None:
    domain, read = READERS[case["kind"]]
    check_accepted(case, domain, VECTORS["net"], read)


@pytest.mark.parametrize("case", VECTORS["reject"], ids=kind_and_name)
def test_a_rejecting_vector_is_refused_for_its_reason(case: dict[str, str]) -> None:
    check_rejected(case, VECTORS["net"], READERS[case["kind"]][1])


AGREEMENT = ServiceAgreement(
    order_id=OrderId(b"o" * 32),
    bid_id=BidId(b"b" * 32),
    requestor=ANN.node_id,
    provider=BEN.node_id,
    price=100,
    start_price=10,
    warm_price=7,
)
ORDER = ServiceOrder(
    requestor=ANN.node_id,
    salt=bytes(16),
    package_id=blob_id(b"package"),
    arguments=(),
    environment=(),
    seed=0,
    fuel_max=10**7,
    memory_bytes_max=1 << 20,
    output_bytes_max=10,
    call_ms_max=1_000,
    idle_s_max=60,
    duration_s_max=100,
    price_max=100,
    start_price_max=10,
    warm_price_max=7,
    weights=1,
)
BEGUN = Charge(
    service=SERVICE,
    provider=BEN.node_id,
    sequence=0,
    warm_ms=0,
    fuel=5,
    input_id=None,
    outcome=Ok(blob_id(b""), 0),
)
CALLED = replace(
    BEGUN,
    sequence=1,
    warm_ms=1_500,
    fuel=10**7,
    input_id=blob_id(b"in"),
    outcome=Ok(blob_id(b"out"), 3),
)


@pytest.mark.parametrize("case", VECTORS["bills"], ids=lambda case: case["name"])
def test_a_bill_is_what_the_vector_says(case: dict[str, Any]) -> None:
    price, start_price, warm_price = map(int, case["prices"])
    agreement = replace(AGREEMENT, price=price, start_price=start_price, warm_price=warm_price)
    charge = replace(
        CALLED,
        sequence=case["sequence"],
        fuel=int(case["fuel"]),
        warm_ms=case["warm_ms"],
        outcome=CALLED.outcome if case["starts"] else None,
    )
    assert charge_bill(charge, case["warm_ms_before"], agreement) == int(case["drops"])


def begun() -> Charges:
    charges = Charges(SERVICE, AGREEMENT, ORDER)
    assert charges.take(BEGUN, None, None, 100) == 1 + 10
    return charges


def test_charges_that_follow_are_taken_and_time_is_rounded_once() -> None:
    charges = begun()
    assert charges.take(CALLED, b"out", blob_id(b"in"), 2_000) == 1 + 10 + 11
    beat = replace(BEGUN, sequence=2, warm_ms=2_001, fuel=0, outcome=None)
    assert charges.take(beat, None, None, 2_001) == 15 - 11
    failed = replace(CALLED, sequence=3, warm_ms=2_001, outcome=OutOfFuel())
    charges.take(failed, None, blob_id(b"in"), 2_001)
    with pytest.raises(RemoteProtocolError):
        charges.take(replace(beat, sequence=4), None, None, 3_000)


@pytest.mark.parametrize(
    ("changes", "output", "awaited", "elapsed_ms"),
    [
        ({"sequence": 2}, b"out", b"in", 2_000),
        ({"sequence": 0}, b"out", b"in", 2_000),
        ({"service": AgreementId(bytes(32))}, b"out", b"in", 2_000),
        ({"provider": ANN.node_id}, b"out", b"in", 2_000),
        ({"warm_ms": 1_500}, b"out", b"in", 499),
        ({"warm_ms": 101_001}, b"out", b"in", 999_999),
        ({"fuel": 10**7 + 1}, b"out", b"in", 2_000),
        ({}, b"out", b"other", 2_000),
        ({}, b"out", None, 2_000),
        ({}, b"oot", b"in", 2_000),
        ({}, None, b"in", 2_000),
        ({"outcome": Ok(blob_id(bytes(11)), 11)}, bytes(11), b"in", 2_000),
        ({"outcome": OutOfFuel()}, b"out", b"in", 2_000),
        ({"input_id": None, "outcome": None, "fuel": 0}, b"out", b"in", 2_000),
    ],
)
def test_a_charge_that_does_not_follow_is_refused(
    changes: dict[str, Any], output: bytes | None, awaited: bytes | None, elapsed_ms: int
) -> None:
    wanted = None if awaited is None else blob_id(awaited)
    with pytest.raises(RemoteProtocolError) as refused:
        begun().take(replace(CALLED, **changes), output, wanted, elapsed_ms)
    assert refused.value.rule == "9.8"


def test_a_service_begins_with_its_beginning() -> None:
    charges = Charges(SERVICE, AGREEMENT, ORDER)
    for wrong in (replace(BEGUN, warm_ms=1), replace(BEGUN, outcome=None, fuel=0)):
        with pytest.raises(RemoteProtocolError):
            charges.take(wrong, None, None, 100)


@pytest.mark.slow
def test_no_changed_byte_of_a_charge_goes_unnoticed() -> None:
    check_hostile_bytes(sign_charge(CALLED, NETWORK, BEN), open_charge)
