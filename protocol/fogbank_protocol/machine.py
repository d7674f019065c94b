"""The shape of a sans-IO machine: events in, commands out, time passed in.

A machine decides; it never waits, reads a clock, draws a random number or touches a socket.
``node/driver.py`` runs one for real; tests run many in a made-up world.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

Event = TypeVar("Event", contravariant=True)
Command = TypeVar("Command", covariant=True)


class Tick:
    """The event that says only that time has passed."""


class Machine(Protocol[Event, Command]):
    """A machine over its own events and commands."""

    @property
    def deadline(self) -> float:
        """When to call ``handle`` with a ``Tick``, in seconds on the caller's clock; may be inf."""
        ...

    def handle(self, event: Event | Tick, now: float) -> Sequence[Command]:
        """Take one event at time ``now`` (seconds, never going back) and return what to do."""
        ...
