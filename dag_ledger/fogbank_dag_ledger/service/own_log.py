"""The log of this node's own vertices: on disk before anyone sees them (SPEC.md section 8.8)."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from fogbank_protocol.identity import NetworkId, NodeId, short_form

from ..limits import OWN_LOG_APPEND_BYTES_MAX, OWN_LOG_SHORTEN_BYTES
from ..own_log_format import (
    HEADER_BYTES,
    BadRecord,
    Damaged,
    Foreign,
    Readable,
    Unbegun,
    encode_records,
    first_checksum,
    header,
    inspect,
    read_records,
)
from .failures import LogFull, LogUnusable
from .safe_files import (
    copy_bytes,
    finish_replacing,
    free_name,
    new_name,
    open_locked,
    replace,
    sync_folder,
    write_all,
)

_PIECE_BYTES = 1 << 16
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Damage:
    """What was wrong with a log that was set aside."""

    offset: int
    """The first byte that is not as it was written."""

    set_aside: Path
    """Where the damaged file is now; a copy of its good beginning took its place."""


class OwnLog:
    """A file of this node's own vertices, open for writing by one process.

    It is appended to, and now and then what nobody needs any more is left out of it.
    """

    shorten_bytes = OWN_LOG_SHORTEN_BYTES
    """It is not shortened before it is as long; tests make it less."""

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
        self.is_new = False
        """Whether there was none, or not even its beginning."""

        self._lock = Lock()
        self._shorten_at = self.shorten_bytes
        self._folder_is_synced = True
        try:
            finish_replacing(path)
            self._file = open_locked(path)
            self._length, self._checksum = self._recover_or_close()
        except BlockingIOError:
            raise LogUnusable(f"{path} is in use by another agent; stop that one first") from None
        except OSError as error:
            raise LogUnusable(f"cannot use {path}: {error.strerror}") from error

    def records(self) -> Iterator[bytes]:
        """Yield every vertex of the log, oldest first."""
        with self._lock:
            file, length = self._path.open("rb"), self._length
        with file:
            yield from read_records(file, length)

    def append(self, records: Sequence[bytes]) -> None:
        """Write ``records`` and return when they are on disk; blocks, so call it in a thread.

        After an error none of them counts as written.

        Raises:
            LogFull: the disk is full.
            LogUnusable: the disk does not take the bytes for another reason.
        """
        with self._lock:
            data, checksum = encode_records(self._checksum, records)
            assert len(data) <= OWN_LOG_APPEND_BYTES_MAX
            try:
                self._write(data)
            except OSError as error:
                raise self._failure(error) from error
            self._length += len(data)
            self._checksum = checksum

    def shorten(self, is_needed: Callable[[bytes], bool]) -> None:
        """Leave out the vertices that ``is_needed`` denies, once the log is long; blocks.

        The file is replaced as a whole: whenever power fails there is the old one or the new one.

        Raises:
            LogFull: there is no room for the new one, and the old one is as it was.
            LogUnusable: the disk does not take it for another reason.
        """
        with self._lock:
            if self._length < self._shorten_at:
                return
            try:
                self._replace(is_needed)
            except BadRecord:
                # It changed on the disk: the next start sets it aside, as it is.
                pass
            except OSError as error:
                raise self._failure(error) from error
            self._shorten_at = max(self.shorten_bytes, 2 * self._length)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._file.close()

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
                return self._begin(), first_checksum(self._header)
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

    @property
    def is_empty(self) -> bool:
        """Whether it holds no vertex."""
        return self._length == HEADER_BYTES

    def _begin(self) -> int:
        self.is_new = True
        self._file.seek(0)
        self._file.truncate(0)
        write_all(self._file, self._header)
        os.fsync(self._file.fileno())
        sync_folder(self._path.parent)
        return HEADER_BYTES

    def _set_aside(self, damaged_at: int, good: int, checksum: bytes) -> tuple[int, bytes]:
        """Move the damaged file away and go on with a copy of its first ``good`` bytes."""
        aside = free_name(self._path)
        copy = new_name(self._path)
        with self._path.open("rb") as damaged, copy.open("wb") as file:
            file.write(self._header)
            damaged.seek(HEADER_BYTES)
            copy_bytes(damaged, file, good - HEADER_BYTES)
            file.flush()
            os.fsync(file.fileno())
        os.rename(self._path, aside)
        os.rename(copy, self._path)
        sync_folder(self._path.parent)
        self._file.close()
        self._file = open_locked(self._path)
        self.damage = Damage(damaged_at, aside)
        return good, checksum

    def _replace(self, is_needed: Callable[[bytes], bool]) -> None:
        """Write the needed records to a new file, let it take the place of this one, and use it."""
        length, checksum = HEADER_BYTES, first_checksum(self._header)
        with replace(self._path) as new:
            piece = bytearray(self._header)
            with self._path.open("rb") as old:
                for record in filter(is_needed, read_records(old, self._length)):
                    data, checksum = encode_records(checksum, [record])
                    length += len(data)
                    piece += data
                    if len(piece) >= _PIECE_BYTES:
                        write_all(new, piece)
                        piece.clear()
            write_all(new, piece)
        self._file.close()
        self._file, self._length, self._checksum = new, length, checksum
        # Until then power could bring back the old file, without what is appended to the new one.
        self._folder_is_synced = False
        self._sync_folder()

    def _sync_folder(self) -> None:
        if not self._folder_is_synced:
            sync_folder(self._path.parent)
            self._folder_is_synced = True

    def _write(self, data: bytes) -> None:
        self._sync_folder()
        self._file.seek(self._length)
        write_all(self._file, data)
        os.fdatasync(self._file.fileno())

    def _failure(self, error: OSError) -> LogFull | LogUnusable:
        """Undo the half-written append, and name what happened."""
        # When even that fails the next append writes over it, and a restart sees a torn tail.
        with suppress(OSError):
            self._file.truncate(self._length)
        if error.errno in _NO_ROOM:
            return LogFull(f"no room on the disk for {self._path}; free some space")
        return LogUnusable(f"cannot write {self._path}: {error.strerror}")
