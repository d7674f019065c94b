"""Reading and writing the files of blobs; blocking, for worker threads (SPEC.md section 6.1)."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..blobs.naming import Description, check_size, hash_chunk
from ..limits import CHUNK_BYTES


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write ``pieces`` to a new file at ``path`` and wait until the disk has them.

    After a failure there is no file.
    """
    try:
        with path.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def write_files(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write each of ``files`` as ``write_file`` does; after a failure there is none of them."""
    try:
        for path, data in files:
            write_file(path, (data,))
    except OSError:
        for path, _ in files:
            path.unlink(missing_ok=True)
        raise


def try_read(path: Path) -> bytes | None:
    """Return what the file at ``path`` holds; None when it cannot be read or holds no chunk."""
    try:
        return path.read_bytes() if path.stat().st_size <= CHUNK_BYTES else None
    except OSError:
        return None


def read_pieces(path: Path) -> Iterable[bytes]:
    """Yield what the file at ``path`` holds, a chunk at a time."""
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def describe_file(path: Path) -> Description:
    """Return the size and chunk hashes of the file at ``path``.

    Raises:
        OSError: it cannot be read.
        RemoteProtocolError: it is too large for a blob.
    """
    size = 0
    hashes: list[bytes] = []
    for piece in read_pieces(path):
        size += len(piece)
        check_size(size)
        hashes.append(hash_chunk(piece))
    return Description(size, tuple(hashes))


def read_chunks(path: Path, first: int, count: int) -> Sequence[bytes]:
    """Return ``count`` chunks of the file from chunk ``first`` on; fewer at its end."""
    with path.open("rb") as file:
        file.seek(first * CHUNK_BYTES)
        data = file.read(count * CHUNK_BYTES)
    return [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]


def keep_right_prefix(path: Path, description: Description) -> int:
    """Cut the file at ``path``, made when absent, after its last right chunk; return their number.

    Right means: of the blob of ``description``, without a gap from its start.
    """
    right = 0
    with path.open("a+b") as file:
        file.seek(0)
        for index in range(len(description.hashes)):
            if not description.is_chunk(index, file.read(CHUNK_BYTES)):
                break
            right += 1
        file.truncate(min(right * CHUNK_BYTES, description.size))
    return right


def append(path: Path, data: bytes) -> None:
    """Write ``data`` after what is in the file at ``path``.

    After a failure the file may have a part of it: see ``keep_right_prefix``.
    """
    with path.open("ab") as file:
        file.write(data)


def rename_all(names: Sequence[tuple[Path, Path]]) -> None:
    """Give each of these files, all of one folder, its new name, and wait until the disk has them.

    A name is on disk when its folder is: after a loss of power a file that was synced alone may be
    found under the old one.
    """
    for old, new in names:
        old.rename(new)
    for folder in {new.parent for _, new in names}:
        sync(folder)


def sync(path: Path) -> None:
    """Wait until the disk has the file, or the names in the folder, at ``path``."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
