"""The clock of a run: a constant, plus the fuel it used, plus the time it asked to sleep."""

from enum import IntEnum

from ..metering.meter import Meter

START_NS = 1_577_836_800 * 1_000_000_000
"""When every run begins: 2020-01-01 00:00:00 UTC, in nanoseconds (SPEC.md section 7.4)."""

_TIME_MAX = (1 << 64) - 1


class ClockId(IntEnum):
    """The clocks of WASI preview 1."""

    REALTIME = 0
    MONOTONIC = 1
    PROCESS_CPU = 2
    THREAD_CPU = 3


class RunClock:
    """Tells a time that is the same on every machine: one unit of fuel is one nanosecond."""

    def __init__(self, meter: Meter) -> None:
        """Tell the time of the run whose fuel ``meter`` counts."""
        self._meter = meter
        self._slept_ns = 0

    def now(self, clock: ClockId) -> int:
        """Return the time of ``clock`` in nanoseconds, at most 2**64-1."""
        used = self._meter.fuel_used
        match clock:
            case ClockId.REALTIME | ClockId.MONOTONIC:
                return min(START_NS + used + self._slept_ns, _TIME_MAX)
            case ClockId.PROCESS_CPU | ClockId.THREAD_CPU:
                return used

    def sleep(self, duration_ns: int) -> None:
        """Let ``duration_ns`` nanoseconds pass at once."""
        self._slept_ns = min(self._slept_ns + duration_ns, _TIME_MAX)
