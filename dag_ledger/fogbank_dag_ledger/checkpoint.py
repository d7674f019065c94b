"""Checkpoints as bytes: what seats sign, and messages about them (SPEC.md section 8.21)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import NewType

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import (
    NETWORK_ID_BYTES,
    NODE_ID_BYTES,
    SIGNATURE_BYTES,
    NetworkId,
    NodeId,
    is_signed_by,
)

from .limits import (
    CHECKPOINT_BYTES_MAX,
    CHECKPOINT_DEAD_MAX,
    CHECKPOINT_HEADS_MAX,
    CHECKPOINT_VERTICES_MAX,
    HASH_BYTES,
    RECORD_BYTES_MAX,
    SEATS_MAX,
    STATE_PAGE_BYTES_MAX,
    STATE_PAGE_RECORDS_MAX,
    STATE_RECORDS_MAX,
    VERTEX_ID_BYTES,
)
from .vertex import VertexId

CHECKPOINT = "ledger.checkpoint"
NEWEST = "ledger.newest"
STATE = "ledger.state"
NAMES = "ledger.names"
COMMITTEE = "ledger.committee"

RULE = "8.21"
NO_CHECKPOINT = bytes(HASH_BYTES)
"""What the first checkpoint names as the one before."""

_VERSION = 1
_HEIGHT_LIMIT = 1 << 32

CheckpointHash = NewType("CheckpointHash", bytes)

Signatures = Mapping[NodeId, bytes]
"""By seat, 64 bytes each."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says; that it is true only who holds the vertices can tell."""

    height: int
    previous: bytes
    epoch: int
    """The newest that what it and those before it cover decides: its seats sign."""

    heads: tuple[VertexId, ...]
    dead: tuple[VertexId, ...]
    state_root: bytes
    record_count: int
    names_root: bytes
    name_count: int
    body: bytes
    hash: CheckpointHash


def new_checkpoint(
    network: NetworkId,
    *,
    height: int,
    previous: bytes,
    epoch: int,
    heads: Iterable[VertexId],
    dead: Iterable[VertexId],
    state_root: bytes,
    record_count: int,
    names_root: bytes,
    name_count: int,
) -> Checkpoint:
    """Return the checkpoint that says so; ids ascend."""
    body = encode(
        [
            _VERSION,
            network,
            height,
            previous,
            epoch,
            b"".join(heads),
            b"".join(dead),
            state_root,
            record_count,
            names_root,
            name_count,
        ]
    )
    return decode_checkpoint(body, network)


def decode_checkpoint(body: bytes, network: NetworkId) -> Checkpoint:
    """Return the checkpoint in ``body``.

    Raises:
        RemoteProtocolError: it is none of this network.
    """
    match decode(body, bytes_max=CHECKPOINT_BYTES_MAX):
        case [
            int(version),
            bytes(net),
            int(height),
            bytes(previous),
            int(epoch),
            bytes(heads),
            bytes(dead),
            bytes(state_root),
            int(record_count),
            bytes(names_root),
            int(name_count),
        ] if not any(
            isinstance(one, bool) for one in (version, height, epoch, record_count, name_count)
        ):
            pass
        case _:
            raise RemoteProtocolError("not a checkpoint", rule=RULE)
    if version != _VERSION or len(net) != NETWORK_ID_BYTES or net != network:
        raise RemoteProtocolError("a checkpoint of another version or network", rule=RULE)
    if any(len(one) != HASH_BYTES for one in (previous, state_root, names_root)):
        raise RemoteProtocolError("a root of a wrong length", rule=RULE)
    if not 0 <= height < _HEIGHT_LIMIT or (height == 0) != (previous == NO_CHECKPOINT):
        raise RemoteProtocolError("a height without the one before", rule=RULE)
    if not 0 <= epoch < _HEIGHT_LIMIT:
        raise RemoteProtocolError(f"epoch {epoch}", rule=RULE)
    if not 1 <= record_count <= STATE_RECORDS_MAX:
        raise RemoteProtocolError(f"{record_count} records", rule=RULE)
    if not 1 <= name_count <= CHECKPOINT_VERTICES_MAX:
        raise RemoteProtocolError(f"{name_count} names", rule=RULE)
    return Checkpoint(
        height,
        previous,
        epoch,
        split_ids(heads, 1, CHECKPOINT_HEADS_MAX),
        split_ids(dead, 0, CHECKPOINT_DEAD_MAX),
        state_root,
        record_count,
        names_root,
        name_count,
        body,
        checkpoint_hash(body, network),
    )


def checkpoint_hash(body: bytes, network: NetworkId) -> CheckpointHash:
    """Return the 32 bytes that name the checkpoint with this body."""
    digest = blake2b(b"fog-ckpt-1\0" + network, digest_size=HASH_BYTES)
    digest.update(body)
    return CheckpointHash(digest.digest())


def preimage(network: NetworkId, name: CheckpointHash) -> bytes:
    """Return the bytes that a seat signs."""
    return b"fog-cksig-1\0" + network + name


def check_signatures(name: CheckpointHash, signatures: Signatures, network: NetworkId) -> None:
    """Check that each of ``signatures`` is its seat's.

    Raises:
        RemoteProtocolError: one is not.
    """
    for seat, signature in signatures.items():
        if not is_signed_by(seat, preimage(network, name), signature):
            raise RemoteProtocolError("a checkpoint with a wrong signature", rule=RULE)


def split_ids(joined: bytes, count_min: int, count_max: int) -> tuple[VertexId, ...]:
    """Return joined vertex ids, which have to ascend.

    Raises:
        RemoteProtocolError: they do not, or are too few or too many.
    """
    count, rest = divmod(len(joined), VERTEX_ID_BYTES)
    if rest or not count_min <= count <= count_max:
        raise RemoteProtocolError(f"ids of {len(joined)} bytes", rule=RULE)
    starts = range(0, len(joined), VERTEX_ID_BYTES)
    ids = tuple([VertexId(joined[start : start + VERTEX_ID_BYTES]) for start in starts])
    if any(one >= other for one, other in pairwise(ids)):
        raise RemoteProtocolError("ids that do not ascend", rule=RULE)
    return ids


# Messages.


def signed_value(body: bytes, signatures: Signatures) -> Value:
    """Return ``[body, signatures]``."""
    return [body, [[seat, signature] for seat, signature in sorted(signatures.items())]]


def encode_signed(body: bytes, signatures: Signatures) -> bytes:
    """Return the body of ``ledger.checkpoint``."""
    return encode(signed_value(body, signatures))


def decode_signed(data: bytes) -> tuple[bytes, dict[NodeId, bytes]]:
    """Return a checkpoint's body and its signatures, none of them checked.

    Raises:
        RemoteProtocolError: the message has another form.
    """
    return _signed_from(decode(data, bytes_max=2 * CHECKPOINT_BYTES_MAX))


def _signed_from(value: Value) -> tuple[bytes, dict[NodeId, bytes]]:
    match value:
        case [bytes(body), list(pairs)] if 1 <= len(pairs) <= SEATS_MAX:
            signatures: dict[NodeId, bytes] = {}
            last = b""
            for pair in pairs:
                match pair:
                    case [bytes(seat), bytes(signature)] if (
                        len(seat) == NODE_ID_BYTES and len(signature) == SIGNATURE_BYTES
                    ):
                        if seat <= last:
                            raise RemoteProtocolError("signatures out of order", rule=RULE)
                        last = seat
                        signatures[NodeId(seat)] = signature
                    case _:
                        raise RemoteProtocolError("not a seat's signature", rule=RULE)
            return body, signatures
        case _:
            raise RemoteProtocolError("not a signed checkpoint", rule=RULE)


def encode_newest(checkpoints: Sequence[tuple[bytes, Signatures]]) -> bytes:
    """Return the answer to ``ledger.newest``: at most two bodies with their signatures."""
    return encode([signed_value(body, signatures) for body, signatures in checkpoints])


def decode_newest(data: bytes) -> list[tuple[bytes, dict[NodeId, bytes]]]:
    """Return the checkpoints of an answer to ``ledger.newest``, unchecked.

    Raises:
        RemoteProtocolError: it has another form.
    """
    match decode(data, bytes_max=4 * CHECKPOINT_BYTES_MAX):
        case list(values) if len(values) <= 2:
            return [_signed_from(value) for value in values]
        case _:
            raise RemoteProtocolError("not the newest checkpoints", rule=RULE)


def decode_nothing(data: bytes) -> None:
    """Check the body of a ``ledger.newest`` request.

    Raises:
        RemoteProtocolError: it is not empty.
    """
    if decode(data) != []:
        raise RemoteProtocolError("a request that should be empty", rule=RULE)


def encode_state_request(name: CheckpointHash, first: int) -> bytes:
    """Return the body of a ``ledger.state`` request."""
    return encode([name, first])


def decode_state_request(data: bytes) -> tuple[CheckpointHash, int]:
    """Return whose state is asked for, and from which record on.

    Raises:
        RemoteProtocolError: the body has another form.
    """
    match decode(data):
        case [bytes(name), int(first)] if (
            len(name) == HASH_BYTES and not isinstance(first, bool) and 0 <= first < _HEIGHT_LIMIT
        ):
            return CheckpointHash(name), first
        case _:
            raise RemoteProtocolError("not a question for a state", rule=RULE)


def encode_records(records: Sequence[bytes]) -> bytes:
    """Return one page of a state."""
    return encode(list(records))


def decode_records(data: bytes) -> list[bytes]:
    """Return the encoded records of a page.

    Raises:
        RemoteProtocolError: it has another form.
    """
    records: list[bytes] = []
    match decode(data, bytes_max=2 * CHECKPOINT_BYTES_MAX):
        case list(values) if 1 <= len(values) <= STATE_PAGE_RECORDS_MAX:
            for value in values:
                if not isinstance(value, bytes) or len(value) > RECORD_BYTES_MAX:
                    raise RemoteProtocolError("not a record", rule=RULE)
                records.append(value)
            if sum(map(len, records)) > STATE_PAGE_BYTES_MAX:
                raise RemoteProtocolError("a page of too many bytes", rule=RULE)
            return records
        case _:
            raise RemoteProtocolError("a page without records", rule=RULE)


def encode_names_request(name: CheckpointHash) -> bytes:
    """Return the body of a ``ledger.names`` request."""
    return encode([name])


def decode_names_request(data: bytes) -> CheckpointHash:
    """Return whose names are asked for.

    Raises:
        RemoteProtocolError: the body has another form.
    """
    match decode(data):
        case [bytes(name)] if len(name) == HASH_BYTES:
            return CheckpointHash(name)
        case _:
            raise RemoteProtocolError("not a question for names", rule=RULE)


def encode_names(names: Iterable[VertexId]) -> bytes:
    """Return the answer to ``ledger.names``."""
    return encode([b"".join(names)])


def decode_names(data: bytes) -> tuple[VertexId, ...]:
    """Return the names in an answer.

    Raises:
        RemoteProtocolError: it has another form.
    """
    match decode(data, bytes_max=2 * CHECKPOINT_BYTES_MAX):
        case [bytes(joined)]:
            return split_ids(joined, 1, CHECKPOINT_VERTICES_MAX)
        case _:
            raise RemoteProtocolError("not names", rule=RULE)
