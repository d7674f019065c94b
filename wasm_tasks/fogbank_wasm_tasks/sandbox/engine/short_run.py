"""Runs of which there are thousands a second: an input in, an output out, no host in between.

A reactor that imports nothing needs no object of its own for a run as long as all goes well: what
the engine reads and writes lies in places that are made once.  Each run has a store and an instance
of its own all the same, with the same limits; how one ended that failed is found as of any other.
"""

from time import perf_counter
from typing import Final

from ...metering.injection.counter import DEPTH_BITS, DEPTH_MAX, pack_counter
from ...module.reserved import COUNTER, START_FUNCTION
from ...module.shape import ALLOCATE, INITIALIZE, MEMORY, RUN
from ...outcome import OutOfFuel, Trap
from ..messages import Ended, Ending, Finished
from ..shapes import Trapped, conclude
from . import calls
from .exchange import CallFailed, exchange
from .instance import Instance, LoadedModule
from .interface import I64, EngineFailed, check
from .store import CounterMeter
from .workplace import Workplace

_LOOKED_FOR: Final = frozenset((START_FUNCTION, INITIALIZE))


def is_short(module: LoadedModule) -> bool:
    """Tell of a reactor that was run before whether ``ShortRun`` may run it."""
    return module.imports_nothing and module.missing >= _LOOKED_FOR


class ShortRuns:
    """Runs modules that are short, each time in a store that was just made."""

    def __init__(self, workplace: Workplace) -> None:
        """Use what is in ``workplace``."""
        self._place = workplace
        places = workplace.places
        self._memory, self._counter = places[MEMORY], places[COUNTER]
        self._allocate, self._run = places[ALLOCATE], places[RUN]
        self._functions = self._allocate.handle, self._run.handle
        self._looked_up = [
            (each.name, each.name_bytes, each.address)
            for each in (self._memory, self._counter, self._allocate, self._run)
        ]

    def run(
        self, context: int, module: LoadedModule, data: bytes, fuel_max: int, output_bytes_max: int
    ) -> Ended:
        """Run ``module``, which ``is_short``, with the input ``data`` in the store at ``context``.

        Raises:
            EngineFailed: the engine failed, not the run.
        """
        started = perf_counter()
        place, counter, memory = self._place, self._counter.handle, self._memory.handle
        is_made = False
        try:
            error = calls.instantiate(module.address, context, place.instance, place.trap)
            if error or place.trap_cell.value:
                raise CallFailed(error)
            for name, name_bytes, address in self._looked_up:
                # It is of the right kind: the run before found it in the same module.
                if not calls.export_get(context, place.instance, name, name_bytes, address):
                    raise EngineFailed("the module has lost an export")
            value = place.counter
            value.kind.value = I64
            value.integer.value = pack_counter(fuel_max, DEPTH_MAX)
            check(calls.global_set(context, counter, value.address))
            is_made = True
            output = exchange(context, place, memory, self._functions, data, output_bytes_max)
            calls.global_get(context, counter, value.address)
            # A run that came to its end gave all depth back, and borrowed no fuel for it.
            left = value.integer.value >> DEPTH_BITS
            ending: Ending = Finished()
            if left < 0:
                ending, output, left = OutOfFuel(), b"", 0
            fuel, is_exact = fuel_max - left, True
        except (CallFailed, Trapped) as failed:
            output = b""
            ending, fuel, is_exact = self._conclude(context, module, is_made, fuel_max, failed)
        return Ended(
            ending=ending,
            output=output,
            fuel=fuel,
            peak_memory_bytes=calls.memory_data_size(context, memory) if is_made else 0,
            wall_us=int((perf_counter() - started) * 1e6),
            diagnostics=b"",
            is_exact=is_exact,
        )

    def _conclude(
        self,
        context: int,
        module: LoadedModule,
        is_made: bool,
        fuel_max: int,
        failed: CallFailed | Trapped,
    ) -> tuple[Ending, int, bool]:
        """Return how a run ended that failed, its fuel, and whether that is exact."""
        meter = CounterMeter(context, fuel_max, self._place.counter)
        if is_made:
            meter.take_over(self._counter.handle)
        instance = Instance(context, module, meter, self._place)

        def play() -> tuple[Ending, bytes]:
            if isinstance(failed, CallFailed):
                instance.conclude(failed.error)
            raise failed

        ending, _ = conclude(meter, play)
        fuel = fuel_max if isinstance(ending, OutOfFuel) else meter.fuel_used_then
        return ending, fuel, instance.is_exact or not isinstance(ending, Trap)
