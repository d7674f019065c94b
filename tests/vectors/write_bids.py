"""Bids and declines (SPEC.md section 9.3)."""

from typing import Any

from fogbank_agent.market.bids import BID
from fogbank_protocol.encoding import Value

from .market_objects import NETWORK, PROVIDER, accept, reject_any, reject_fields

ORDER_ID = b"\xc1" * 32
GOOD: list[Value] = [1, PROVIDER.node_id, ORDER_ID, True, 100, 1, 250, 5_000, 10**8, False, []]
DECLINE: list[Value] = [*GOOD[:3], False, 0, 0, 0, 0, 0, False, ["busy", "price_too_low"]]


def build() -> dict[str, Any]:
    """Return the vectors."""
    free: list[Value] = [*GOOD[:4], 0, 0, 0, 1, 1, False, []]
    most: list[Value] = [*GOOD[:4], 10**12, 10**12, 3_600_000, 60_000, (1 << 42) - 1, True, []]
    later: list[Value] = [*DECLINE[:10], ["moon_in_the_way"]]
    eight: list[Value] = [*DECLINE[:10], [f"reason_{letter}" for letter in "abcdefgh"]]
    return {
        "spec": "9.3",
        "domain": BID.name,
        "net": NETWORK.hex(),
        "accept": [
            accept("a bid", BID, PROVIDER, GOOD),
            accept("a bid that asks nothing", BID, PROVIDER, free),
            accept("the most of everything", BID, PROVIDER, most),
            accept("a decline", BID, PROVIDER, DECLINE),
            accept("a decline for a reason that is not known yet", BID, PROVIDER, later),
            accept("a decline for eight reasons", BID, PROVIDER, eight),
        ],
        "reject": [
            *reject_any(BID, PROVIDER, GOOD, "9.3"),
            *reject_fields(BID, PROVIDER, GOOD, _CHANGES, "9.3"),
            *reject_fields(BID, PROVIDER, DECLINE, _DECLINE_CHANGES, "9.3"),
        ],
    }


_CHANGES: dict[str, tuple[int, Value]] = {
    "a provider of 31 bytes": (1, bytes(31)),
    "an order id of 33 bytes": (2, bytes(33)),
    "accepted that is 1": (3, 1),
    "a price above 10^12": (4, 10**12 + 1),
    "a start price above 10^12": (5, 10**12 + 1),
    "a start after more than an hour": (6, 3_600_001),
    "valid for no time": (7, 0),
    "valid for more than a minute": (7, 60_001),
    "no tick": (8, 0),
    "a tick above 2^42 - 1": (8, 1 << 42),
    "reuse that is 1": (9, 1),
    "a bid with a reason": (10, ["busy"]),
}

_DECLINE_CHANGES: dict[str, tuple[int, Value]] = {
    "a decline with a price": (4, 1),
    "a decline with a start price": (5, 1),
    "a decline with a start": (6, 1),
    "a decline with a validity": (7, 1),
    "a decline with a tick": (8, 1),
    "a decline that reuses results": (9, True),
    "a decline without a reason": (10, []),
    "nine reasons": (10, [f"reason_{letter}" for letter in "abcdefghi"]),
    "reasons that do not rise": (10, ["price_too_low", "busy"]),
    "a reason twice": (10, ["busy", "busy"]),
    "a reason in capitals": (10, ["BUSY"]),
    "an empty reason": (10, [""]),
    "a reason of 33 letters": (10, ["x" * 33]),
    "a reason that is bytes": (10, [b"busy"]),
}
