"""A run's memory and fuel, inside a store of the engine."""

import ctypes
from dataclasses import dataclass
from typing import Any, Final

from ...metering.meter import FuelExhausted
from ...wasi.memory import AddressFault
from .interface import check, ffi

_INITIALISATION_FUEL: Final = 1 << 40
"""More than any instance takes to be made, whose segments are bounded."""

_VALUE_BYTES: Final = {0: 4, 1: 8, 2: 4, 3: 8, 4: 16}
"""The bytes of an i32, i64, f32, f64 and v128, by the engine's number of the type."""


@dataclass(slots=True)
class Memory:
    """The memory of a run; its place may change with every call."""

    context: Any
    handle: Any

    def size(self) -> int:
        """Return how many bytes there are now."""
        return int(ffi.wasmtime_memory_data_size(self.context, self.handle))

    def read(self, address: int, length: int) -> bytes:
        """Return a copy of a range; AddressFault when it is not inside."""
        return ctypes.string_at(self._locate(address, length), length) if length else b""

    def view(self, address: int, length: int) -> memoryview:
        """Return a range as it is until the run goes on; AddressFault when it is not inside."""
        block = (ctypes.c_ubyte * length).from_address(self._locate(address, length))
        return memoryview(block).cast("B")

    def write(self, address: int, data: bytes) -> None:
        """Copy ``data`` in; AddressFault when it does not fit."""
        place = self._locate(address, len(data))
        if data:
            ctypes.memmove(place, data, len(data))

    def grow(self, pages: int) -> None:
        """Add ``pages`` of 64 KiB."""
        before = ctypes.c_uint64()
        check(ffi.wasmtime_memory_grow(self.context, self.handle, pages, ctypes.byref(before)))

    def _locate(self, address: int, length: int) -> int:
        if address < 0 or length < 0 or address + length > self.size():
            raise AddressFault
        start = ffi.wasmtime_memory_data(self.context, self.handle)
        return (ctypes.cast(start, ctypes.c_void_p).value or 0) + address


@dataclass(slots=True)
class Global:
    """A mutable global of a run."""

    context: Any
    handle: Any

    def read(self) -> bytes:
        """Return its value, little-endian."""
        value = self._get()
        return ctypes.string_at(ctypes.addressof(value.of), _VALUE_BYTES[value.kind])

    def write(self, data: bytes) -> int:
        """Set it to what ``data`` begins with, and return how many bytes that were."""
        value = self._get()
        count = _VALUE_BYTES[value.kind]
        # By bytes and not by value: a NaN keeps its bits only so.
        ctypes.memmove(ctypes.addressof(value.of), data, count)
        check(ffi.wasmtime_global_set(self.context, self.handle, ctypes.byref(value)))
        return count

    def _get(self) -> Any:
        value = ffi.wasmtime_val_t()
        ffi.wasmtime_global_get(self.context, self.handle, ctypes.byref(value))
        return value


class FuelMeter:
    """Reads and charges the engine's counter of one store."""

    def __init__(self, context: Any, fuel_max: int) -> None:
        self._context = context
        self._has_begun = False
        # The engine stops a run that has used all of its fuel, this page one that used more.
        self._given = fuel_max + 1
        self._fuel_max = fuel_max
        self._left = ctypes.c_uint64()
        # What the engine counts while it fills memory and tables is its own affair.
        self._set(_INITIALISATION_FUEL)

    def begin(self) -> None:
        """Count from now on: the instance is made, and nothing of the run has been executed."""
        self._has_begun = True
        self._set(self._given)

    def resume(self, fuel_used: int) -> None:
        """Count on from ``fuel_used``, at most the fuel given: the run was begun elsewhere."""
        self._set(self._given - fuel_used)

    @property
    def fuel_used(self) -> int:
        """The fuel used since ``begin``, at most the fuel given."""
        if not self._has_begun:
            return 0
        return min(self._given - self._read(), self._fuel_max)

    @property
    def is_exhausted(self) -> bool:
        """Whether more was used than given."""
        return self._has_begun and self._read() == 0

    def charge(self, fuel: int) -> None:
        """Count ``fuel`` more; FuelExhausted when that is more than was left."""
        left = self._read()
        if fuel >= left:
            self._set(0)
            raise FuelExhausted
        self._set(left - fuel)

    def _read(self) -> int:
        check(ffi.wasmtime_context_get_fuel(self._context, ctypes.byref(self._left)))
        return self._left.value

    def _set(self, fuel: int) -> None:
        check(ffi.wasmtime_context_set_fuel(self._context, fuel))
