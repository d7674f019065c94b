"""Packages that this agent keeps for its neighbours until they are withdrawn.

A copy of each lies in the state folder, so that it is still there after a start and whatever else
the blob store had to make room for.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import trio

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_wasm_tasks.package import Package, open_package

from .errors import MachineError, Refused
from .limits import PUBLISHED_MAX

_log = logging.getLogger(__name__)
_SUFFIX = ".fogpkg"


class PublishedPackages:
    """The packages published here: in the blob store, pinned, and on disk beside it."""

    def __init__(self, folder: Path, blobs: BlobStore) -> None:
        """Keep copies in ``folder``, made when the first package is published."""
        self._folder = folder
        self._blobs = blobs
        self._ids: set[BlobId] = set()

    @property
    def package_ids(self) -> Sequence[BlobId]:
        """What is published now, ascending."""
        return sorted(self._ids)

    async def restore(self) -> None:
        """Bring back what was published before this start; a damaged copy is left out and told."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}"))[:PUBLISHED_MAX]:
            try:
                package_id = await self._blobs.put(await trio.to_thread.run_sync(path.read_bytes))
            except (OSError, StoreFull, RemoteProtocolError) as error:
                _log.warning("the published package %s is not given out: %s", path, error)
                continue
            if package_id.hex() != path.stem:
                _log.warning("the published package %s is damaged: publish it again", path)
                continue
            self._keep(package_id)

    async def publish(self, package_id: BlobId) -> Package:
        """Publish the package file in the blob store called ``package_id``, and return it.

        Raises:
            Refused: it is not there, it is no package that holds, or too many are published.
            MachineError: the copy cannot be written.
        """
        try:
            data = await self._blobs.read(package_id)
            package = await trio.to_thread.run_sync(open_package, data)
        except BlobMissing:
            raise Refused("the package is not here: hand it over again") from None
        except RemoteProtocolError as error:
            raise Refused(f"this cannot be published: {error}") from None
        if package_id not in self._ids:
            if len(self._ids) >= PUBLISHED_MAX:
                raise Refused(f"{PUBLISHED_MAX} packages are published already: withdraw one first")
            await trio.to_thread.run_sync(self._write, package_id, data)
            self._keep(package_id)
        return package

    async def withdraw(self, package_id: BlobId) -> None:
        """Keep the package no longer; whoever has fetched it still has it.

        Raises:
            Refused: it is not published here.
        """
        if package_id not in self._ids:
            raise Refused("this agent does not publish a package of that id")
        self._ids.remove(package_id)
        self._blobs.unpin(package_id)
        await trio.to_thread.run_sync(lambda: self._path(package_id).unlink(missing_ok=True))

    def _keep(self, package_id: BlobId) -> None:
        self._ids.add(package_id)
        self._blobs.pin(package_id)

    def _write(self, package_id: BlobId, data: bytes) -> None:
        path = self._path(package_id)
        beside = path.with_suffix(".new")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            beside.write_bytes(data)
            beside.replace(path)
        except OSError as error:
            raise MachineError(f"{path} cannot be written: {error.strerror}") from None

    def _path(self, package_id: BlobId) -> Path:
        assert len(package_id) == BLOB_ID_BYTES
        return self._folder / f"{package_id.hex()}{_SUFFIX}"
