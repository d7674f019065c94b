"""A node's own clocks, which are not the world's."""

from dataclasses import dataclass
from math import inf
from random import Random


@dataclass(slots=True)
class Clock:
    """A monotonic clock that runs too fast or too slow and may leap, and a wall clock that lies."""

    random: Random
    rate: float = 1.0
    offset: float = 0.0

    def now(self, world_now: float) -> float:
        """Return the node's monotonic seconds."""
        return self.offset + self.rate * world_now

    def world_time(self, own: float) -> float:
        """Return when the node's clock will show ``own``."""
        return inf if own == inf else (own - self.offset) / self.rate

    def leap(self) -> None:
        """Jump ahead, as after a sleep of the machine; a monotonic clock never jumps back."""
        self.offset += self.random.choice((1.0, 60.0, 100_000.0))

    def unix_time_s(self) -> int:
        """Return what the wall clock shows: anything."""
        return self.random.choice((0, 1, 1_700_000_000, self.random.getrandbits(31)))
