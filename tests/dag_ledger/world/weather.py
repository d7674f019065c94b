"""How bad the network is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weather:
    """Shares of messages, and how long they travel."""

    lost: float = 0.0
    doubled: float = 0.0
    delay_s: tuple[float, float] = (0.001, 0.02)
