"""Commitments of a quorum's members (SPEC.md section 9.6)."""

from typing import Any

from fogbank_agent.market.commitments import commitment_to
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import NetworkId
from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.receipt import Receipt, Result, sign_receipt

from .market_objects import INPUT_ID, NETWORK, OTHER_NETWORK, PACKAGE_ID, PROVIDER

NONCE = bytes(range(32))
_FUEL = 1_000_000


def _case(name: str, network: NetworkId, fuel: int, nonce: bytes) -> dict[str, Any]:
    receipt = Receipt(
        agreement_id=b"\xc3" * 32,
        provider=PROVIDER.node_id,
        package_id=BlobId(PACKAGE_ID),
        terms_id=b"\xc4" * 32,
        results=[Result(BlobId(INPUT_ID), OutOfFuel(), fuel)],
    )
    signed = sign_receipt(receipt, network, PROVIDER)
    return {
        "name": name,
        "net": network.hex(),
        "receipt": encode(signed.to_value()).hex(),
        "nonce": nonce.hex(),
        "commitment": commitment_to(signed, nonce, network).hex(),
    }


def build() -> dict[str, Any]:
    """Return the vectors."""
    good = _case("a commitment", NETWORK, _FUEL, NONCE)
    zeros = _case("a nonce of zeros", NETWORK, _FUEL, bytes(32))
    foreign = _case("the same in another network", OTHER_NETWORK, _FUEL, NONCE)
    other = _case("", NETWORK, _FUEL + 1, NONCE)
    return {
        "spec": "9.6",
        "accept": [good, zeros, foreign],
        "reject": [
            good | {"name": "another receipt", "receipt": other["receipt"], "rule": "9.6"},
            good | {"name": "another nonce", "nonce": zeros["nonce"], "rule": "9.6"},
            good | {"name": "no nonce", "nonce": None, "rule": "9.6"},
            good | {"name": "no commitment", "commitment": None, "rule": "9.6"},
            good | {"name": "another network", "net": foreign["net"], "rule": "9.6"},
        ],
    }
