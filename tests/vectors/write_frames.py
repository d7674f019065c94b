"""Vectors of frames (SPEC.md section 4.1), each with its length in front."""

from typing import Any

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.limits import BODY_BYTES_MAX, FRAME_BYTES_MAX

from .write_encoding import in_json

Json = dict[str, Any]

ACCEPTED: dict[str, list[Value]] = {
    "request": [1, 1, "ledger.head", 5000, b"body"],
    "request with the largest numbers": [1, (1 << 63) - 1, "a.b", 3_600_000, b""],
    "request with the smallest deadline": [1, 1, "a.b", 1, b""],
    "request with the longest method": [1, 7, "a" * 31 + "." + "b" * 32, 1000, b""],
    "stream request": [2, 2, "blob.read", 30_000, 16, b"body"],
    "stream request with the most credit": [2, 2, "blob.read", 30_000, 1024, b""],
    "response": [3, 1, b"answer"],
    "response without a body": [3, 1, b""],
    "error": [4, 300, "not_found", "no such blob"],
    "error with an unknown code": [4, 300, "some_new_code", ""],
    "error with the longest message": [4, 300, "refused", "é" * 128],
    "item": [5, 70_000, b"item"],
    "end of a stream": [6, 70_000],
    "credit": [7, 70_000, 1],
    "the most credit": [7, 70_000, 65_535],
    "cancel": [8, 70_000],
    "one-way message": [9, "gossip.vertex", b"vertex"],
    "ping": [10, 0],
    "ping with the largest nonce": [10, (1 << 64) - 1],
    "answer to a ping": [11, 12345],
    "goodbye": [12, "shutting_down", "back in a minute"],
}

MALFORMED: dict[str, Value] = {
    "an unknown kind": [13, 1],
    "kind zero": [0, 1],
    "a kind that is true": [True, 1, "a.b", 1, b""],
    "a kind that is text": ["1", 1, "a.b", 1, b""],
    "a kind that is an array": [[1], 1, "a.b", 1, b""],
    "no elements": [],
    "a kind alone": [1],
    "not an array": 1,
    "nil": None,
    "call number zero": [1, 0, "a.b", 1, b""],
    "a call number of 64 bits": [1, 1 << 63, "a.b", 1, b""],
    "a call number that is true": [1, True, "a.b", 1, b""],
    "a field too few": [1, 1, "a.b", 1],
    "a field too many": [1, 1, "a.b", 1, b"", b""],
    "two fields too many": [2, 1, "a.b", 1, 1, b"", b""],
    "a body that is text": [3, 1, "answer"],
    "a body that is an array": [3, 1, [b"answer"]],
    "a method that is bin": [9, b"a.b", b""],
    "a method without a dot": [9, "ab", b""],
    "a method with two dots": [9, "a.b.c", b""],
    "a method with an empty half": [9, "a.", b""],
    "a method with a capital": [9, "a.B", b""],
    "a method with a digit": [9, "a.b2", b""],
    "a method with a line feed": [9, "a.b\n", b""],
    "a method of 65 bytes": [9, "a" * 32 + "." + "b" * 32, b""],
    "a method of other letters": [9, "ä.b", b""],
    "deadline zero": [1, 1, "a.b", 0, b""],
    "a deadline over an hour": [1, 1, "a.b", 3_600_001, b""],
    "a stream request without credit": [2, 1, "a.b", 1, 0, b""],
    "a stream request with too much credit": [2, 1, "a.b", 1, 1025, b""],
    "a stream request without the field": [2, 1, "a.b", 1, b""],
    "credit zero": [7, 1, 0],
    "too much credit": [7, 1, 65_536],
    "an error message of 257 bytes": [4, 1, "refused", "é" * 128 + "!"],
    "an end with a body": [6, 1, b""],
    "a ping with bytes": [10, b"12345678"],
    "a ping with nothing": [10],
    "a goodbye with a number": [12, 1, "bye"],
}

BAD_CODES: dict[str, Value] = {
    "an empty code": [4, 1, "", ""],
    "a code with a space": [4, 1, "not found", ""],
    "a code of 33 bytes": [4, 1, "a" * 33, ""],
    "a goodbye with a capital": [12, "Refused", ""],
}

NOT_CANONICAL = {
    "a wide kind": "93cc0301c400",
    "a wide call number": "9303cc01c400",
    "a wide body": "930301c50000",
    "a negative nonce": "920aff",
    "a float": "920acb3ff0000000000000",
    "a map": "810102",
    "an extension": "920ad40100",
    "a byte behind": "920a0000",
    "a byte missing": "920a",
    "text that is not UTF-8": "9309a3612eff" + "c400",
    "a header that promises much": "dd00100000",
}


def framed(payload: bytes) -> bytes:
    """Return ``payload`` behind its length."""
    return len(payload).to_bytes(4, "big") + payload


def _reject(name: str, payload: bytes, rule: str) -> Json:
    return {"name": name, "hex": framed(payload).hex(), "rule": rule}


def build() -> Json:
    """Return the vectors."""
    reject = [_reject(name, encode(fields), "4.1") for name, fields in MALFORMED.items()]
    reject += [_reject(name, encode(fields), "4.4") for name, fields in BAD_CODES.items()]
    reject += [_reject(name, bytes.fromhex(data), "2.1") for name, data in NOT_CANONICAL.items()]
    reject += [
        {"name": "length zero", "hex": "00000000", "rule": "4.1"},
        {"name": "a length too long", "hex": (FRAME_BYTES_MAX + 1).to_bytes(4, "big").hex(),
         "rule": "4.1"},
    ]  # fmt: skip
    return {
        "spec": "4.1",
        "body_bytes_max": BODY_BYTES_MAX,
        "accept": [
            {"name": name, "frame": in_json(fields), "hex": framed(encode(fields)).hex()}
            for name, fields in ACCEPTED.items()
        ],
        "reject": reject,
    }
