"""A fresh instance of a module, for one run."""

import ctypes
from dataclasses import dataclass, field
from typing import Final, NoReturn

import wasmtime

from ...limits import PAGE_BYTES
from ...metering.meter import FuelExhausted
from ...module.reserved import COUNTER, GLOBAL, WAIT
from ...module.shape import ALLOCATE, MEMORY, RUN
from ...outcome import TrapKind
from ...wasi.endings import RunEnded
from ..shapes import Trapped
from . import calls
from .exchange import CallFailed, exchange
from .interface import I32, I32_MASK, EngineFailed, check, ffi, take_code, take_text
from .store import CounterMeter, Global, Memory
from .workplace import Workplace

_TRAPS: Final = {
    "MEMORY_OUT_OF_BOUNDS": TrapKind.MEMORY_OUT_OF_BOUNDS,
    "TABLE_OUT_OF_BOUNDS": TrapKind.TABLE_OUT_OF_BOUNDS,
    "INDIRECT_CALL_TO_NULL": TrapKind.NULL_FUNCTION,
    "BAD_SIGNATURE": TrapKind.WRONG_SIGNATURE,
    "INTEGER_OVERFLOW": TrapKind.INTEGER_OVERFLOW,
    "INTEGER_DIVISION_BY_ZERO": TrapKind.DIVISION_BY_ZERO,
    "BAD_CONVERSION_TO_INTEGER": TrapKind.WRONG_CONVERSION,
}
"""Traps of the engine itself.  A stack overflow is none: the depth runs out long before."""

_UNREACHABLE: Final = "UNREACHABLE"


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """A module whose imports are bound: an instance of it is made in microseconds."""

    prepared: wasmtime.InstancePre
    address: int
    """Of what is prepared."""

    compiled_bytes: int
    imports_nothing: bool
    missing: set[str] = field(default_factory=set[str])
    """Names of exports that were looked for and that it does not have."""


class Instance:
    """A fresh instance in a store of its own; the ``Instance`` of ``shapes.py``."""

    __slots__ = (
        "_context",
        "_globals",
        "_memory",
        "_meter",
        "_module",
        "_places",
        "_wait",
        "_workplace",
        "failed_by",
        "is_exact",
        "stopped_by",
    )

    def __init__(
        self,
        context: int,
        module: LoadedModule,
        meter: CounterMeter,
        workplace: Workplace,
        wait: int | None = None,
    ) -> None:
        """Run in the store at ``context``; ``wait`` is the address of a reference to a function.

        That one is called at the end of each slice.
        """
        self._wait = wait
        self._context = context
        self._module = module
        self._meter = meter
        self._workplace = workplace
        self._places = workplace.places
        self._memory: Memory | None = None
        self._globals: list[Global] | None = None
        self.stopped_by: RunEnded | FuelExhausted | None = None
        """Why the host ended the run, kept while the engine unwinds."""

        self.is_exact = True
        """False once the engine trapped: the counter that it found may be an old one."""

        self.failed_by: BaseException | None = None
        """A bug of the host, kept likewise."""

    @property
    def memory(self) -> Memory:
        """Its linear memory, once it is made."""
        assert self._memory is not None
        return self._memory

    @property
    def memory_bytes(self) -> int:
        """How much linear memory it has now; 0 before it is made."""
        return 0 if self._memory is None else self._memory.size()

    def instantiate(self) -> None:
        """Make it; from then on fuel counts."""
        place = self._workplace
        error = calls.instantiate(self._module.address, self._context, place.instance, place.trap)
        if error or place.trap_cell.value:
            self.conclude(error)
        self._memory = Memory(self._context, self._find(MEMORY))
        if self._wait is not None:
            check(calls.table_set(self._context, self._find(WAIT), 0, self._wait))
        self._meter.begin(self._find(COUNTER))

    def view(self) -> memoryview:
        """Return its memory as it is until the run goes on."""
        return self.memory.view()

    def read_globals(self) -> bytes:
        """Return the values of the mutable globals of a step task, joined (section 7.9)."""
        return b"".join(each.read() for each in self._find_globals())

    def read_counts(self, name: str) -> list[int]:
        """Return the values of the global integers that are exported as ``name`` and a number."""
        return [int.from_bytes(each.read(), "little") for each in self._numbered(name)]

    def restore(self, memory: bytes, global_values: bytes, fuel_used: int) -> None:
        """Put this instance, just made, into a state that ``check_resumable`` let pass."""
        found = self.memory
        grown = len(memory) - found.size()
        if grown:
            found.grow(grown // PAGE_BYTES)
        found.write(0, memory)
        position = 0
        for each in self._find_globals():
            position += each.write(global_values[position : position + 16].ljust(16, b"\0"))
        self._meter.resume(fuel_used)

    def refuel(self) -> None:
        """Give it all its fuel again, and count from 0: the next call of a session begins."""
        self._meter.resume(0)

    def has(self, name: str) -> bool:
        """Tell whether it exports ``name``, which the host chose."""
        return name not in self._module.missing and self._look_up(name)

    def call(self, name: str, *arguments: int) -> int:
        """Call the exported function ``name``, one of those in ``workplace.py``."""
        found = self._places[name]
        assert len(arguments) == found.parameters
        if found.owner is not self:
            self._find(name)
        place = self._workplace
        for cell, argument in zip(place.arguments, arguments, strict=False):
            cell.value = argument
        result = place.result
        error = calls.func_call(
            self._context,
            found.handle,
            place.given,
            found.parameters,
            result.address,
            found.results,
            place.trap,
        )
        if error or place.trap_cell.value:
            self.conclude(error)
        if not found.results:
            return 0
        bits: int = result.bits.value
        return bits & I32_MASK if result.kind.value == I32 else bits

    def exchange(self, data: bytes, output_bytes_max: int) -> bytes:
        """Hand over, run and take the output in one."""
        functions = self._find(ALLOCATE), self._find(RUN)
        try:
            return exchange(
                self._context,
                self._workplace,
                self.memory.handle,
                functions,
                data,
                output_bytes_max,
            )
        except CallFailed as failed:
            self.conclude(failed.error)

    def forget_why(self) -> None:
        """Forget why the run ended: the errors know the run, which would not go without them."""
        self.stopped_by = self.failed_by = None

    def _find_globals(self) -> list[Global]:
        if self._globals is None:
            self._globals = self._numbered(GLOBAL)
        return self._globals

    def _numbered(self, name: str) -> list[Global]:
        """Return the globals that are exported as ``name`` and a number, from 0 on."""
        found: list[Global] = []
        while True:
            numbered = f"{name}{len(found)}".encode("ascii")
            buffer = ctypes.create_string_buffer(numbered)
            item = ffi.wasmtime_extern_t()
            if not calls.export_get(
                self._context,
                self._workplace.instance,
                ctypes.addressof(buffer),
                len(numbered),
                ctypes.addressof(item),
            ):
                return found
            found.append(Global(self._context, item))

    def _look_up(self, name: str) -> bool:
        """Find the export ``name``, which ``workplace.py`` has, and tell whether there is one."""
        place = self._places[name]
        if not calls.export_get(
            self._context, self._workplace.instance, place.name, place.name_bytes, place.address
        ):
            self._module.missing.add(name)
            return False
        if place.kind.value != place.wanted_kind:
            raise EngineFailed(f"the module's export {name} is of another kind")
        place.owner = self
        return True

    def _find(self, name: str) -> int:
        """Return the address of the handle of the export ``name``, which ``workplace.py`` has."""
        if not self._look_up(name):
            raise EngineFailed(f"the module has lost its export {name}")
        return self._places[name].handle

    def conclude(self, error: int | None) -> NoReturn:
        """Raise what a call of the engine came to, which did not succeed.

        ``error`` is the address of what it answered, if anything; there may be a trap as well.
        """
        trap = self._workplace.take_trap()
        # A trap made by the host comes back as an error.
        message = take_text(error) if error else ""
        code = take_code(trap) if trap else None
        if self.failed_by is not None:
            raise self.failed_by
        if self.stopped_by is not None:
            raise self.stopped_by
        if code is None:
            raise EngineFailed(message)
        raise self._read_trap(wasmtime.TrapCode(code).name)

    def _read_trap(self, name: str) -> Exception:
        """Return what the engine's trap ``name`` stands for."""
        if name == _UNREACHABLE:
            # The injected code traps so as well, and the counter tells why.
            if self._meter.is_exhausted:
                return FuelExhausted()
            return Trapped(TrapKind.CALL_DEPTH if self._meter.is_too_deep else TrapKind.UNREACHABLE)
        if name not in _TRAPS:
            return EngineFailed(f"an unknown trap {name}")
        self.is_exact = not self._meter.has_begun
        return Trapped(_TRAPS[name])
