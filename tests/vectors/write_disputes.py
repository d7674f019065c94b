"""What opens a dispute, and what a member of the watch answers (SPEC.md section 9.10)."""

from collections.abc import Sequence
from typing import Any

from fogbank_dag_ledger.statements import sign_finding
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import Identity

from .market_objects import NETWORK, PROVIDER

MEMBER = Identity.from_seed(b"\x03" * 32)
RECEIPT_ID = b"\xd1" * 32
RIGHT = b"\xd2" * 32

OPENING: list[Value] = [b"\xc7" * 32, 3, b"\xd3" * 32, 70_000]
TRACE: list[Value] = [RECEIPT_ID, 2]
FINDING: list[Value] = [
    RECEIPT_ID,
    2,
    RIGHT,
    sign_finding(MEMBER, NETWORK, PROVIDER.node_id, RECEIPT_ID, 2, RIGHT),
]


def build() -> dict[str, Any]:
    """Return the vectors."""
    return {
        "spec": "9.10",
        "net": NETWORK.hex(),
        "provider": PROVIDER.node_id.hex(),
        "member": MEMBER.node_id.hex(),
        "accept": [
            _case("opening", "a dispute", OPENING),
            _case("opening", "the largest proof", [b"\xff" * 32, 15, b"\xff" * 32, 67_108_864]),
            _case("trace", "a question about a trace", TRACE),
            _case("trace", "about the last result", [RECEIPT_ID, 255]),
            _case("finding", "a finding", FINDING),
            _case("finding", "the last result", [RECEIPT_ID, 255, RIGHT, bytes(64)]),
        ],
        "reject": [
            *_bad("opening", OPENING, _OPENING_CHANGES),
            *_bad("trace", TRACE, _FINDING_CHANGES[:2]),
            *_bad("finding", FINDING, _FINDING_CHANGES),
        ],
    }


_OPENING_CHANGES: Sequence[tuple[str, int, Value]] = (
    ("a vertex id of 31 bytes", 0, b"\xc7" * 31),
    ("op 16", 1, 16),
    ("true for an op", 1, True),
    ("a proof id of 33 bytes", 2, b"\xd3" * 33),
    ("an empty proof", 3, 0),
    ("a proof that is no blob", 3, 67_108_865),
)
_FINDING_CHANGES: Sequence[tuple[str, int, Value]] = (
    ("a receipt id of 31 bytes", 0, b"\xd1" * 31),
    ("result 256", 1, 256),
    ("text for what is right", 2, "r" * 32),
    ("a signature of 63 bytes", 3, bytes(63)),
)


def _case(kind: str, name: str, fields: Value) -> dict[str, Any]:
    return {"kind": kind, "name": name, "body": encode(fields).hex()}


def _bad(
    kind: str, good: Sequence[Value], changes: Sequence[tuple[str, int, Value]]
) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []
    for name, place, value in changes:
        fields = list(good)
        fields[place] = value
        cases.append({**_case(kind, name, fields), "rule": "9.10"})
    cases.append({**_case(kind, "a field more", [*good, 0]), "rule": "9.10"})
    cases.append({**_case(kind, "a field less", list(good[:-1])), "rule": "9.10"})
    cases.append({**_case(kind, "not an array", 1), "rule": "9.10"})
    cut = encode(list(good))[:-1]
    cases.append({"kind": kind, "name": "a byte short", "body": cut.hex(), "rule": "2.1"})
    return cases
