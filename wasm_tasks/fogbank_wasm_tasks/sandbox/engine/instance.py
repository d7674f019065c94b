"""A fresh instance of a module, for one run."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import wasmtime

from ...limits import PAGE_BYTES
from ...metering.meter import FuelExhausted
from ...module.reserved import COUNTER, GLOBAL, START_FUNCTION
from ...module.shape import (
    ALLOCATE,
    INITIALIZE,
    MEMORY,
    RESULT,
    RUN,
    SET_UP,
    START,
    STEP,
    VERIFY,
)
from ...outcome import TrapKind
from ...wasi.endings import RunEnded
from ..shapes import Trapped
from .interface import (
    I32,
    I32_MASK,
    I64_MASK,
    EngineFailed,
    ffi,
    name_buffer,
    take_code,
    take_text,
)
from .store import CounterMeter, Global, Memory

_SIGNATURES: Final[dict[str, tuple[Sequence[int], int]]] = {
    INITIALIZE: ((), 0),
    ALLOCATE: ((I32,), 1),
    RUN: ((I32, I32), 1),
    START: ((), 0),
    START_FUNCTION: ((), 0),
    SET_UP: ((I32, I32), 0),
    STEP: ((I32,), 1),
    RESULT: ((), 1),
    VERIFY: ((I32, I32, I32, I32), 1),
}
"""Parameters and the number of results of what the host calls; ``check_shape`` saw to it."""

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

    ready: wasmtime.InstancePre
    compiled_bytes: int


class Instance:
    """A fresh instance in a store of its own; the ``Instance`` of ``shapes.py``."""

    def __init__(self, context: Any, module: LoadedModule, meter: CounterMeter) -> None:
        self._context = context
        self._module = module
        self._meter = meter
        self._handle = ffi.wasmtime_instance_t()
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
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_instance_pre_instantiate(
            self._module.ready.ptr(),
            self._context,
            ctypes.byref(self._handle),
            ctypes.byref(trap),
        )
        self._conclude(error, trap)
        self._memory = Memory(self._context, self._find(MEMORY).of.memory)
        self._meter.begin(self._find(COUNTER).of.global_)

    def view(self, address: int, length: int) -> memoryview:
        """Return a range of its memory as it is until the run goes on."""
        return self.memory.view(address, length)

    def read_globals(self) -> bytes:
        """Return the values of the mutable globals of a step task, joined (section 7.9)."""
        return b"".join(each.read() for each in self._find_globals())

    def read_counts(self, name: str) -> list[int]:
        """Return the values of the global integers that are exported as ``name`` and a number."""
        counts: list[int] = []
        while (item := self._look_up(f"{name}{len(counts)}")) is not None:
            counts.append(int.from_bytes(Global(self._context, item.of.global_).read(), "little"))
        return counts

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

    def has(self, name: str) -> bool:
        """Tell whether it exports ``name``, which the host chose."""
        return self._look_up(name) is not None

    def call(self, name: str, *arguments: int) -> int:
        """Call the exported function ``name``, one of ``_SIGNATURES``."""
        parameters, results = _SIGNATURES[name]
        function = self._find(name).of.func
        given = (ffi.wasmtime_val_t * len(parameters))()
        for place, (kind, argument) in enumerate(zip(parameters, arguments, strict=True)):
            given[place].kind = kind
            if kind == I32:
                given[place].of.i32 = argument
            else:
                given[place].of.i64 = argument
        returned = (ffi.wasmtime_val_t * results)()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call(
            self._context,
            ctypes.byref(function),
            given,
            len(given),
            returned,
            results,
            ctypes.byref(trap),
        )
        self._conclude(error, trap)
        if not results:
            return 0
        if returned[0].kind == I32:
            return int(returned[0].of.i32) & I32_MASK
        return int(returned[0].of.i64) & I64_MASK

    def _find_globals(self) -> list[Global]:
        if self._globals is None:
            found: list[Global] = []
            while (item := self._look_up(f"{GLOBAL}{len(found)}")) is not None:
                found.append(Global(self._context, item.of.global_))
            self._globals = found
        return self._globals

    def _look_up(self, name: str) -> Any:
        item = ffi.wasmtime_extern_t()
        found = ffi.wasmtime_instance_export_get(
            self._context,
            ctypes.byref(self._handle),
            name_buffer(name),
            len(name),
            ctypes.byref(item),
        )
        return item if found else None

    def _find(self, name: str) -> Any:
        item = self._look_up(name)
        if item is None:
            raise EngineFailed(f"the module has lost its export {name}")
        return item

    def _conclude(self, error: Any, trap: Any) -> None:
        """Raise what a call of the engine came to, or return when it succeeded."""
        if not error and not trap:
            return
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
