"""The log of this node's own vertices: on disk before anyone sees them (SPEC.md section 8.8)."""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fogbank_protocol.identity import NetworkId, NodeId, short_form

from ..limits import OWN_LOG_APPEND_BYTES_MAX
from ..own_log_format import (
    FIRST_CHECKSUM,
    HEADER_BYTES,
    Damaged,
    Foreign,
    Readable,
    Unbegun,
    encode_records,
    header,
    inspect,
    read_records,
)
from .failures import LogFull, LogUnusable

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
        self._header = header(network, issuer)
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
            yield from read_records(file, self._length)

    def append(self, records: Sequence[bytes]) -> None:
        """Write ``records`` and return when they are on disk; blocks, so call it in a thread.

        After an error none of them counts as written.

        Raises:
            LogFull: the disk is full.
            LogUnusable: the disk does not take the bytes for another reason.
        """
        data, checksum = encode_records(self._checksum, records)
        assert len(data) <= OWN_LOG_APPEND_BYTES_MAX
        try:
            self._write(data)
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
        with self._path.open("rb") as file:
            finding = inspect(file, size, self._header)
        match finding:
            case Unbegun():
                return self._begin(), FIRST_CHECKSUM
            case Foreign(network, issuer):
                raise LogUnusable(
                    f"{self._path} belongs to {short_form(issuer)} in network {network.hex()}, "
                    "not to this identity and network; use another state folder"
                )
            case Damaged(offset, good):
                return self._set_aside(offset, good.length, good.checksum)
            case Readable(length, checksum, torn_bytes):
                if torn_bytes:
                    self._file.truncate(length)
                    os.fsync(self._file.fileno())
                return length, checksum

    def _begin(self) -> int:
        self._file.seek(0)
        self._file.truncate(0)
        _write_all(self._file, self._header)
        os.fsync(self._file.fileno())
        _sync_folder(self._path.parent)
        return HEADER_BYTES

    def _set_aside(self, damaged_at: int, good: int, checksum: bytes) -> tuple[int, bytes]:
        """Move the damaged file away and go on with a copy of its first ``good`` bytes."""
        aside = _free_name(self._path)
        copy = self._path.with_name(self._path.name + ".new")
        with self._path.open("rb") as damaged, copy.open("wb") as file:
            file.write(self._header)
            damaged.seek(HEADER_BYTES)
            _copy(damaged, file, good - HEADER_BYTES)
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
