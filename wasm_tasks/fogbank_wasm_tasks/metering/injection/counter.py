"""The counter: fuel left and call depth left in one 64-bit number (SPEC.md section 7.5).

    fuel left, signed (44 bits) | depth left (20 bits, the highest of them a guard)

One subtraction charges both, and one test sees either run out.
"""

from typing import Final, NamedTuple

DEPTH_BITS: Final = 20
DEPTH_MAX: Final = 65_536
"""Units of depth that a run begins with (section 7.5)."""

DEPTH_GUARD: Final = 1 << (DEPTH_BITS - 1)
FUEL_GUARD: Final = 1 << 63
GUARDS: Final = DEPTH_GUARD | FUEL_GUARD


class Reading(NamedTuple):
    """What a counter says."""

    fuel_left: int
    """Negative when the run is out of fuel."""

    is_too_deep: bool
    """Calls nested deeper than allowed."""


def pack_counter(fuel: int, depth: int) -> int:
    """Return the counter that leaves ``fuel`` and ``depth`` units, as a signed 64-bit number."""
    return fuel << DEPTH_BITS | depth


def read_counter(counter: int) -> Reading:
    """Return what ``counter``, a signed 64-bit number, says."""
    if counter & DEPTH_GUARD:
        # The depth went below zero and borrowed one unit of fuel.
        return Reading((counter >> DEPTH_BITS) + 1, is_too_deep=True)
    return Reading(counter >> DEPTH_BITS, is_too_deep=False)
