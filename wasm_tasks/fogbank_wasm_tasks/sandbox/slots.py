"""The worker slots of a sandbox: who may use one, in line, and when a worker is stopped."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from ..errors import SandboxBusy
from ..limits import RUNS_QUEUED_MAX
from .process import ChildGone
from .settings import Target
from .slot import WorkerSlot


class Slots:
    """A fixed number of slots, each taken by one run or one turn of a batch at a time."""

    def __init__(self, count: int, target: Target) -> None:
        """Have ``count`` slots for workers that run what is compiled for ``target``."""
        self._slots = [WorkerSlot(target) for _ in range(count)]
        self._free = list(self._slots)
        self._turns = trio.Semaphore(count)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._slots)

    @property
    def taken_count(self) -> int:
        """How many are taken."""
        return len(self._slots) - len(self._free)

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return self._turns.statistics().tasks_waiting

    def have(self, key: bytes) -> bool:
        """Tell whether any worker has the module ``key`` loaded."""
        return any(slot.has(key) for slot in self._slots)

    @asynccontextmanager
    async def taken(self, key: bytes) -> AsyncGenerator[WorkerSlot]:
        """Take a free slot, rather one that has the module ``key``; give it back fit for use.

        Raises:
            SandboxBusy: too many wait already.
        """
        if self.waiting >= RUNS_QUEUED_MAX:
            raise SandboxBusy(f"{RUNS_QUEUED_MAX} runs wait already")
        async with self._turns:
            slot = max(self._free, key=lambda each: (each.has(key), each.is_live))
            self._free.remove(slot)
            try:
                yield slot
            except ChildGone:
                slot.note_death()
                await slot.stop()
                raise
            finally:
                if slot.is_in_doubt:
                    await slot.stop()
                slot.idle_since = trio.current_time()
                self._free.append(slot)

    async def stop_idle(self, before: float) -> None:
        """Stop the workers that had nothing to do since ``before``, on trio's clock."""
        for slot in [each for each in self._free if each.is_live and each.idle_since <= before]:
            if slot not in self._free or self._turns.value == 0:
                continue
            # Its turn is taken as well, so that no run waits for this slot.
            self._turns.acquire_nowait()
            self._free.remove(slot)
            await slot.stop()
            self._free.append(slot)
            self._turns.release()

    async def retire(self) -> None:
        """Stop all workers, and start none again."""
        for slot in self._slots:
            await slot.retire()
