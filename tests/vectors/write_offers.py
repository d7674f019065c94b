"""Offers (SPEC.md section 9.1)."""

from typing import Any

from fogbank_agent.market.offers import OFFER
from fogbank_protocol.encoding import Value

from .market_objects import NETWORK, PACKAGE_ID, PROVIDER, accept, reject_any, reject_fields

GOOD: list[Value] = [
    1,
    PROVIDER.node_id,
    (1 << 32) + 7,
    60,
    100,
    1,
    500_000_000,
    134_217_728,
    67_108_864,
    67_108_864,
    10**12,
    4,
    3,
    1_000_000,
    ["command", "reactor"],
    [PACKAGE_ID, b"\xb0" * 32],
    [b"\xc7" * 32, 3],
]


def build() -> dict[str, Any]:
    """Return the vectors."""
    free: list[Value] = [*GOOD[:2], 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, [], [], None]
    most: list[Value] = [
        *GOOD[:2],
        (1 << 64) - 1,
        3_600,
        10**12,
        10**12,
        10**12,
        268_435_456,
        67_108_864,
        67_108_864,
        (1 << 42) - 1,
        4_096,
        4_096,
        1 << 62,
        [f"feature-{number:02}" for number in range(16)],
        [bytes([number]) * 32 for number in range(64)],
        [b"\xff" * 32, 15],
    ]
    return {
        "spec": "9.1",
        "domain": OFFER.name,
        "net": NETWORK.hex(),
        "accept": [
            accept("an offer", OFFER, PROVIDER, GOOD),
            accept("the least of everything", OFFER, PROVIDER, free),
            accept("the most of everything", OFFER, PROVIDER, most),
        ],
        "reject": [
            *reject_any(OFFER, PROVIDER, GOOD, "9.1"),
            *reject_fields(OFFER, PROVIDER, GOOD, _CHANGES, "9.1"),
        ],
    }


_CHANGES: dict[str, tuple[int, Value]] = {
    "a provider of 31 bytes": (1, b"\x02" * 31),
    "a provider that is text": (1, "a" * 32),
    "a sequence that is text": (2, "7"),
    "valid for 0 s": (3, 0),
    "valid for 3601 s": (3, 3_601),
    "a price above 10^12": (4, 10**12 + 1),
    "a price that is true": (4, True),
    "a start price above 10^12": (5, 10**12 + 1),
    "no speed": (6, 0),
    "a speed above 10^12": (6, 10**12 + 1),
    "memory above 256 MiB": (7, 268_435_457),
    "inputs above 64 MiB": (8, 67_108_865),
    "outputs above 64 MiB": (9, 67_108_865),
    "fuel above 2^42 - 1": (10, 1 << 42),
    "no slots": (11, 0),
    "more than 4,096 slots": (11, 4_097),
    "more free slots than slots": (12, 5),
    "a credit above 2^62": (13, (1 << 62) + 1),
    "features that do not rise": (14, ["reactor", "command"]),
    "a feature twice": (14, ["command", "command"]),
    "17 features": (14, [f"feature-{number:02}" for number in range(17)]),
    "a feature of 33 bytes": (14, ["x" * 33]),
    "a feature that is bytes": (14, [b"command"]),
    "packages that do not rise": (15, [b"\xb0" * 32, b"\xa1" * 32]),
    "a package twice": (15, [b"\xb0" * 32, b"\xb0" * 32]),
    "a package id of 31 bytes": (15, [b"\xb0" * 31]),
    "65 packages": (15, [bytes([number]) * 32 for number in range(65)]),
    "nil for packages": (15, None),
    "a stake without its op": (16, [b"\xc7" * 32]),
    "a stake with a vertex id of 31 bytes": (16, [b"\xc7" * 31, 3]),
    "a stake opened by op 16": (16, [b"\xc7" * 32, 16]),
    "a stake opened by op true": (16, [b"\xc7" * 32, True]),
    "a stake that is a number": (16, 3),
}
