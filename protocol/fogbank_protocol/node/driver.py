"""Runs a machine: feeds it events and deadlines, performs its commands."""

from collections.abc import Awaitable, Callable
from math import inf
from typing import Generic, TypeVar

import trio

from ..machine import Machine, Tick

Event = TypeVar("Event")
Command = TypeVar("Command")


async def drive(
    machine: Machine[Event, Command],
    events: trio.MemoryReceiveChannel[Event],
    perform: Callable[[Command], Awaitable[None]],
) -> None:
    """Run ``machine`` until ``events`` is closed, awaiting ``perform`` for each command in turn."""
    while True:
        event: Event | Tick = Tick()
        # A receive is atomic under cancellation, so no event is lost at a deadline.
        with trio.move_on_at(machine.deadline):
            try:
                event = await events.receive()
            except trio.EndOfChannel:
                return
        for command in machine.handle(event, trio.current_time()):
            await perform(command)


class Driver(Generic[Event, Command]):
    """Runs a machine whose events come from synchronous code, with no queue in between.

    Nothing can be lost or come late then, and nothing needs a bound.
    """

    def __init__(
        self, machine: Machine[Event, Command], perform: Callable[[Command], None]
    ) -> None:
        """Call ``perform`` for each command, at once; it may ``tell`` the next event itself."""
        self._machine = machine
        self._perform = perform
        self._sleeps_until = inf
        self._alarm_changed = trio.Event()

    def tell(self, event: Event | Tick) -> None:
        """Let the machine handle ``event`` now."""
        for command in self._machine.handle(event, trio.current_time()):
            self._perform(command)
        if self._machine.deadline < self._sleeps_until:
            self._alarm_changed.set()

    async def run(self) -> None:
        """Tell the machine at its deadlines that time has passed, until cancelled."""
        while True:
            # A deadline that moved away is found out when the old one comes: waking for each
            # would cost a switch of coroutines at every event.
            self._alarm_changed = trio.Event()
            self._sleeps_until = self._machine.deadline
            with trio.move_on_at(self._sleeps_until):
                await self._alarm_changed.wait()
            if self._machine.deadline <= trio.current_time():
                self.tell(Tick())
