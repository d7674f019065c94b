"""Vectors of the bodies of the ledger's methods (SPEC.md section 8.7)."""

from typing import Any

from fogbank_dag_ledger.limits import (
    FETCH_IDS_MAX,
    HEADS_MAX,
    PAGE_VERTICES_MAX,
    RANGES_MAX,
)
from fogbank_protocol.encoding import Value, encode

Json = dict[str, Any]

TAG_A, TAG_B = b"a" * 8, b"b" * 8
ENTRY_A = TAG_A + bytes([0, 0, 0, 7]) + b"mark"
ENTRY_B = TAG_B + bytes([0, 0, 1, 0]) + bytes(4)
RANGE_A = TAG_A + bytes([0, 0, 0, 2]) + bytes([0, 0, 0, 7])
RANGE_B = TAG_B + bytes(4) + bytes(4)
ID = TAG_A + bytes([0, 0, 0, 7]) + b"d" * 20


def _accept(method: str, name: str, value: Value) -> Json:
    return {"name": name, "message": method, "hex": encode(value).hex()}


def _reject(method: str, name: str, body: Value, rule: str = "8.7") -> Json:
    # Bytes are the body itself, however wrong; anything else is encoded.
    data = body if isinstance(body, bytes) else encode(body)
    return {"name": name, "message": method, "hex": data.hex(), "rule": rule}


def _numbered(count: int, size: int) -> bytes:
    return b"".join(number.to_bytes(8, "big").ljust(size, b"\0") for number in range(1, count + 1))


def build() -> Json:
    """Return the vectors; ``message`` names what the body is of, a method and its direction."""
    return {
        "spec": "8.7",
        "accept": [
            _accept("page", "no vertices", []),
            _accept("page", "two vertices", [b"one", b"two"]),
            _accept("frontier", "nothing new", [False, b""]),
            _accept("frontier", "everything", [True, ENTRY_A + ENTRY_B]),
            _accept("ledger.range", "one range", [RANGE_A]),
            _accept("ledger.range", "two ranges", [RANGE_A + RANGE_B]),
            _accept("ledger.fetch", "one id", [ID]),
            _accept("ledger.fetch", "the most ids", [ID * FETCH_IDS_MAX]),
            _accept("heads", "none", [b""]),
            _accept("heads", "the most heads", [ID * HEADS_MAX]),
            _accept("ledger.head", "an issuer", [b"i" * 32]),
            _accept("ledger.proof", "a proof, its signatures unchecked", [b"p" * 224]),
        ],
        "reject": [
            _reject("page", "no array", b"\xc4\x00"),
            _reject("page", "text among vertices", [b"one", "two"]),
            _reject("page", "too many vertices", [b""] * (PAGE_VERTICES_MAX + 1)),
            _reject("page", "bytes behind", encode([b"one"]) + b"\0", "2.1"),
            _reject("frontier", "no entries", [False]),
            _reject("frontier", "a number for reset", [0, b""]),
            _reject("frontier", "half an entry", [False, ENTRY_A[:8]]),
            _reject("frontier", "entries that descend", [False, ENTRY_B + ENTRY_A]),
            _reject("frontier", "an entry twice", [False, ENTRY_A + ENTRY_A]),
            _reject("ledger.range", "no range", [b""]),
            _reject("ledger.range", "half a range", [RANGE_A[:12]]),
            _reject(
                "ledger.range", "an end before its beginning", [TAG_A + RANGE_A[12:] + bytes(4)]
            ),
            _reject("ledger.range", "ranges that descend", [RANGE_B + RANGE_A]),
            _reject("ledger.range", "too many ranges", [_numbered(RANGES_MAX + 1, 16)]),
            _reject("ledger.fetch", "no ids", [b""]),
            _reject("ledger.fetch", "half an id", [ID[:16]]),
            _reject("ledger.fetch", "too many ids", [ID * (FETCH_IDS_MAX + 1)]),
            _reject("heads", "too many heads", [ID * (HEADS_MAX + 1)]),
            _reject("ledger.head", "a short name", [b"i" * 31]),
            _reject("ledger.head", "two names", [b"i" * 32, b"i" * 32]),
            _reject("ledger.proof", "a short proof", [b"p" * 223]),
            _reject("ledger.proof", "a proof that is text", ["p" * 224]),
        ],
    }
