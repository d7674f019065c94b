"""The inputs and outputs of a lot on disk, many small ones with one turn at it."""

from collections.abc import Sequence

import trio

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore

from ..limits import INLINE_BYTES_MAX, INLINE_SUM_BYTES_MAX


class InputShelf:
    """Reads the inputs of a lot, in order, small ones ahead."""

    def __init__(self, blobs: BlobStore, inputs: Sequence[BlobId]) -> None:
        """Read ``inputs``, one for each run, from ``blobs``; what is ahead fits in a message."""
        self._blobs = blobs
        self._inputs = inputs
        self._ahead: dict[int, bytes] = {}

    async def read(self, place: int) -> bytes:
        """Return the input of the run at ``place``, each once.

        Raises:
            BlobMissing: it is not here, or its file went bad.
        """
        await trio.lowlevel.checkpoint()
        if place not in self._ahead:
            await self._read_ahead(place)
        data = self._ahead.pop(place, None)
        return await self._blobs.read(self._inputs[place]) if data is None else data

    async def _read_ahead(self, place: int) -> None:
        left, end = INLINE_SUM_BYTES_MAX, place
        while end < len(self._inputs):
            size = self._blobs.size(self._inputs[end])
            if size > min(INLINE_BYTES_MAX, left):
                break
            left, end = left - size, end + 1
        wanted = self._inputs[place:end]
        found = await self._blobs.read_small(wanted)
        for number, data in enumerate(found, place):
            if data is None:
                raise BlobMissing(self._inputs[number])
            self._ahead[number] = data


class OutputShelf:
    """Keeps the outputs of a lot, small ones together."""

    def __init__(self, blobs: BlobStore) -> None:
        """Keep them in ``blobs``."""
        self._blobs = blobs
        self._waiting: list[bytes] = []
        self._bytes = 0

    async def keep(self, output: bytes) -> None:
        """Keep ``output``, at the latest when ``end`` returns.

        Raises:
            StoreFull: there is no room for it or those before it.
        """
        await trio.lowlevel.checkpoint()
        if len(output) > INLINE_BYTES_MAX:
            await self._blobs.put(output)
            return
        self._waiting.append(output)
        self._bytes += len(output)
        if self._bytes > INLINE_SUM_BYTES_MAX:
            await self.end()

    async def end(self) -> None:
        """Return when all is kept; as ``keep``."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        await self._blobs.put_small(waiting)
