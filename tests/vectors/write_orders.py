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
    reject,
    reject_any,
    reject_fields,
)

INPUT = INPUT_ID + (40).to_bytes(4, "big")
GOOD: list[Value] = [
    1,
    REQUESTOR.node_id,
    bytes(range(16)),
    PACKAGE_ID,
    INPUT,
    ["--width", "384"],
    [["LANG", "C"], ["TZ", ""]],
    7,
    10**11,
    134_217_728,
    67_108_864,
    None,
    None,
    120_000,
    1_000,
    100,
    1,
    [1, 100_000],
]


START: list[Value] = [640, 10**8, b"\xd1" * 32, b"\xd2" * 32, 70_000]


def build() -> dict[str, Any]:
    """Return the vectors."""
    empty = INPUT_ID + bytes(4)
    least: list[Value] = [*GOOD[:4], empty, [], [], 0, 1, 65_536, 0, None, None, 1, 0, 0, 0, [0]]
    most: list[Value] = [
        *GOOD[:4],
        256 * (INPUT_ID + (67_108_864).to_bytes(4, "big")),
        ["x" * 512] * 64,
        [[f"NAME{number:02}", "y" * 256] for number in range(64)],
        (1 << 64) - 1,
        (1 << 42) - 1,
        268_435_456,
        67_108_864,
        [(1 << 31) - 1, (1 << 40) - 1],
        None,
        3_600_000,
        10**12,
        10**12,
        (1 << 64) - 1,
        [2, 7],
    ]
    quorum = [*GOOD[:17], [2, 2]]
    verified = [*GOOD[:17], [3, 1_000_000]]
    partly = [*GOOD[:17], [4, 0]]
    never = [*GOOD[:17], [1, 0]]
    always = [*GOOD[:17], [1, 1_000_000]]
    rest = [*GOOD[:11], [1_000, 64], START, *GOOD[13:]]
    farthest: Value = [65_535 * 64, 10**11, b"\xff" * 32, b"\xff" * 32, 67_108_864]
    last = [*GOOD[:11], [1_000, 64], farthest, *GOOD[13:]]
    several = [*rest]
    several[4] = 2 * INPUT
    between = [*rest[:12], [65, *START[1:]], *GOOD[13:]]
    short = [*rest[:12], START[:4], *GOOD[13:]]
    spent = [*rest[:12], [64, 10**11 + 1, *START[2:]], *GOOD[13:]]
    return {
        "spec": "9.2",
        "domain": ORDER.name,
        "net": NETWORK.hex(),
        "accept": [
            accept("an order", ORDER, REQUESTOR, GOOD),
            accept("the least of everything", ORDER, REQUESTOR, least),
            accept("the most of everything", ORDER, REQUESTOR, most),
            accept("a quorum of two", ORDER, REQUESTOR, quorum),
            accept("a package's verifier", ORDER, REQUESTOR, verified),
            accept("a part of the runs", ORDER, REQUESTOR, partly),
            accept("an audit with probability 0", ORDER, REQUESTOR, never),
            accept("an audit for certain", ORDER, REQUESTOR, always),
            accept("the rest of a run", ORDER, REQUESTOR, rest),
            accept("the rest of a run from its last state", ORDER, REQUESTOR, last),
        ],
        "reject": [
            *reject_any(ORDER, REQUESTOR, GOOD, "9.2"),
            *reject_fields(ORDER, REQUESTOR, GOOD, _CHANGES, "9.2"),
            reject("the rest of two runs", ORDER, REQUESTOR, several, "9.2"),
            reject("a start between checkpoints", ORDER, REQUESTOR, between, "7.8"),
            reject("a start with more fuel than the run has", ORDER, REQUESTOR, spent, "7.8"),
            reject(
                "a start without a plan", ORDER, REQUESTOR, [*GOOD[:12], START, *GOOD[13:]], "7.8"
            ),
            reject("a start of four fields", ORDER, REQUESTOR, short, "9.2"),
        ],
    }


_CHANGES: dict[str, tuple[int, Value]] = {
    "a requestor of 33 bytes": (1, b"\x01" * 33),
    "a salt of 15 bytes": (2, bytes(15)),
    "a package id of 31 bytes": (3, bytes(31)),
    "inputs that are nil": (4, None),
    "no input": (4, b""),
    "257 inputs": (4, 257 * INPUT),
    "inputs that are an array": (4, [[INPUT_ID, 40]]),
    "an input of 35 bytes": (4, INPUT[:-1]),
    "an input above 64 MiB": (4, INPUT_ID + (67_108_865).to_bytes(4, "big")),
    "a plan that is empty": (11, []),
    "a plan of no step": (11, [0, 1]),
    "a plan of steps too large": (11, [1 << 31, 1]),
    "a plan without checkpoints": (11, [1, 0]),
    "a plan of checkpoints too far apart": (11, [1, 1 << 40]),
    "65 arguments": (5, ["x"] * 65),
    "an argument of 1,025 bytes": (5, ["x" * 1_025]),
    "an argument with a zero byte": (5, ["x\0y"]),
    "an argument that is bytes": (5, [b"x"]),
    "an environment that does not rise": (6, [["TZ", ""], ["LANG", "C"]]),
    "a variable twice": (6, [["LANG", "C"], ["LANG", "D"]]),
    "a variable without a name": (6, [["", "C"]]),
    "a variable's name with =": (6, [["LA=NG", "C"]]),
    "a variable's value with a zero byte": (6, [["LANG", "\0"]]),
    "a variable of three texts": (6, [["LANG", "C", "D"]]),
    "65 variables": (6, [[f"N{number:02}", ""] for number in range(65)]),
    "a seed that is false": (7, False),
    "no fuel": (8, 0),
    "fuel above 2^42 - 1": (8, 1 << 42),
    "less memory than a page": (9, 65_535),
    "memory above 256 MiB": (9, 268_435_457),
    "outputs above 64 MiB": (10, 67_108_865),
    "no time": (13, 0),
    "more than an hour": (13, 3_600_001),
    "a price above 10^12": (14, 10**12 + 1),
    "a start price above 10^12": (15, 10**12 + 1),
    "weights that are nil": (16, None),
    "verification that is an integer": (17, 0),
    "verification that is empty": (17, []),
    "none with a number": (17, [0, 1]),
    "none that is false": (17, [False]),
    "an audit that is true": (17, [True, 100_000]),
    "an audit above certainty": (17, [1, 1_000_001]),
    "an audit without probability": (17, [1]),
    "a quorum of one": (17, [2, 1]),
    "a quorum of eight": (17, [2, 8]),
    "a quorum of true": (17, [2, True]),
    "a verifier without probability": (17, [3]),
    "a verifier above certainty": (17, [3, 1_000_001]),
    "a part above all": (17, [4, 1_000_001]),
    "a part that is true": (17, [4, True]),
    "a verification of another kind": (17, [5, 1]),
}
