"""The bodies of ``blob.describe`` and ``blob.read`` (SPEC.md section 6.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..encoding import Value, decode, encode
from ..errors import RemoteProtocolError
from ..limits import CHUNKS_MAX
from .naming import (
    BLOB_ID_BYTES,
    HASH_BYTES,
    BlobId,
    Description,
    check_size,
    chunk_count,
)

DESCRIBE = "blob.describe"
READ = "blob.read"

REQUEST_BYTES_MAX = 64
"""The longest request of either method, in bytes."""

DESCRIPTION_BYTES_MAX = CHUNKS_MAX * HASH_BYTES + 16
"""The longest answer to ``blob.describe``, in bytes."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Asks for ``count`` chunks of a blob from ``first`` on; ``count`` is at least 1."""

    blob_id: BlobId
    first: int
    count: int


def encode_describe_request(blob_id: BlobId) -> bytes:
    """Return the body of ``blob.describe``."""
    return encode([blob_id])


def decode_describe_request(body: bytes) -> BlobId:
    """Return the blob that is asked for.

    Raises:
        RemoteProtocolError: the body is malformed (section 6.2).
    """
    match decode(body, bytes_max=REQUEST_BYTES_MAX):
        case [bytes(blob_id)] if len(blob_id) == BLOB_ID_BYTES:
            return BlobId(blob_id)
        case _:
            raise RemoteProtocolError("not a request for a description", rule="6.2")


def encode_description(description: Description) -> bytes:
    """Return the answer to ``blob.describe``."""
    return encode([description.size, b"".join(description.hashes)])


def decode_description(body: bytes, blob_id: BlobId) -> Description:
    """Return the description in an answer, proved to be of ``blob_id``.

    Raises:
        RemoteProtocolError: it is malformed or of another blob (section 6.2).
    """
    match decode(body, bytes_max=DESCRIPTION_BYTES_MAX):
        case [int(size), bytes(joined)] if not isinstance(size, bool):
            check_size(size)
            description = Description(size, _split(size, joined))
        case _:
            raise RemoteProtocolError("not a description of a blob", rule="6.2")
    if description.blob_id != blob_id:
        raise RemoteProtocolError("a description of another blob", rule="6.2")
    return description


def encode_read_request(request: ReadRequest) -> bytes:
    """Return the body of ``blob.read``."""
    return encode([request.blob_id, request.first, request.count])


def decode_read_request(body: bytes) -> ReadRequest:
    """Return what is asked for; whether the blob has such chunks is for its keeper to see.

    Raises:
        RemoteProtocolError: the body is malformed (section 6.2).
    """
    match decode(body, bytes_max=REQUEST_BYTES_MAX):
        case [bytes(blob_id), int(first), int(count)] if (
            len(blob_id) == BLOB_ID_BYTES
            and _is_number(first)
            and _is_number(count)
            and count >= 1
            and first + count <= CHUNKS_MAX
        ):
            return ReadRequest(BlobId(blob_id), first, count)
        case _:
            raise RemoteProtocolError("not a request for chunks", rule="6.2")


def _split(size: int, joined: bytes) -> Sequence[bytes]:
    if len(joined) != chunk_count(size) * HASH_BYTES:
        raise RemoteProtocolError("a blob with a wrong number of chunk hashes", rule="6.2")
    return tuple(joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES))


def _is_number(value: Value) -> bool:
    # A boolean is an integer to Python and is not to SPEC.md.
    return isinstance(value, int) and not isinstance(value, bool)
