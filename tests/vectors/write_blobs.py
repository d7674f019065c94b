"""Blob ids, descriptions and requests (SPEC.md section 6)."""

from typing import Any

from fogbank_protocol.blobs.messages import (
    ReadRequest,
    encode_describe_request,
    encode_description,
    encode_read_request,
)
from fogbank_protocol.blobs.naming import Description, describe
from fogbank_protocol.encoding import encode

CHUNK = 65_536
BLOB = b"fog" * 30_000
"""90,000 bytes: two chunks."""


def build() -> dict[str, Any]:
    """Return the vectors; a blob is given by the ``bytes`` of one repetition and ``times``."""
    description = describe(BLOB)
    return {
        "spec": "6",
        "names": [
            _name("the empty blob", b"", 0),
            _name("one byte", b"\x00", 1),
            _name("one byte less than a chunk", b"a", CHUNK - 1),
            _name("one chunk", b"a", CHUNK),
            _name("one byte more than a chunk", b"a", CHUNK + 1),
            _name("two chunks", b"fog", 30_000),
            _name("1 MiB", bytes(range(256)), 4_096),
        ],
        "accept": [
            _accept("description", "description", encode_description(description)),
            _accept("describe request", "describe", encode_describe_request(description.blob_id)),
            _accept("read request", "read", _read(1, 1)),
            _accept("the last chunk there may be", "read", _read(1_023, 1)),
        ],
        "reject": [*_bad_descriptions(description), *_bad_requests()],
    }


def _bad_descriptions(right: Description) -> list[dict[str, str]]:
    joined = b"".join(right.hashes)
    flipped = bytes([joined[0] ^ 1]) + joined[1:]
    return [
        _reject("another size", encode([right.size + 1, joined])),
        _reject("another hash", encode([right.size, flipped])),
        _reject("hashes in another order", encode([right.size, joined[32:] + joined[:32]])),
        _reject("a hash missing", encode([right.size, joined[:32]])),
        _reject("a hash too many", encode([right.size, joined + bytes(32)])),
        _reject("hashes as text", encode([right.size, "x" * 64])),
        _reject("a size that is a boolean", encode([True, bytes(32)])),
        _reject("more than 64 MiB", encode([64 * 1024 * 1024 + 1, joined]), rule="6.1"),
        _reject("a third element", encode([right.size, joined, 0])),
        _reject("a trailing byte", encode_description(right) + b"\0", rule="2.1"),
        _reject("nothing", b"", rule="2.1"),
    ]


def _bad_requests() -> list[dict[str, str]]:
    blob_id = describe(BLOB).blob_id
    return [
        _reject("no chunks asked for", encode([blob_id, 0, 0]), "read"),
        _reject("chunk 1,024", encode([blob_id, 1_024, 1]), "read"),
        _reject("a count that is too large", encode([blob_id, 0, 1_025]), "read"),
        _reject("a first chunk that is a boolean", encode([blob_id, False, 1]), "read"),
        _reject("a short blob id", encode([blob_id[:31], 0, 1]), "read"),
        _reject("no count", encode([blob_id, 0]), "read"),
        _reject("a long blob id", encode([blob_id + b"\0"]), "describe"),
        _reject("a blob id as text", encode(["x" * 32]), "describe"),
        _reject("a second element", encode([blob_id, 0]), "describe"),
    ]


def _name(name: str, repeated: bytes, times: int) -> dict[str, Any]:
    description = describe(repeated * times)
    return {
        "name": name,
        "bytes": repeated.hex(),
        "times": times,
        "size": description.size,
        "blob_id": description.blob_id.hex(),
    }


def _read(first: int, count: int) -> bytes:
    return encode_read_request(ReadRequest(describe(BLOB).blob_id, first, count))


def _accept(name: str, form: str, body: bytes) -> dict[str, str]:
    return {"name": name, "form": form, "blob_id": describe(BLOB).blob_id.hex(), "hex": body.hex()}


def _reject(
    name: str, body: bytes, form: str = "description", *, rule: str = "6.2"
) -> dict[str, str]:
    blob_id = describe(BLOB).blob_id.hex()
    return {"name": name, "form": form, "blob_id": blob_id, "hex": body.hex(), "rule": rule}
