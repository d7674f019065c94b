r"""The log of this node's own vertices: on disk before anyone sees them (SPEC.md section 8.8).

The file is a header, ``fog-own-1\0 | net(8) | issuer(32)``, and then records, each
``length(4) | checksum(8) | bytes``.  A checksum covers the one before it as well, so a record that
is missing in the middle is noticed and not only one that changed.
"""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from fogbank_protocol.identity import NetworkId, NodeId, short_form

from ..limits import OWN_LOG_APPEND_BYTES_MAX
from .failures import LogFull, LogUnusable

_MAGIC = b"fog-own-1\0"
_HEADER_BYTES = len(_MAGIC) + 8 + 32
_PREFIX = Struct(">I8s")
_FIRST_CHECKSUM = bytes(8)
_COPY_BYTES = 1 << 20
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Damage:
    """What was wrong with a log that was set aside."""

    offset: int
    """The first byte that is not as it was written."""

    set_aside: Path
    """Where the damaged file is now; a copy of its good beginning took its place."""


class OwnLog:
    """An append-only file of this node's own vertices, open for writing by one process."""

    def __init__(self, path: Path, network: NetworkId, issuer: NodeId) -> None:
        """Open the log at ``path`` or begin one; its folder must exist.

        What a loss of power left half written at the end is cut off.  A log that is damaged
        elsewhere is set aside and a copy of its good beginning used: see ``damage``.

        Raises:
            LogUnusable: it belongs to another issuer or network, another process has it open, or
                it cannot be read or written.
        """
        self._path = path
        self._header = _MAGIC + network + issuer
        self.damage: Damage | None = None
        try:
            self._file = self._open()
            self._length, self._checksum = self._recover_or_close()
        except BlockingIOError:
            raise LogUnusable(f"{path} is in use by another agent; stop that one first") from None
        except OSError as error:
            raise LogUnusable(f"cannot use {path}: {error.strerror}") from error

    def records(self) -> Iterator[bytes]:
        """Yield every vertex of the log, oldest first."""
        with self._path.open("rb") as file:
            file.seek(_HEADER_BYTES)
            offset, checksum = _HEADER_BYTES, _FIRST_CHECKSUM
            while offset < self._length:
                record, checksum, offset = _read_record(file, offset, checksum)
                yield record

    def append(self, records: Sequence[bytes]) -> None:
        """Write ``records`` and return when they are on disk; blocks, so call it in a thread.

        After an error none of them counts as written.

        Raises:
            LogFull: the disk is full.
            LogUnusable: the disk does not take the bytes for another reason.
        """
        checksum = self._checksum
        data = bytearray()
        for record in records:
            checksum = _checksum(checksum, record)
            data += _PREFIX.pack(len(record), checksum) + record
        assert len(data) <= OWN_LOG_APPEND_BYTES_MAX
        try:
            self._write(bytes(data))
        except OSError as error:
            raise self._failure(error) from error
        self._length += len(data)
        self._checksum = checksum

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._file.close()

    def _open(self) -> BinaryIO:
        # Not "a": appending goes where this object says, even after a failed write.
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise
        return file

    def _recover_or_close(self) -> tuple[int, bytes]:
        try:
            return self._recover()
        except (OSError, LogUnusable):
            self._file.close()
            raise

    def _recover(self) -> tuple[int, bytes]:
        """Check the file from its beginning and return its good length and last checksum."""
        size = os.fstat(self._file.fileno()).st_size
        header = self._file.read(_HEADER_BYTES)
        if header != self._header[: len(header)]:
            self._refuse_foreign(header)
            return self._set_aside(0, _HEADER_BYTES, _FIRST_CHECKSUM)
        if len(header) < _HEADER_BYTES:
            return self._begin(), _FIRST_CHECKSUM
        offset, checksum = self._good_length()
        if offset == size:
            return offset, checksum
        if not self._is_torn_tail(offset, size):
            return self._set_aside(offset, offset, checksum)
        self._file.truncate(offset)
        os.fsync(self._file.fileno())
        return offset, checksum

    def _refuse_foreign(self, header: bytes) -> None:
        if header.startswith(_MAGIC) and len(header) == _HEADER_BYTES:
            owner = short_form(header[-32:])
            raise LogUnusable(
                f"{self._path} belongs to {owner} in network {header[10:18].hex()}, "
                "not to this identity and network; use another state folder"
            )

    def _begin(self) -> int:
        self._file.seek(0)
        self._file.truncate(0)
        _write_all(self._file, self._header)
        os.fsync(self._file.fileno())
        _sync_folder(self._path.parent)
        return _HEADER_BYTES

    def _good_length(self) -> tuple[int, bytes]:
        with self._path.open("rb") as file:
            file.seek(_HEADER_BYTES)
            offset, checksum = _HEADER_BYTES, _FIRST_CHECKSUM
            try:
                while True:
                    _, checksum, offset = _read_record(file, offset, checksum)
            except _BadRecord:
                return offset, checksum

    def _is_torn_tail(self, offset: int, size: int) -> bool:
        """Tell a write that power cut short from bytes that changed after they were written.

        Nothing is appended before the append before it is synced, so a torn tail is shorter than
        one append, and no good record stands behind it.
        """
        if size - offset > OWN_LOG_APPEND_BYTES_MAX:
            return False
        tail = os.pread(self._file.fileno(), size - offset, offset)
        if len(tail) < _PREFIX.size:
            return True
        length, checksum = _PREFIX.unpack_from(tail)
        rest = tail[_PREFIX.size + length :]
        if len(rest) < _PREFIX.size:
            return True
        next_length, next_checksum = _PREFIX.unpack_from(rest)
        follower = rest[_PREFIX.size : _PREFIX.size + next_length]
        return bool(_checksum(checksum, follower) != next_checksum)

    def _set_aside(self, damaged_at: int, good: int, checksum: bytes) -> tuple[int, bytes]:
        """Move the damaged file away and go on with a copy of its first ``good`` bytes."""
        aside = _free_name(self._path)
        copy = self._path.with_name(self._path.name + ".new")
        with self._path.open("rb") as damaged, copy.open("wb") as file:
            file.write(self._header)
            damaged.seek(_HEADER_BYTES)
            _copy(damaged, file, good - _HEADER_BYTES)
            file.flush()
            os.fsync(file.fileno())
        os.rename(self._path, aside)
        os.rename(copy, self._path)
        _sync_folder(self._path.parent)
        self._file.close()
        self._file = self._open()
        self.damage = Damage(damaged_at, aside)
        return good, checksum

    def _write(self, data: bytes) -> None:
        self._file.seek(self._length)
        _write_all(self._file, data)
        os.fdatasync(self._file.fileno())

    def _failure(self, error: OSError) -> LogFull | LogUnusable:
        """Undo the half-written append, and name what happened."""
        # When even that fails the next append writes over it, and a restart sees a torn tail.
        with suppress(OSError):
            self._file.truncate(self._length)
        if error.errno in _NO_ROOM:
            return LogFull(f"no room on the disk for {self._path}; free some space")
        return LogUnusable(f"cannot write {self._path}: {error.strerror}")


class _BadRecord(Exception):
    """No good record stands here: the end of the file, or something else."""


def _read_record(file: BinaryIO, offset: int, previous: bytes) -> tuple[bytes, bytes, int]:
    """Return the record at ``offset``, where ``file`` stands, its checksum, and the next offset."""
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        raise _BadRecord
    length, checksum = _PREFIX.unpack(prefix)
    if not 0 < length <= OWN_LOG_APPEND_BYTES_MAX:
        raise _BadRecord
    record = file.read(length)
    if len(record) < length or _checksum(previous, record) != checksum:
        raise _BadRecord
    return record, checksum, offset + _PREFIX.size + length


def _checksum(previous: bytes, record: bytes) -> bytes:
    return blake2b(previous + record, digest_size=8).digest()


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _copy(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count:
        piece = source.read(min(count, _COPY_BYTES))
        target.write(piece)
        count -= len(piece)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    return aside
