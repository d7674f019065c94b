"""Totals of fuel and calls for each function, which an author's profile reads after a run.

A module that keeps them charges the same fuel at the same places; it is only slower.
"""

from dataclasses import dataclass
from typing import Final

from . import instructions as op
from .binary import encode_signed, encode_unsigned

TALLY_GLOBALS: Final = 2
"""Globals that a function has for its totals: fuel, then calls."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The totals of one function, as code that adds to them."""

    fuel_global: bytes
    calls_global: bytes

    @classmethod
    def at(cls, first: int, place: int) -> "Tally":
        """Return that of the function at ``place``, whose module's totals begin at ``first``."""
        fuel = first + TALLY_GLOBALS * place
        return cls(encode_unsigned(fuel), encode_unsigned(fuel + 1))

    def enter(self, cost: int) -> bytes:
        """Return the code that counts one call and ``cost`` units of fuel."""
        return _add(self.calls_global, op.I64_CONST + encode_signed(1)) + self.charge(cost)

    def charge(self, cost: int) -> bytes:
        """Return the code that counts ``cost`` units of fuel; none for 0."""
        return self.charge_value(op.I64_CONST + encode_signed(cost)) if cost else b""

    def charge_value(self, value: bytes) -> bytes:
        """Return the code that counts as much fuel as the code ``value`` leaves, an i64."""
        return _add(self.fuel_global, value)


def _add(place: bytes, value: bytes) -> bytes:
    return op.GLOBAL_GET + place + value + op.I64_ADD + op.GLOBAL_SET + place
