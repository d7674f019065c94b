"""Files that change their place and never half: what each step leaves after a loss of power."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_COPY_BYTES = 1 << 20


def open_locked(path: Path) -> BinaryIO:
    """Open ``path`` to read and write, made when absent, as the only process that does.

    Raises:
        BlockingIOError: another process has it open.
        OSError: it cannot be opened.
    """
    # Not "a": appending goes where the caller says, even after a failed write.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    file = os.fdopen(descriptor, "r+b", buffering=0)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), path.stat()):
            # Another process had it open until just now, and put a new one in its place.
            raise BlockingIOError
    except OSError:
        file.close()
        raise
    return file


@contextmanager
def replace(path: Path) -> Generator[BinaryIO]:
    """Give a new file to fill, locked, and let it take the place of ``path`` at the end.

    It stays open.  After an error there is only the old file.  The folder is not synced yet:
    until then a loss of power may bring back the old one.
    """
    name = new_name(path)
    name.unlink(missing_ok=True)
    file = open_locked(name)
    try:
        yield file
        os.fsync(file.fileno())
        os.rename(name, path)
    except BaseException:
        file.close()
        name.unlink(missing_ok=True)
        raise


def finish_replacing(path: Path) -> None:
    """Finish, or undo, what a loss of power interrupted while ``path`` was being replaced."""
    name = new_name(path)
    if not name.exists():
        return
    if path.exists():
        name.unlink()
    else:
        # The old file was moved away, which is done when the new one is whole and synced.
        os.rename(name, path)
        sync_folder(path.parent)


def new_name(path: Path) -> Path:
    """Return where the file is written that is to take the place of ``path``."""
    return path.with_name(path.name + ".new")


def free_name(path: Path) -> Path:
    """Return a name beside ``path`` under which a damaged file can be put."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    return aside


def write_all(file: BinaryIO, data: bytes | bytearray) -> None:
    """Write all of ``data`` to an unbuffered file, in as many pieces as the system wants."""
    written = 0
    while written < len(data):
        written += file.write(data[written:])


def copy_bytes(source: BinaryIO, target: BinaryIO, count: int) -> None:
    """Copy the next ``count`` bytes of ``source``."""
    while count:
        piece = source.read(min(count, _COPY_BYTES))
        target.write(piece)
        count -= len(piece)


def sync_folder(folder: Path) -> None:
    """Return when the names in ``folder`` are on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
