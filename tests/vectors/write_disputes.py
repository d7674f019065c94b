"""What a dispute asks of the watch and of the provider, and their answers (SPEC.md 9.10)."""

from collections.abc import Sequence
from typing import Any

from fogbank_dag_ledger.statements import sign_finding
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import Identity
from fogbank_protocol.signed import sign
from fogbank_wasm_tasks.limits import STATES_MAX
from fogbank_wasm_tasks.verification.statements import STATEMENT

from .market_objects import NETWORK, PROVIDER

MEMBER = Identity.from_seed(b"\x03" * 32)
RECEIPT_ID = b"\xd1" * 32
RIGHT = b"\xd2" * 32

OPENING: list[Value] = [b"\xc7" * 32, 3, b"\xd3" * 32, 70_000]
TRACE: list[Value] = [RECEIPT_ID, 2]
QUESTION: list[Value] = [1, RECEIPT_ID, 2, 5, 0]
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
            _roots("no checkpoints", 0),
            _roots("two checkpoints", 2),
            _case("question", "where the run was", QUESTION),
            _case("question", "at the last position that there may be", [*_LAST, 0]),
            {"kind": "statement", "name": "where it was", "body": _statement(PROVIDER).hex()},
            _case("finding", "a finding", FINDING),
            _case("finding", "the last result", [RECEIPT_ID, 255, RIGHT, bytes(64)]),
        ],
        "reject": [
            *_bad("opening", OPENING, _OPENING_CHANGES),
            *_bad("trace", TRACE, _FINDING_CHANGES[:2]),
            {**_roots("half a root", 2), "body": bytes(48).hex(), "rule": "9.10"},
            *_bad("question", QUESTION, _QUESTION_CHANGES, "7.11"),
            {**_case("question", "for a snapshot", [*QUESTION[:4], 1]), "rule": "9.10"},
            *_bad_statements(),
            *_bad("finding", FINDING, _FINDING_CHANGES),
        ],
    }


def _statement(signer: Identity, **changes: Value) -> bytes:
    fields: dict[str, Value] = {
        "version": 1,
        "receipt": RECEIPT_ID,
        "index": 2,
        "party": PROVIDER.node_id,
        "position": 5,
        "digest": RIGHT,
    }
    fields.update(changes)
    return encode(sign(STATEMENT, NETWORK, signer, list(fields.values())).to_value())


def _bad_statements() -> list[dict[str, Any]]:
    whole = _statement(PROVIDER)
    bad = {
        "somebody else's signature": (_statement(MEMBER), "2.3"),
        "another version": (_statement(PROVIDER, version=2), "7.11"),
        "a receipt id of 31 bytes": (_statement(PROVIDER, receipt=bytes(31)), "7.11"),
        "true for a position": (_statement(PROVIDER, position=True), "7.11"),
        "a digest of 33 bytes": (_statement(PROVIDER, digest=bytes(33)), "7.11"),
        "not signed": (encode([b"\x90"]), "2.3"),
        "a byte short": (whole[:-1], "2.1"),
    }
    return [
        {"kind": "statement", "name": name, "body": body.hex(), "rule": rule}
        for name, (body, rule) in bad.items()
    ]


def _roots(name: str, count: int) -> dict[str, Any]:
    roots = b"".join(bytes([number]) * 32 for number in range(count))
    return {"kind": "roots", "name": name, "body": roots.hex()}


_LAST: list[Value] = [1, RECEIPT_ID, 255, STATES_MAX - 1]
_QUESTION_CHANGES: Sequence[tuple[str, int, Value]] = (
    ("another version", 0, 2),
    ("true for the version", 0, True),
    ("a receipt id of 33 bytes", 1, bytes(33)),
    ("result 256", 2, 256),
    ("a position beyond the longest run", 3, STATES_MAX),
    ("neither a statement nor a snapshot", 4, 2),
)
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
    kind: str,
    good: Sequence[Value],
    changes: Sequence[tuple[str, int, Value]],
    rule: str = "9.10",
) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []
    for name, place, value in changes:
        fields = list(good)
        fields[place] = value
        cases.append({**_case(kind, name, fields), "rule": rule})
    cases.append({**_case(kind, "a field more", [*good, 0]), "rule": rule})
    cases.append({**_case(kind, "a field less", list(good[:-1])), "rule": rule})
    cases.append({**_case(kind, "not an array", 1), "rule": rule})
    cut = encode(list(good))[:-1]
    cases.append({"kind": kind, "name": "a byte short", "body": cut.hex(), "rule": "2.1"})
    return cases
