"""Blobs in a folder, named by their id: a file each, small ones together (SPEC.md section 6.1)."""

import errno
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from logging import getLogger
from pathlib import Path
from typing import TypeVar

import trio

from ..blobs.naming import (
    BLOB_ID_BYTES,
    BlobId,
    Description,
    check_size,
    chunks,
    describe,
)
from ..blobs.naming import blob_id as blob_id_of
from ..errors import RemoteProtocolError
from ..limits import (
    BLOB_STORE_BYTES,
    CHUNK_BYTES,
    STORE_DESCRIPTIONS_MAX,
    STORE_READ_CHUNKS_MAX,
    STORE_SMALL_BYTES_MAX,
)
from . import blob_files
from .blob_room import BlobMissing, BlobRoom, Kept, StoreFull
from .database import DatabaseFailure
from .small_blobs import SmallBlobs

__all__ = ["BlobMissing", "BlobStore", "StoreFull"]

_logger = getLogger(__name__)
Result = TypeVar("Result")

_WRITING = ".writing"
_PART = ".part"


class BlobStore:
    """Blobs on disk within ``capacity_bytes``; the longest unused and unpinned make room.

    Files are written beside, synced and renamed, and then their folder is synced, so that a blob is
    there whole or not at all, and what was put is there after a loss of power: results that are
    paid for, say, of which there is no other copy.
    Small ones that come together are in one database.  Every read is checked; a file that went bad
    is removed and the blob is missing.
    """

    def __init__(self, folder: Path, *, capacity_bytes: int = BLOB_STORE_BYTES) -> None:
        """Use ``folder``, made when absent; what an interrupted write left there is removed.

        Raises:
            DatabaseFailure: the file of the small ones cannot be used.
        """
        self._folder = folder
        self._small = SmallBlobs(folder)
        self._room = BlobRoom(capacity_bytes)
        self._locks: dict[BlobId, trio.Lock] = {}
        self._descriptions: dict[BlobId, Description] = {}
        self._write_numbers = count()
        if not folder.is_dir():
            folder.mkdir(parents=True)
            blob_files.sync(folder.parent)
        self._scan()

    def close(self) -> None:
        """Close the file of the small ones; what is used after that opens it again."""
        self._small.close()

    def _scan(self) -> None:
        for named, size in self._small.load():
            self._room.add(Kept(named, is_part=False), size)
        files = [path for path in self._folder.iterdir() if path.is_file()]
        for path in sorted(files, key=lambda path: path.stat().st_mtime_ns):
            if path.suffix == _WRITING:
                path.unlink()
            elif (blob_id := _blob_id_of(path)) is not None:
                kept = Kept(blob_id, is_part=path.suffix == _PART)
                self._room.add(kept, path.stat().st_size)

    def has(self, blob_id: BlobId) -> bool:
        """Tell whether the blob is here."""
        return self._room.has(blob_id)

    def size(self, blob_id: BlobId) -> int:
        """Return the blob's bytes.

        Raises:
            BlobMissing: it is not here.
        """
        return self._room.size(blob_id)

    @property
    def used_bytes(self) -> int:
        """How much of the capacity is used, with what is reserved for blobs under way."""
        return self._room.used_bytes

    @property
    def pinned_count(self) -> int:
        """How many blobs are pinned, here or not."""
        return self._room.pinned_count

    async def put(self, data: bytes) -> BlobId:
        """Keep ``data`` and return its name.

        Raises:
            StoreFull: there is no room on the disk or in the store.
            RemoteProtocolError: it is longer than ``BLOB_BYTES_MAX``.
        """
        check_size(len(data))
        description = await _described(data)
        await self._write(description, chunks(data))
        return description.blob_id

    async def put_small(self, blobs: Sequence[bytes]) -> Sequence[BlobId]:
        """Keep all of ``blobs``, each of one chunk at most, with one turn at the disk for all.

        Return their names.

        Raises:
            StoreFull: there is no room for them; none of them is kept.
        """
        await trio.lowlevel.checkpoint()
        assert all(len(data) <= CHUNK_BYTES for data in blobs)
        names = list(map(blob_id_of, blobs))
        missing: dict[BlobId, bytes] = {}
        for named, data in zip(names, blobs, strict=True):
            if self._room.has(named):
                self._room.use(named)
            else:
                missing[named] = data
        if not missing:
            return names
        small = {named: data for named, data in missing.items() if _is_small(data)}
        files = {
            self._folder / f"{next(self._write_numbers)}{_WRITING}": (named, data)
            for named, data in missing.items()
            if named not in small
        }

        def write() -> None:
            blob_files.write_files([(path, data) for path, (_, data) in files.items()])
            if small:
                self._write_small(small, list(files))
            blob_files.rename_all([(path, self._path(named)) for path, (named, _) in files.items()])

        with self._reserved(sum(map(len, missing.values()))):
            await _in_thread(write)
            for named, data in missing.items():
                self._room.add(Kept(named, is_part=False), len(data))
        return names

    def _write_small(self, small: Mapping[BlobId, bytes], written: Iterable[Path]) -> None:
        try:
            self._small.write(small)
        except DatabaseFailure as error:
            for path in written:
                path.unlink(missing_ok=True)
            raise StoreFull(str(error)) from error

    async def put_file(self, path: Path) -> BlobId:
        """Keep a copy of the file at ``path``; as ``put``, without holding it in memory.

        Raises:
            OSError: the file cannot be read.
            BlobMissing: the file changed while it was copied.
        """
        description = await trio.to_thread.run_sync(blob_files.describe_file, path)
        await self._write(description, blob_files.read_pieces(path))
        await self.describe(description.blob_id)
        return description.blob_id

    async def _write(self, description: Description, pieces: Iterable[bytes]) -> None:
        blob_id = description.blob_id
        if self._room.has(blob_id):
            self._room.use(blob_id)
            return
        path = self._folder / f"{next(self._write_numbers)}{_WRITING}"
        with self._reserved(description.size):

            def write() -> None:
                blob_files.write_file(path, pieces)
                blob_files.rename_all([(path, self._path(blob_id))])

            await _in_thread(write)
            self._room.add(Kept(blob_id, is_part=False), description.size)

    async def read(self, blob_id: BlobId) -> bytes:
        """Return the whole blob.

        Raises:
            BlobMissing: it is not here, or its file went bad.
        """
        path = self._use(blob_id)
        with self._missing_when_unreadable(blob_id):
            if self._small.holds(blob_id):
                (data,) = await _in_thread(lambda: self._read_held([blob_id]))
            else:
                data = await _in_thread(path.read_bytes)
        if not self._room.has(blob_id):
            # It made room for others meanwhile.
            raise BlobMissing(blob_id)
        if (
            data is None
            or len(data) != self._room.size(blob_id)
            or ((await _described(data)).blob_id != blob_id)
        ):
            raise self._went_bad(blob_id)
        return data

    async def read_small(self, blob_ids: Sequence[BlobId]) -> Sequence[bytes | None]:
        """Return these blobs, each of one chunk at most, with one turn at the disk for all.

        None stands for one that is not here, or whose file went bad.
        """
        held = [named for named in blob_ids if self._small.holds(named)]
        paths = {named: self._path(named) for named in blob_ids if not self._small.holds(named)}

        def read() -> dict[BlobId, bytes | None]:
            found = dict(zip(held, self._read_held(held), strict=True))
            return found | {named: blob_files.try_read(path) for named, path in paths.items()}

        found = await _in_thread(read)
        return [await self._checked(named, found[named]) for named in blob_ids]

    def _read_held(self, blob_ids: Sequence[BlobId]) -> Sequence[bytes | None]:
        """Read small ones; in a worker thread."""
        if not blob_ids:
            return []
        try:
            return self._small.read(blob_ids)
        except DatabaseFailure as error:
            _logger.error("small blobs cannot be read: %s", error)
            return [None] * len(blob_ids)

    async def _checked(self, blob_id: BlobId, data: bytes | None) -> bytes | None:
        if data is not None and self._room.has(blob_id) and blob_id_of(data) == blob_id:
            self._room.use(blob_id)
            return data
        try:
            return await self.read(blob_id)
        except BlobMissing:
            return None

    async def describe(self, blob_id: BlobId) -> Description:
        """Return the blob's size and chunk hashes.

        Raises:
            BlobMissing: it is not here, or its file went bad.
        """
        path = self._use(blob_id)
        description = self._descriptions.get(blob_id)
        if description is None and self._small.holds(blob_id):
            return describe(await self.read(blob_id))
        if description is None:
            with self._missing_when_unreadable(blob_id):
                try:
                    description = await _in_thread(lambda: blob_files.describe_file(path))
                except RemoteProtocolError:
                    # Too large for any blob: nobody's fault but the disk's.
                    raise self._went_bad(blob_id) from None
            if description.blob_id != blob_id:
                raise self._went_bad(blob_id)
            self._descriptions[blob_id] = description
            if len(self._descriptions) > STORE_DESCRIPTIONS_MAX:
                del self._descriptions[next(iter(self._descriptions))]
        return description

    async def read_chunks(self, blob_id: BlobId, first: int, count: int) -> AsyncGenerator[bytes]:
        """Yield ``count`` chunks of the blob from chunk ``first`` on; it must have them.

        Raises:
            BlobMissing: it is not here, or its file went bad; maybe after some chunks.
        """
        description = await self.describe(blob_id)
        end = first + count
        for start in range(first, end, STORE_READ_CHUNKS_MAX):
            for chunk in await self._read_some(
                description, start, min(STORE_READ_CHUNKS_MAX, end - start)
            ):
                yield chunk

    async def _read_some(self, description: Description, first: int, count: int) -> Sequence[bytes]:
        blob_id = description.blob_id
        if self._small.holds(blob_id):
            return list(chunks(await self.read(blob_id)))[first : first + count]
        path = self._use(blob_id)

        def read_checked() -> Sequence[bytes] | None:
            data = blob_files.read_chunks(path, first, count)
            right = all(
                description.is_chunk(index, chunk) for index, chunk in enumerate(data, first)
            )
            return data if right and len(data) == count else None

        with self._missing_when_unreadable(blob_id):
            read = await _in_thread(read_checked)
        if read is None:
            raise self._went_bad(blob_id)
        return read

    def pin(self, blob_id: BlobId) -> None:
        """Keep the blob, here already or not, until as many calls of ``unpin``."""
        self._room.pin(blob_id)

    def unpin(self, blob_id: BlobId) -> None:
        """Take back one ``pin``."""
        self._room.unpin(blob_id)

    @contextmanager
    def pinned(self, blob_id: BlobId) -> Generator[None]:
        """Keep the blob from making room for others while inside; may be nested."""
        with self.all_pinned([blob_id]):
            yield

    @contextmanager
    def all_pinned(self, blob_ids: Iterable[BlobId]) -> Generator[None]:
        """Keep all these blobs, each as ``pinned``."""
        kept = list(blob_ids)
        for blob_id in kept:
            self.pin(blob_id)
        try:
            yield
        finally:
            for blob_id in kept:
                self.unpin(blob_id)

    @asynccontextmanager
    async def exclusively(self, blob_id: BlobId) -> AsyncGenerator[None]:
        """Let one at a time bring ``blob_id`` here."""
        lock = self._locks.setdefault(blob_id, trio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._locks.pop(blob_id, None)

    async def begin_part(self, description: Description) -> int:
        """Reserve room for a blob and return how many of its chunks are here, from its start.

        Raises:
            StoreFull: there is no room for it.
        """
        blob_id = description.blob_id
        held = self._room.part_bytes(blob_id)
        with self._reserved(max(description.size - held, 0)):
            right = await _in_thread(
                lambda: blob_files.keep_right_prefix(self._part_path(blob_id), description)
            )
            self._room.add(Kept(blob_id, is_part=True), description.size)
        return right

    async def append_to_part(self, blob_id: BlobId, data: bytes) -> None:
        """Add the next chunk, which the caller has checked.

        Raises:
            StoreFull: the disk is full; what was there before stays.
        """
        await _in_thread(lambda: blob_files.append(self._part_path(blob_id), data))

    async def finish_part(self, blob_id: BlobId) -> None:
        """Make a blob of the part, all of whose chunks are here."""
        part = self._part_path(blob_id)

        def finish() -> None:
            blob_files.sync(part)
            blob_files.rename_all([(part, self._path(blob_id))])

        await _in_thread(finish)
        self._room.complete(blob_id)

    def _use(self, blob_id: BlobId) -> Path:
        """Count the blob as the one used last, and return its path."""
        self._room.use(blob_id)
        return self._path(blob_id)

    @contextmanager
    def _reserved(self, size: int) -> Generator[None]:
        """Make room for ``size`` bytes and hold it while inside."""
        for kept in self._room.in_the_way(size, fetched=self._locks):
            self._remove(kept)
        self._room.reserve(size)
        try:
            yield
        finally:
            self._room.release(size)

    def _remove(self, kept: Kept) -> None:
        if not kept.is_part and self._small.holds(kept.blob_id):
            self._small.forget(kept.blob_id)
        else:
            path = self._part_path(kept.blob_id) if kept.is_part else self._path(kept.blob_id)
            path.unlink(missing_ok=True)
        self._room.remove(kept)
        self._descriptions.pop(kept.blob_id, None)

    def _went_bad(self, blob_id: BlobId) -> BlobMissing:
        _logger.error("the file of blob %s went bad and is removed: check the disk", blob_id.hex())
        if self._room.has(blob_id):
            self._remove(Kept(blob_id, is_part=False))
        return BlobMissing(blob_id)

    @contextmanager
    def _missing_when_unreadable(self, blob_id: BlobId) -> Generator[None]:
        try:
            yield
        except FileNotFoundError:
            # Removed to make room while it waited for a thread, or by somebody else's hand.
            self._room.remove(Kept(blob_id, is_part=False))
            raise BlobMissing(blob_id) from None
        except OSError as error:
            # A bad sector, or too many files open: one blob less for now, and no reason to stop.
            _logger.error("blob %s cannot be read: %s", blob_id.hex(), error)
            raise BlobMissing(blob_id) from error

    def _path(self, blob_id: BlobId) -> Path:
        return self._folder / blob_id.hex()

    def _part_path(self, blob_id: BlobId) -> Path:
        return self._folder / (blob_id.hex() + _PART)


def _is_small(data: bytes) -> bool:
    return len(data) <= STORE_SMALL_BYTES_MAX


async def _described(data: bytes) -> Description:
    """Return the description of ``data``; hashing one chunk takes less time than a thread does."""
    if len(data) > CHUNK_BYTES:
        return await trio.to_thread.run_sync(describe, data)
    await trio.lowlevel.checkpoint()
    return describe(data)


async def _in_thread(function: Callable[[], Result]) -> Result:
    """Run ``function`` in a worker thread, and name the failure of a full disk."""
    try:
        return await trio.to_thread.run_sync(function)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFull("the disk is full: make room on it") from error
        raise


def _blob_id_of(path: Path) -> BlobId | None:
    try:
        blob_id = bytes.fromhex(path.stem)
    except ValueError:
        return None
    is_named_so = path.name in {blob_id.hex(), blob_id.hex() + _PART}
    return BlobId(blob_id) if len(blob_id) == BLOB_ID_BYTES and is_named_so else None
