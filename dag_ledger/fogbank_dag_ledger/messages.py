"""The bodies of the ledger's methods, to bytes and back (SPEC.md section 8.7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, NodeId

from .frontier import (
    RULE,
    Head,
    Range,
    Tag,
    decode_entries,
    decode_ranges,
    encode_entries,
    encode_ranges,
)
from .limits import (
    EQUIVOCATION_PROOF_BYTES,
    FETCH_IDS_MAX,
    HEADS_MAX,
    PAGE_BYTES_MAX,
    PAGE_VERTICES_MAX,
)
from .vertex import VertexId

VERTICES = "ledger.vertices"
FRONTIER = "ledger.frontier"
RANGE = "ledger.range"
FETCH = "ledger.fetch"
PROOF = "ledger.proof"
HEAD = "ledger.head"

ID_BYTES = 32

_ARRAY_OVERHEAD_BYTES = 3
_ITEM_OVERHEAD_BYTES = 3


@dataclass(frozen=True, slots=True)
class FrontierMessage:
    """What changed in the sender's frontier since it last told this neighbour."""

    reset: bool
    """The neighbour forgets what it was told, and tells all of its own frontier."""

    entries: Mapping[Tag, Head]


def encode_frontier(message: FrontierMessage) -> bytes:
    """Return the body of a ``ledger.frontier`` request or response."""
    return encode([message.reset, encode_entries(message.entries.items())])


def decode_frontier(body: bytes) -> FrontierMessage:
    """Return what ``encode_frontier`` was given.

    Raises:
        RemoteProtocolError: the body is anything else (sections 2.1 and 8.7).
    """
    match decode(body):
        case [bool(reset), bytes(entries)]:
            return FrontierMessage(reset, decode_entries(entries))
        case _:
            raise RemoteProtocolError("not a frontier", rule=RULE)


def encode_wanted(ranges: Iterable[Range]) -> bytes:
    """Return the body of a ``ledger.range`` request."""
    return encode([encode_ranges(ranges)])


def decode_wanted(body: bytes) -> list[Range]:
    """Return what ``encode_wanted`` was given.

    Raises:
        RemoteProtocolError: the body is anything else (sections 2.1 and 8.7).
    """
    match decode(body):
        case [bytes(ranges)]:
            return decode_ranges(ranges)
        case _:
            raise RemoteProtocolError("not ranges", rule=RULE)


def encode_vertices(vertices: Sequence[bytes]) -> bytes:
    """Return the body that carries ``vertices``, each in its form on the wire (section 8.2)."""
    return encode(list(vertices))


def decode_vertices(body: bytes) -> list[bytes]:
    """Return the vertices of ``body``, each still to be decoded.

    Raises:
        RemoteProtocolError: the body is no array of byte strings, or has more than
            ``PAGE_VERTICES_MAX`` of them or ``PAGE_BYTES_MAX`` bytes.
    """
    value = decode(body, bytes_max=PAGE_BYTES_MAX)
    if not isinstance(value, list) or len(value) > PAGE_VERTICES_MAX:
        raise RemoteProtocolError("not an array of vertices", rule=RULE)
    vertices = [item for item in value if isinstance(item, bytes)]
    if len(vertices) < len(value):
        raise RemoteProtocolError("not an array of vertices", rule=RULE)
    return vertices


def page_end(sizes: Iterable[int]) -> int:
    """Return how many of the vertices with these ``sizes`` in bytes fit in one message."""
    count, total = 0, _ARRAY_OVERHEAD_BYTES
    for size in sizes:
        total += size + _ITEM_OVERHEAD_BYTES
        if count == PAGE_VERTICES_MAX or total > PAGE_BYTES_MAX:
            break
        count += 1
    return count


def pages(vertices: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    """Cut ``vertices`` into messages."""
    while vertices:
        end = page_end(map(len, vertices))
        yield vertices[:end]
        vertices = vertices[end:]


def encode_ids(ids: Iterable[VertexId]) -> bytes:
    """Return the body of a ``ledger.fetch`` request or a ``ledger.head`` response."""
    return encode([b"".join(ids)])


def decode_fetch(body: bytes) -> list[VertexId]:
    """Return the ids asked for.

    Raises:
        RemoteProtocolError: the body is anything but 1 … ``FETCH_IDS_MAX`` ids.
    """
    ids = _decode_ids(body, FETCH_IDS_MAX)
    if not ids:
        raise RemoteProtocolError("no ids", rule=RULE)
    return ids


def decode_heads(body: bytes) -> list[VertexId]:
    """Return the heads told in the answer to ``ledger.head``; none when none is held.

    Raises:
        RemoteProtocolError: the body is anything but at most ``HEADS_MAX`` ids.
    """
    return _decode_ids(body, HEADS_MAX)


def _decode_ids(body: bytes, ids_max: int) -> list[VertexId]:
    match decode(body):
        case [bytes(joined)] if len(joined) % ID_BYTES == 0 and len(joined) <= ID_BYTES * ids_max:
            return [
                VertexId(joined[start : start + ID_BYTES])
                for start in range(0, len(joined), ID_BYTES)
            ]
        case _:
            raise RemoteProtocolError("not vertex ids", rule=RULE)


def encode_head_request(issuer: NodeId) -> bytes:
    """Return the body of a ``ledger.head`` request."""
    return encode([issuer])


def decode_head_request(body: bytes) -> NodeId:
    """Return the issuer asked about.

    Raises:
        RemoteProtocolError: the body is anything but one node id.
    """
    match decode(body):
        case [bytes(issuer)] if len(issuer) == NODE_ID_BYTES:
            return NodeId(issuer)
        case _:
            raise RemoteProtocolError("not a node id", rule=RULE)


def encode_proof_message(proof: bytes) -> bytes:
    """Return the body of ``ledger.proof``."""
    return encode([proof])


def decode_proof_message(body: bytes) -> bytes:
    """Return the proof of ``body``, whose signatures are still to be checked.

    Raises:
        RemoteProtocolError: the body is anything but ``EQUIVOCATION_PROOF_BYTES`` in an array.
    """
    match decode(body):
        case [bytes(proof)] if len(proof) == EQUIVOCATION_PROOF_BYTES:
            return proof
        case _:
            raise RemoteProtocolError("not a proof", rule=RULE)
