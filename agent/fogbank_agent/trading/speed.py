"""How fast this machine works, as its own runs have shown."""

from ..limits import (
    OFFER_SPEED_MAX,
    RUN_MS_GUESS,
    SPEED_GUESS_FUEL_PER_S,
    SPEED_SMOOTHING,
    TICK_FUEL_MAX,
    TICK_MS,
)


class Speed:
    """Moving averages over the last runs."""

    def __init__(self) -> None:
        self.fuel_per_s = SPEED_GUESS_FUEL_PER_S
        """What one slot does."""

        self.run_ms = RUN_MS_GUESS
        """How long a run takes."""

        self._runs = 0

    @property
    def tick(self) -> int:
        """The fuel of ``TICK_MS`` of work."""
        return max(1, min(TICK_FUEL_MAX, self.fuel_per_s * TICK_MS // 1_000))

    def learn(self, fuel: int, wall_s: float) -> None:
        """Take in a run that used ``fuel`` in ``wall_s`` seconds."""
        self._runs += 1
        parts = min(self._runs, SPEED_SMOOTHING)
        if wall_s > 0 and fuel > 0:
            speed = max(1, min(OFFER_SPEED_MAX, int(fuel / wall_s)))
            self.fuel_per_s += (speed - self.fuel_per_s) // parts
            self.fuel_per_s = max(1, self.fuel_per_s)
        self.run_ms += (int(wall_s * 1_000) - self.run_ms) // parts
