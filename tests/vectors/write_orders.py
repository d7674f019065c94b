"""Orders (SPEC.md section 9.2)."""

from typing import Any

from fogbank_agent.market.orders import ORDER
from fogbank_protocol.encoding import Value

from .market_objects import (
    INPUT_ID,
    NETWORK,
    PACKAGE_ID,
    REQUESTOR,
    accept,
    reject_any,
    reject_fields,
)

GOOD: list[Value] = [
    1,
    REQUESTOR.node_id,
    bytes(range(16)),
    PACKAGE_ID,
    INPUT_ID,
    40,
    ["--width", "384"],
    [["LANG", "C"], ["TZ", ""]],
    7,
    10**11,
    134_217_728,
    67_108_864,
    120_000,
    1_000,
    100,
    1,
    [1, 100_000],
]


def build() -> dict[str, Any]:
    """Return the vectors."""
    least: list[Value] = [*GOOD[:5], 0, [], [], 0, 1, 65_536, 0, 1, 0, 0, 0, [0]]
    most: list[Value] = [
        *GOOD[:5],
        67_108_864,
        ["x" * 512] * 64,
        [[f"NAME{number:02}", "y" * 256] for number in range(64)],
        (1 << 64) - 1,
        (1 << 42) - 1,
        268_435_456,
        67_108_864,
        3_600_000,
        10**12,
        10**12,
        (1 << 64) - 1,
        [2, 7],
    ]
    quorum = [*GOOD[:16], [2, 2]]
    never = [*GOOD[:16], [1, 0]]
    always = [*GOOD[:16], [1, 1_000_000]]
    return {
        "spec": "9.2",
        "domain": ORDER.name,
        "net": NETWORK.hex(),
        "accept": [
            accept("an order", ORDER, REQUESTOR, GOOD),
            accept("the least of everything", ORDER, REQUESTOR, least),
            accept("the most of everything", ORDER, REQUESTOR, most),
            accept("a quorum of two", ORDER, REQUESTOR, quorum),
            accept("an audit with probability 0", ORDER, REQUESTOR, never),
            accept("an audit for certain", ORDER, REQUESTOR, always),
        ],
        "reject": [
            *reject_any(ORDER, REQUESTOR, GOOD, "9.2"),
            *reject_fields(ORDER, REQUESTOR, GOOD, _CHANGES, "9.2"),
        ],
    }


_CHANGES: dict[str, tuple[int, Value]] = {
    "a requestor of 33 bytes": (1, b"\x01" * 33),
    "a salt of 15 bytes": (2, bytes(15)),
    "a package id of 31 bytes": (3, bytes(31)),
    "an input id that is nil": (4, None),
    "an input above 64 MiB": (5, 67_108_865),
    "65 arguments": (6, ["x"] * 65),
    "an argument of 1,025 bytes": (6, ["x" * 1_025]),
    "an argument with a zero byte": (6, ["x\0y"]),
    "an argument that is bytes": (6, [b"x"]),
    "an environment that does not rise": (7, [["TZ", ""], ["LANG", "C"]]),
    "a variable twice": (7, [["LANG", "C"], ["LANG", "D"]]),
    "a variable without a name": (7, [["", "C"]]),
    "a variable's name with =": (7, [["LA=NG", "C"]]),
    "a variable's value with a zero byte": (7, [["LANG", "\0"]]),
    "a variable of three texts": (7, [["LANG", "C", "D"]]),
    "65 variables": (7, [[f"N{number:02}", ""] for number in range(65)]),
    "a seed that is false": (8, False),
    "no fuel": (9, 0),
    "fuel above 2^42 - 1": (9, 1 << 42),
    "less memory than a page": (10, 65_535),
    "memory above 256 MiB": (10, 268_435_457),
    "outputs above 64 MiB": (11, 67_108_865),
    "no time": (12, 0),
    "more than an hour": (12, 3_600_001),
    "a price above 10^12": (13, 10**12 + 1),
    "a start price above 10^12": (14, 10**12 + 1),
    "weights that are nil": (15, None),
    "verification that is an integer": (16, 0),
    "verification that is empty": (16, []),
    "none with a number": (16, [0, 1]),
    "none that is false": (16, [False]),
    "an audit that is true": (16, [True, 100_000]),
    "an audit above certainty": (16, [1, 1_000_001]),
    "an audit without probability": (16, [1]),
    "a quorum of one": (16, [2, 1]),
    "a quorum of eight": (16, [2, 8]),
    "a quorum of true": (16, [2, True]),
    "a verification of another kind": (16, [3, 1]),
}
