"""The calls of one channel, and who waits for what on them."""

from math import inf

import trio

from ..rpc.calls import Calls


class Wire:
    """``Calls`` with the three waits around it: for something to write, for room, for a time.

    All of it lives in one thread and between checkpoints, so a wait cannot miss its end.
    """

    def __init__(self) -> None:
        self.calls = Calls()
        self.is_lost = False
        """The channel is gone: nothing sent now arrives."""
        self._something_queued = trio.Event()
        self._waiting_for_room = trio.lowlevel.ParkingLot()
        self._sleeps_until = inf
        self._alarm_changed = trio.Event()

    def flush(self) -> None:
        """Have what was queued written soon; call it after anything was sent on ``calls``."""
        # Most of what is read asks for no answer: a switch to the writer costs more than to look.
        if self.calls.has_queued:
            self._something_queued.set()
        if self.calls.deadline < self._sleeps_until:
            self._alarm_changed.set()

    def wake_writer(self) -> None:
        """Let whoever waits for something to write look around: the channel is about to end."""
        self._something_queued.set()

    async def wait_queued(self) -> None:
        """Wait until there may be something to write, or ``wake_writer`` was called."""
        await self._something_queued.wait()
        self._something_queued = trio.Event()

    async def wait_room(self) -> None:
        """Wait until there may be room for what did not fit."""
        await self._waiting_for_room.park()

    def make_room(self) -> None:
        """Wake all that wait for room."""
        self._waiting_for_room.unpark_all()

    def lose(self) -> None:
        """Tell all that wait for room that there will be none."""
        self.is_lost = True
        self.make_room()

    async def wait_deadline(self) -> None:
        """Wait until the deadline of ``calls`` may have come."""
        self._alarm_changed = trio.Event()
        self._sleeps_until = self.calls.deadline
        with trio.move_on_at(self._sleeps_until):
            await self._alarm_changed.wait()
