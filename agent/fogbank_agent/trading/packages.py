"""Opens packages of the blob store once, and keeps the last few."""

from collections import OrderedDict

import trio

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_wasm_tasks.package import Package, open_package

from ..limits import PACKAGES_OPEN_MAX


class PackageShelf:
    """The packages used last, opened and checked."""

    def __init__(self, blobs: BlobStore) -> None:
        """Read packages from ``blobs``."""
        self._blobs = blobs
        self._packages: OrderedDict[BlobId, Package] = OrderedDict()
        self._opening = trio.Lock()

    async def open(self, package_id: BlobId) -> Package:
        """Return the package, which must be in the blob store.

        Raises:
            BlobMissing: it is not there.
            RemoteProtocolError: it breaks a rule of SPEC.md section 7.
        """
        async with self._opening:
            package = self._packages.get(package_id)
            if package is None:
                data = await self._blobs.read(package_id)
                # Every operator of the module is decoded: a second for a large one.
                package = await trio.to_thread.run_sync(open_package, data)
                self._packages[package_id] = package
                if len(self._packages) > PACKAGES_OPEN_MAX:
                    self._packages.popitem(last=False)
            self._packages.move_to_end(package_id)
            return package

    def has(self, package_id: BlobId) -> bool:
        """Tell whether the package is open."""
        return package_id in self._packages
