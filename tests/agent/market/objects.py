"""Good objects of the market, and a replay of its vectors, for tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank_agent.market.orders import Audit, Order, OrderInput
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.signed import Domain, Signed, object_id

NETWORK = NetworkId(b"test-net")
ANN, BEN, CAT = (Identity.from_seed(bytes([number]) * 32) for number in (1, 2, 3))
FOLDER = Path(__file__).parents[2] / "vectors"


def an_order(**changes: Any) -> Order:
    """Return Ann's order, with ``changes``."""
    fields: dict[str, Any] = {
        "requestor": ANN.node_id,
        "salt": bytes(16),
        "package_id": blob_id(b"package"),
        "inputs": (OrderInput(blob_id(b"input"), 5),),
        "arguments": ("-x", "1"),
        "environment": (("A", "1"), ("B", "2")),
        "seed": 7,
        "fuel_max": 10**10,
        "memory_bytes_max": 1 << 24,
        "output_bytes_max": 1 << 20,
        "plan": None,
        "run_ms_max": 60_000,
        "price_max": 1_000,
        "start_price_max": 100,
        "weights": 1,
        "verification": Audit(100_000),
        **changes,
    }
    return Order(**fields)


def vectors(topic: str) -> dict[str, Any]:
    """Return a file of vectors."""
    found: dict[str, Any] = json.loads((FOLDER / f"{topic}.json").read_text("utf-8"))
    return found


def kind_and_name(case: dict[str, str]) -> str:
    """Return what to call a vector of a file that has several kinds."""
    return f"{case['kind']}: {case['name']}"


def check_refused(case: dict[str, str], read: Callable[[bytes], object]) -> None:
    """Check that ``read`` refuses an unsigned body for the right reason."""
    with pytest.raises(RemoteProtocolError) as refused:
        read(bytes.fromhex(case["body"]))
    assert refused.value.rule == case["rule"]


def check_accepted(
    case: dict[str, Any], domain: Domain, net: str, read: Callable[[Signed, NetworkId], object]
) -> None:
    """Check that ``read`` takes an accepting vector, and that its id is right."""
    network = NetworkId(bytes.fromhex(net))
    signed = Signed(bytes.fromhex(case["body"]), bytes.fromhex(case["signature"]))
    read(signed, network)
    assert object_id(domain, network, signed.body).hex() == case["id"]


def check_rejected(
    case: dict[str, Any], net: str, read: Callable[[Signed, NetworkId], object]
) -> None:
    """Check that ``read`` refuses a rejecting vector for the right reason."""
    signed = Signed(bytes.fromhex(case["body"]), bytes.fromhex(case["signature"]))
    with pytest.raises(RemoteProtocolError) as refused:
        read(signed, NetworkId(bytes.fromhex(net)))
    assert refused.value.rule == case["rule"], case["name"]


def check_hostile_bytes(signed: Signed, read: Callable[[Signed, NetworkId], object]) -> None:
    """Check that every truncation and every flipped bit of a good object is refused."""
    body, signature = signed.body, signed.signature
    variants = [Signed(body[:end], signature) for end in range(len(body))]
    variants += [Signed(_flipped(body, bit), signature) for bit in range(8 * len(body))]
    variants += [Signed(body, _flipped(signature, bit)) for bit in range(0, 512, 7)]
    for variant in variants:
        with pytest.raises(RemoteProtocolError):
            read(variant, NETWORK)


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
