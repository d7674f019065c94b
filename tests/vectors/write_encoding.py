"""Vectors of the canonical encoding (SPEC.md section 2.1)."""

from collections.abc import Sequence
from typing import Any

from fogbank_protocol.encoding import Value, encode

Json = dict[str, Any]


def in_json(value: Value) -> Any:
    """Write ``value`` so that JSON keeps it: integers are decimal text, byte strings hex."""
    match value:
        case None | bool():
            return value
        case int():
            return {"int": str(value)}
        case bytes():
            return {"bin": value.hex()}
        case str():
            return {"text": value}
        case Sequence():
            return {"array": [in_json(item) for item in value]}


def from_json(value: Any) -> Value:
    """Read what ``in_json`` wrote."""
    match value:
        case {"int": number}:
            return int(number)
        case {"bin": digits}:
            return bytes.fromhex(digits)
        case {"text": str(text)}:
            return text
        case {"array": items}:
            return [from_json(item) for item in items]
        case _:
            assert value is None or isinstance(value, bool)
            return value


def nested(depth: int) -> Value:
    """Return nil inside ``depth`` arrays."""
    value: Value = None
    for _ in range(depth):
        value = [value]
    return value


ACCEPTED: dict[str, Value] = {
    "nil": None,
    "false": False,
    "true": True,
    "zero": 0,
    "the largest of 7 bits": 127,
    "the smallest of 8 bits": 128,
    "the largest of 8 bits": 255,
    "the smallest of 16 bits": 256,
    "a number that has two spellings of three bytes": 300,
    "the largest of 16 bits": 65535,
    "the smallest of 32 bits": 65536,
    "the largest of 32 bits": (1 << 32) - 1,
    "the smallest of 64 bits": 1 << 32,
    "the largest number": (1 << 64) - 1,
    "no bytes": b"",
    "255 bytes": b"\x5a" * 255,
    "256 bytes": b"\x5a" * 256,
    "no text": "",
    "31 bytes of text": "a" * 31,
    "32 bytes of text": "a" * 32,
    "256 bytes of text": "a" * 256,
    "text of two, three and four bytes a letter": "é€𝄞",
    "text with a zero byte": "a\0b",
    "no elements": [],
    "15 elements": [1] * 15,
    "16 elements": [1] * 16,
    "arrays in arrays": [[], [[]], [1, [b"2", ["3", [None, True]]]]],
    "nil inside 16 arrays": nested(16),
}

REJECTED: dict[str, str] = {
    "nothing": "",
    "one element missing": "9201",
    "no length of a byte string": "c4",
    "a byte string one byte short": "c4026b",
    "text one byte short": "a26b",
    "a byte too many": "0100",
    "two values": "c0c0",
    "5 in two bytes": "cc05",
    "128 in three bytes": "cd0080",
    "65535 in five bytes": "ce0000ffff",
    "5 in nine bytes": "cf0000000000000005",
    "300 as a signed number": "d1012c",
    "127 as a signed number": "d07f",
    "minus one": "ff",
    "minus 33": "d0df",
    "the smallest signed number": "d38000000000000000",
    "a byte string with a length too wide": "c5000161",
    "text with a length too wide": "d90161",
    "text with a length of four bytes": "db0000000161",
    "an array with a length too wide": "dc000101",
    "an array with a length of four bytes": "dd0000000101",
    "an empty map": "80",
    "a map": "810102",
    "a map in an array": "91810102",
    "a float of 32 bits": "ca3f800000",
    "a float of 64 bits": "cb3ff0000000000000",
    "a float that is zero": "ca00000000",
    "an extension": "d40100",
    "a timestamp of 32 bits": "d6ff00000000",
    "a timestamp of 64 bits": "d7ff0000000000000000",
    "the byte that msgpack never uses": "c1",
    "text that is not UTF-8": "a1ff",
    "text with a surrogate": "a3eda080",
    "text with an overlong encoding": "a2c0af",
    "an array inside 16 arrays": "91" * 16 + "90",
    "an array that promises 2 to the 32 elements": "ddffffffff",
    "headers that promise a million elements each": "dd00100000" * 300,
    "65,537 elements": "dd00010001" + "c0" * 65537,
}


def build() -> Json:
    """Return the vectors."""
    return {
        "spec": "2.1",
        "accept": [
            {"name": name, "value": in_json(value), "hex": encode(value).hex()}
            for name, value in ACCEPTED.items()
        ],
        "reject": [{"name": name, "hex": hex_, "rule": "2.1"} for name, hex_ in REJECTED.items()],
    }
