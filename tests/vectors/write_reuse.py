"""Results served again, and the receipts that prove them (SPEC.md section 9.5, *Reuse*)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fogbank_agent.market.run_messages import RunEvidence, encode_run_item
from fogbank_protocol.blobs.naming import BlobId, blob_id
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import Identity
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.outcome import Ok, OutOfFuel
from fogbank_wasm_tasks.receipt import Receipt, Result, TraceClaim, sign_receipt

from .market_objects import NETWORK, PACKAGE_ID, PROVIDER

STRANGER = Identity.from_seed(b"\x63" * 32)
ONE, TWO, THREE = (
    Result(BlobId(bytes([number]) * 32), Ok(blob_id(bytes([number])), 1), 1_000 + number)
    for number in (1, 2, 3)
)
NEW = Receipt(
    agreement_id=b"\xd9" * 32,
    provider=PROVIDER.node_id,
    package_id=BlobId(PACKAGE_ID),
    terms_id=b"\xe1" * 32,
    results=(ONE, TWO),
)
OLD = replace(NEW, agreement_id=b"\xd1" * 32)


def build() -> dict[str, Any]:
    """Return the vectors: each ``item`` is one of a stream whose receipt is ``receipt``."""
    other = replace(OLD, agreement_id=b"\xd2" * 32)
    return {
        "spec": "9.5",
        "net": NETWORK.hex(),
        "receipt": encode(_signed(NEW).to_value()).hex(),
        "accept": [
            _case("the same lot", [OLD]),
            _case("in another order", [replace(OLD, results=(TWO, ONE))]),
            _case("with others beside", [replace(OLD, results=(ONE, THREE, TWO))]),
            _case("two lots", [replace(OLD, results=(ONE,)), replace(other, results=(TWO,))]),
        ],
        "reject": [
            _bad(name, receipts)
            for name, receipts in {
                "one result missing": [replace(OLD, results=(ONE,))],
                "other fuel": [replace(OLD, results=(ONE, replace(TWO, fuel=1)))],
                "another outcome": [replace(OLD, results=(ONE, replace(TWO, outcome=OutOfFuel())))],
                "a trace": [
                    replace(OLD, results=(ONE, replace(TWO, trace=TraceClaim(1, bytes(32)))))
                ],
                "the result of another input": [
                    replace(OLD, results=(ONE, replace(TWO, input_id=THREE.input_id)))
                ],
                "another package": [replace(OLD, package_id=BlobId(bytes(32)))],
                "other terms": [replace(OLD, terms_id=bytes(32))],
                "the same agreement": [NEW],
                "one right and one of other terms": [OLD, replace(other, terms_id=bytes(32))],
            }.items()
        ]
        + [
            _reject(
                "somebody else's", [_signed(replace(OLD, provider=STRANGER.node_id), STRANGER)]
            ),
            {
                **_reject("a wrong signature", [Signed(_signed(OLD).body, bytes(64))]),
                "rule": "2.3",
            },
        ],
    }


def _signed(receipt: Receipt, signer: Identity = PROVIDER) -> Signed:
    return sign_receipt(receipt, NETWORK, signer)


def _case(name: str, receipts: Sequence[Receipt]) -> dict[str, Any]:
    return {"name": name, "item": encode_run_item(RunEvidence(list(map(_signed, receipts)))).hex()}


def _bad(name: str, receipts: Sequence[Receipt]) -> dict[str, Any]:
    return _reject(name, list(map(_signed, receipts)))


def _reject(name: str, signed: Sequence[Signed]) -> dict[str, Any]:
    return {"name": name, "item": encode_run_item(RunEvidence(signed)).hex(), "rule": "9.5"}
