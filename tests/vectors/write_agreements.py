"""Agreements, of which the signature given is the requestor's (SPEC.md section 9.4)."""

from typing import Any

from fogbank_agent.market.agreements import AGREEMENT
from fogbank_protocol.encoding import Value

from .market_objects import NETWORK, PROVIDER, REQUESTOR, accept, reject_any, reject_fields

GOOD: list[Value] = [
    1,
    b"\xc1" * 32,
    b"\xc2" * 32,
    REQUESTOR.node_id,
    PROVIDER.node_id,
    100,
    1,
    10**11,
    10**8,
]


def build() -> dict[str, Any]:
    """Return the vectors."""
    least: list[Value] = [*GOOD[:5], 0, 0, 1, 1]
    most: list[Value] = [*GOOD[:5], 10**12, 10**12, (1 << 42) - 1, (1 << 42) - 1]
    return {
        "spec": "9.4",
        "domain": AGREEMENT.name,
        "net": NETWORK.hex(),
        "accept": [
            accept("an agreement", AGREEMENT, REQUESTOR, GOOD),
            accept("the least of everything", AGREEMENT, REQUESTOR, least),
            accept("the most of everything", AGREEMENT, REQUESTOR, most),
        ],
        "reject": [
            *reject_any(AGREEMENT, REQUESTOR, GOOD, "9.4"),
            *reject_fields(AGREEMENT, REQUESTOR, GOOD, _CHANGES, "9.4"),
        ],
    }


_CHANGES: dict[str, tuple[int, Value]] = {
    "an order id of 31 bytes": (1, bytes(31)),
    "a bid id of 33 bytes": (2, bytes(33)),
    "a requestor that is nil": (3, None),
    "a provider that is text": (4, "a" * 32),
    "a price above 10^12": (5, 10**12 + 1),
    "a start price above 10^12": (6, 10**12 + 1),
    "no fuel": (7, 0),
    "fuel above 2^42 - 1": (7, 1 << 42),
    "no tick": (8, 0),
    "a tick above 2^42 - 1": (8, 1 << 42),
}
