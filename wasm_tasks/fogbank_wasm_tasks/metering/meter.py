"""What counts the fuel of one run."""

from typing import Protocol


class FuelExhausted(Exception):
    """The run used more fuel than it was given."""


class Meter(Protocol):
    """Counts the fuel of one run.  The run's own operators are counted without being told."""

    @property
    def fuel_used(self) -> int:
        """The fuel used so far, at most the fuel given."""
        ...

    @property
    def is_exhausted(self) -> bool:
        """Whether more fuel was used than given: then the run is out of fuel, whatever it did."""
        ...

    def charge(self, fuel: int) -> None:
        """Count ``fuel`` more.

        Raises:
            FuelExhausted: that is more than was left.
        """
        ...
