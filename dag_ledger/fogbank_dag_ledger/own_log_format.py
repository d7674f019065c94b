r"""The bytes of the log of own vertices (SPEC.md section 8.8).

The file is a header, ``fog-own-1\0 | net(8) | issuer(32)``, and then records, each
``length(4) | checksum(8) | bytes``.  A checksum covers the one before it as well, so a record that
is missing in the middle is noticed and not only one that changed; the first covers the header, so
a header that changed is told from that of somebody else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import BinaryIO, TypeAlias

from fogbank_protocol.identity import NetworkId, NodeId

from .limits import OWN_LOG_APPEND_BYTES_MAX

HEADER_BYTES = 50
_MAGIC = b"fog-own-1\0"
_PREFIX = Struct(">I8s")


@dataclass(frozen=True, slots=True)
class Unbegun:
    """The file ends before its header does: nothing was ever kept in it."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """The log of somebody else, or of another network."""

    network: bytes
    issuer: bytes


@dataclass(frozen=True, slots=True)
class Readable:
    """A log whose first ``length`` bytes are as they were written."""

    length: int
    checksum: bytes
    """Of the last good record."""

    torn_bytes: int
    """What a loss of power left half written behind them."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """Bytes changed after they were written, or it never was a log."""

    offset: int
    """The first byte that is not as it was written."""

    good: Readable


Finding: TypeAlias = Unbegun | Foreign | Readable | Damaged


def header(network: NetworkId, issuer: NodeId) -> bytes:
    """Return what the log of ``issuer`` begins with."""
    return _MAGIC + network + issuer


def first_checksum(begin: bytes) -> bytes:
    """Return what stands for the checksum before the first record after the header ``begin``."""
    return blake2b(begin, digest_size=8).digest()


def encode_records(checksum: bytes, records: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the bytes of ``records`` after one with ``checksum``, and the checksum of the last."""
    data = bytearray()
    for record in records:
        checksum = _checksum(checksum, record)
        data += _PREFIX.pack(len(record), checksum) + record
    return bytes(data), checksum


def read_records(file: BinaryIO, length: int) -> Iterator[bytes]:
    """Yield the records of a log whose first ``length`` bytes were good, oldest first.

    Raises:
        BadRecord: they have changed since.
    """
    file.seek(0)
    offset, checksum = HEADER_BYTES, first_checksum(file.read(HEADER_BYTES))
    while offset < length:
        record, checksum, offset = _read_record(file, offset, checksum)
        yield record


def inspect(file: BinaryIO, size: int, wanted: bytes) -> Finding:
    """Say what ``file`` of ``size`` bytes is, of which ``wanted`` should be the header."""
    file.seek(0)
    begin = file.read(HEADER_BYTES)
    first = first_checksum(wanted)
    if len(begin) < HEADER_BYTES:
        is_torn = begin == wanted[: len(begin)]
        return Unbegun() if is_torn else Damaged(0, Readable(HEADER_BYTES, first, 0))
    good = _good_part(file, first)
    if begin != wanted:
        if begin.startswith(_MAGIC) and good.length == HEADER_BYTES:
            return Foreign(begin[len(_MAGIC) : -32], begin[-32:])
        return Damaged(0, good)
    if good.length == size:
        return good
    if not _is_torn_tail(file, good.length, size):
        return Damaged(good.length, good)
    return Readable(good.length, good.checksum, size - good.length)


def _good_part(file: BinaryIO, first: bytes) -> Readable:
    offset, checksum = HEADER_BYTES, first
    try:
        while True:
            _, checksum, offset = _read_record(file, offset, checksum)
    except BadRecord:
        return Readable(offset, checksum, 0)


def _is_torn_tail(file: BinaryIO, offset: int, size: int) -> bool:
    """Tell a write that power cut short from bytes that changed after they were written.

    Nothing is appended before the append before it is synced, so a torn tail is shorter than one
    append, and no good record stands behind it.
    """
    if size - offset > OWN_LOG_APPEND_BYTES_MAX:
        return False
    file.seek(offset)
    tail = file.read(size - offset)
    if len(tail) < _PREFIX.size:
        return True
    length, checksum = _PREFIX.unpack_from(tail)
    rest = tail[_PREFIX.size + length :]
    if len(rest) < _PREFIX.size:
        return True
    next_length, next_checksum = _PREFIX.unpack_from(rest)
    follower = rest[_PREFIX.size : _PREFIX.size + next_length]
    return bool(_checksum(checksum, follower) != next_checksum)


class BadRecord(Exception):
    """No good record stands here: the end of the file, or something else."""


def _read_record(file: BinaryIO, offset: int, previous: bytes) -> tuple[bytes, bytes, int]:
    """Return the record at ``offset``, where ``file`` stands, its checksum, and the next offset."""
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        raise BadRecord
    length, checksum = _PREFIX.unpack(prefix)
    if not 0 < length <= OWN_LOG_APPEND_BYTES_MAX:
        raise BadRecord
    record = file.read(length)
    if len(record) < length or _checksum(previous, record) != checksum:
        raise BadRecord
    return record, checksum, offset + _PREFIX.size + length


def _checksum(previous: bytes, record: bytes) -> bytes:
    return blake2b(previous + record, digest_size=8).digest()
