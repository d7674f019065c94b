"""A run's memory and fuel, inside a store of the engine."""

import ctypes
from dataclasses import dataclass
from math import isnan
from struct import pack
from typing import Any, Final

from ...metering.injection.counter import (
    DEPTH_BITS,
    DEPTH_MAX,
    Reading,
    pack_counter,
    read_counter,
)
from ...metering.meter import FuelExhausted
from ...wasi.memory import AddressFault
from . import calls
from .interface import I64, check, ffi

_F32, _F64 = 2, 3
_NAN: Final = {_F32: pack("<I", 0x7FC0_0000), _F64: pack("<Q", 0x7FF8 << 48)}
"""Nobody sees which NaN a global holds before it is made this one, but a state root would."""

_VALUE_BYTES: Final = {0: 4, 1: 8, 2: 4, 3: 8, 4: 16}
"""The bytes of an i32, i64, f32, f64 and v128, by the engine's number of the type."""


class Value:
    """A place for a value of WebAssembly, used again and again."""

    __slots__ = ("address", "bits", "integer", "kind", "start", "storage")

    def __init__(self) -> None:
        """Make the place."""
        self.storage = ffi.wasmtime_val_t()
        self.address = ctypes.addressof(self.storage)
        self.start = start = ctypes.addressof(self.storage.of)
        self.kind = ctypes.c_uint8.from_address(self.address)
        self.integer = ctypes.c_int64.from_address(start)
        self.bits = ctypes.c_uint64.from_address(start)


_NOTHING: Final = memoryview(b"")


@dataclass(slots=True)
class Memory:
    """The memory of a run; its place may change with every call."""

    context: int
    handle: int
    _seen: tuple[int, int] = (0, 0)
    _view: memoryview = _NOTHING

    def size(self) -> int:
        """Return how many bytes there are now."""
        return int(calls.memory_data_size(self.context, self.handle))

    def read(self, address: int, length: int) -> bytes:
        """Return a copy of a range; AddressFault when it is not inside."""
        return ctypes.string_at(self._locate(address, length), length) if length else b""

    def view(self) -> memoryview:
        """Return all of it as it is until the run goes on."""
        context, handle = self.context, self.handle
        size = calls.memory_data_size(context, handle)
        seen = calls.memory_data(context, handle) or 0, size
        if seen != self._seen:
            self._seen = seen
            block = (ctypes.c_ubyte * size).from_address(seen[0])
            self._view = memoryview(block if size else b"").cast("B")
        return self._view

    def write(self, address: int, data: bytes) -> None:
        """Copy ``data`` in; AddressFault when it does not fit."""
        place = self._locate(address, len(data))
        if data:
            ctypes.memmove(place, data, len(data))

    def grow(self, pages: int) -> None:
        """Add ``pages`` of 64 KiB."""
        before = ctypes.c_uint64()
        check(calls.memory_grow(self.context, self.handle, pages, ctypes.addressof(before)))

    def _locate(self, address: int, length: int) -> int:
        context, handle = self.context, self.handle
        size = calls.memory_data_size(context, handle)
        if address < 0 or length < 0 or address + length > size:
            raise AddressFault
        return (calls.memory_data(context, handle) or 0) + address


class Global:
    """A mutable global of a run."""

    __slots__ = ("_context", "_handle", "_item", "_value")

    def __init__(self, context: int, item: Any) -> None:
        """Take the ``item`` that the engine found, in which the global's handle lies."""
        self._context = context
        self._item = item
        self._handle = ctypes.addressof(item.of)
        self._value = Value()

    def read(self) -> bytes:
        """Return its value, little-endian; of all NaN the one of section 7.5."""
        place = self._value
        calls.global_get(self._context, self._handle, place.address)
        kind: int = place.kind.value
        if kind in _NAN:
            value = place.storage
            if isnan(value.of.f32 if kind == _F32 else value.of.f64):
                return _NAN[kind]
        return ctypes.string_at(place.start, _VALUE_BYTES[kind])

    def write(self, data: bytes) -> int:
        """Set it to what ``data`` begins with, and return how many bytes that were."""
        place = self._value
        calls.global_get(self._context, self._handle, place.address)
        count = _VALUE_BYTES[place.kind.value]
        # By bytes and not by value: a NaN keeps its bits only so.
        ctypes.memmove(place.start, data, count)
        check(calls.global_set(self._context, self._handle, place.address))
        return count


class CounterMeter:
    """Reads and charges the counter that a module carries."""

    def __init__(self, context: int, fuel_max: int, value: Value, slice_fuel: int = 0) -> None:
        """Count for a run that is given ``fuel_max``, from ``begin`` on; ``value`` is a place.

        With a ``slice_fuel`` the module is given that first, and more by ``go_on``.
        """
        self._context = context
        self._fuel_max = fuel_max
        self._slice_fuel = slice_fuel
        self._kept_back = 0
        self._counter: int | None = None
        self._value = value
        self.fuel_used_then = 0
        """The fuel used when ``is_exhausted`` was asked last."""

    def begin(self, counter: int) -> None:
        """Count in the global ``counter``: the instance is made, and nothing has been executed."""
        self._counter = counter
        self._give(self._fuel_max)

    def take_over(self, counter: int) -> None:
        """Count in the global ``counter`` as it is: it was given all that the run has."""
        self._counter = counter

    @property
    def has_begun(self) -> bool:
        """Whether the instance is made."""
        return self._counter is not None

    def resume(self, fuel_used: int) -> None:
        """Count on from ``fuel_used``, at most the fuel given: the run was begun elsewhere."""
        self._give(self._fuel_max - fuel_used)

    def _give(self, fuel: int) -> None:
        first = min(fuel, self._slice_fuel) if self._slice_fuel else fuel
        self._kept_back = fuel - first
        self._write(pack_counter(first, DEPTH_MAX))

    def go_on(self) -> None:
        """Give a run that is at the end of its slice another one, as far as there is fuel."""
        left = self._read().fuel_left
        more = min(self._kept_back, self._slice_fuel - min(left, 0))
        self._kept_back -= more
        self._write(self._value.integer.value + (more << DEPTH_BITS))

    @property
    def fuel_used(self) -> int:
        """The fuel used since ``begin``, at most the fuel given."""
        if self._counter is None:
            return 0
        return self._fuel_max - max(self._read().fuel_left + self._kept_back, 0)

    @property
    def is_exhausted(self) -> bool:
        """Whether more was used than given."""
        if self._counter is None:
            return False
        left = self._read().fuel_left + self._kept_back
        self.fuel_used_then = self._fuel_max - max(left, 0)
        return left < 0

    @property
    def is_too_deep(self) -> bool:
        """Whether calls were nested deeper than allowed."""
        return self._counter is not None and self._read().is_too_deep

    def charge(self, fuel: int) -> None:
        """Count ``fuel`` more; FuelExhausted when that is more than was left."""
        is_enough = fuel <= self._read().fuel_left + self._kept_back
        self._write(self._value.integer.value - (fuel << DEPTH_BITS))
        if not is_enough:
            raise FuelExhausted

    def _read(self) -> Reading:
        calls.global_get(self._context, self._counter, self._value.address)
        return read_counter(self._value.integer.value)

    def _write(self, counter: int) -> None:
        self._value.kind.value = I64
        self._value.integer.value = counter
        check(calls.global_set(self._context, self._counter, self._value.address))
