"""Writes accepted vertices to the store in batches, and waits out a full disk (section 8.8)."""

from collections.abc import Iterable, Sequence
from itertools import islice

import trio

from fogbank_protocol.node.database import DatabaseFailure

from ..limits import (
    DISK_RETRY_S,
    STORE_BATCH_S,
    STORE_BATCH_VERTICES,
    STORE_WAITING_BYTES_MAX,
    STORE_WAITING_MAX,
)
from ..vertex import VertexId
from .store import VertexStore


class StoreWriter:
    """Vertices on their way to the disk; until they are there, they are answered from here."""

    def __init__(self, store: VertexStore) -> None:
        """Write to ``store``, which nobody else appends to."""
        self._store = store
        self._waiting: dict[VertexId, bytes] = {}
        self._waiting_bytes = 0
        self._changed = trio.Event()
        self._flushes = 0
        self._failure_changed = trio.Event()
        self.failure: str | None = None
        """Why the last batch could not be written, as a sentence; None when it was."""

    def put(self, vertices: Iterable[tuple[VertexId, bytes]]) -> None:
        """Write ``vertices`` soon, also when there is no room: they were accepted."""
        for vertex_id, wire in vertices:
            if vertex_id not in self._waiting:
                self._waiting[vertex_id] = wire
                self._waiting_bytes += len(wire)
        self._say_changed()

    @property
    def has_room(self) -> bool:
        """Whether not too much waits to be written: whoever accepts vertices waits for room."""
        waiting_max = STORE_WAITING_BYTES_MAX
        return len(self._waiting) < STORE_WAITING_MAX and self._waiting_bytes < waiting_max

    async def wait_for_room(self) -> None:
        """Return when there is room."""
        while not self.has_room:
            await self._changed.wait()

    async def flush(self) -> None:
        """Return when all that waits now is written, or cannot be."""
        last = next(reversed(self._waiting), None)
        self._flushes += 1
        self._say_changed()
        try:
            while last in self._waiting and self.failure is None:
                await self._changed.wait()
        finally:
            self._flushes -= 1

    async def wait_failure_changed(self) -> str | None:
        """Return ``failure`` when it has changed."""
        await self._failure_changed.wait()
        self._failure_changed = trio.Event()
        return self.failure

    async def find(self, vertex_ids: Sequence[VertexId]) -> list[bytes]:
        """Return those of the vertices that are kept, on the wire, in the order of the ids."""
        kept = {wanted: self._waiting[wanted] for wanted in vertex_ids if wanted in self._waiting}
        others = [wanted for wanted in vertex_ids if wanted not in kept]
        if others:
            kept |= await trio.to_thread.run_sync(self._store.find, others)
        return [kept[wanted] for wanted in vertex_ids if wanted in kept]

    async def run(self) -> None:
        """Write until cancelled; then write what waits, once."""
        try:
            while True:
                await self._wait_for_batch()
                if not await self._write_batch():
                    await trio.sleep(DISK_RETRY_S)
        finally:
            with trio.CancelScope(shield=True):
                while self._waiting and await self._write_batch():
                    pass

    async def _wait_for_batch(self) -> None:
        while not self._waiting:
            await self._changed.wait()
        with trio.move_on_after(STORE_BATCH_S):
            while len(self._waiting) < STORE_BATCH_VERTICES and not self._flushes:
                await self._changed.wait()

    async def _write_batch(self) -> bool:
        batch = list(islice(self._waiting.items(), STORE_BATCH_VERTICES))
        try:
            await trio.to_thread.run_sync(self._store.append, batch)
        except DatabaseFailure as error:
            self._note_failure(str(error))
            self._say_changed()
            return False
        self._note_failure(None)
        for vertex_id, wire in batch:
            del self._waiting[vertex_id]
            self._waiting_bytes -= len(wire)
        self._say_changed()
        return True

    def _note_failure(self, failure: str | None) -> None:
        if failure != self.failure:
            self.failure = failure
            self._failure_changed.set()

    def _say_changed(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()
