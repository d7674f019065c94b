"""Reads the own log back at the start, and copies to it what it lacks (SPEC.md section 8.8)."""

from collections.abc import Iterator, Sequence
from itertools import islice

import trio

from fogbank_protocol.identity import NetworkId

from ..limits import OWN_LOG_APPEND_BYTES_MAX, REPLAY_PAUSE_VERTICES, VERTEX_BYTES_MAX
from ..vertex import Vertex, VertexId
from ..vertex_codec import decode_vertex
from .disk import Disk

_ADOPTED_AT_ONCE = OWN_LOG_APPEND_BYTES_MAX // (2 * VERTEX_BYTES_MAX)


class OwnRecords:
    """The own log as it was when the agent started."""

    def __init__(self, disk: Disk, network: NetworkId) -> None:
        self._disk = disk
        self._network = network
        self._records: Iterator[bytes] = disk.log.records()

    async def read(self) -> list[Vertex]:
        """Return the next vertices, none at the end."""
        wires = await trio.to_thread.run_sync(self._read_page)
        return [decode_vertex(wire, self._network) for wire in wires]

    async def adopt(self, vertex_ids: Sequence[VertexId]) -> None:
        """Copy own vertices to the log that came back from the store or from peers."""
        # What they refer to first, as for new ones.
        await self._disk.writer.flush()
        absent = iter(vertex_ids)
        while ids := list(islice(absent, _ADOPTED_AT_ONCE)):
            wires = await self._disk.writer.find(ids)
            await trio.to_thread.run_sync(self._disk.log.append, wires)

    async def shorten(self, first: int) -> None:
        """Leave out of the log what comes before position ``first`` of the own chain.

        Raises:
            LogFull, LogUnusable: as ``OwnLog.shorten``; the log is as it was.
        """

        def is_needed(wire: bytes) -> bool:
            return decode_vertex(wire, self._network).seq >= first

        await trio.to_thread.run_sync(self._disk.log.shorten, is_needed)

    def _read_page(self) -> list[bytes]:
        return list(islice(self._records, REPLAY_PAUSE_VERTICES))
