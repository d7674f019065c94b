"""An instance of a rewritten module, called with any values."""

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import wasmtime
from tests.conformance.values import Number

from fogbank_wasm_tasks.metering.injection import DEPTH_MAX, inject, pack_counter, read_counter
from fogbank_wasm_tasks.module.reserved import COUNTER, START_FUNCTION
from fogbank_wasm_tasks.sandbox.engine.configuration import configure
from fogbank_wasm_tasks.sandbox.engine.interface import NO_FINALIZER, ffi

_FUEL: Final = 1 << 41
_KINDS: Final = ("i32", "i64", "f32", "f64", "v128", "funcref", "externref")
_BYTES: Final = {"i32": 4, "i64": 8, "f32": 4, "f64": 8, "v128": 16}


class Trapped(Exception):
    """A call trapped; the message is the engine's name of the trap, or ``DEPTH``."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How modules are rewritten, and for which machine."""

    is_precise: bool
    target: str | None


@cache
def engine_of(target: str | None, has_float_vectors: bool) -> wasmtime.Engine:
    """Return an engine as the sandbox has it."""
    config = configure(has_float_vectors=has_float_vectors)
    if target:
        config.target = target
    return wasmtime.Engine(config)


class Instance:
    """A module that passed every check, with the counter in it."""

    def __init__(self, module: bytes, mode: Mode) -> None:
        """Make it and call its start function.

        Raises:
            Trapped: one of both trapped.
            WasmtimeError: the rewritten module does not validate.
        """
        injected = inject(module, is_precise=mode.is_precise)
        engine = engine_of(mode.target, injected.has_float_vectors)
        self._store = wasmtime.Store(engine)
        try:
            instance = wasmtime.Instance(self._store, wasmtime.Module(engine, injected.module), [])
        except wasmtime.Trap as trap:
            raise Trapped(_name(trap)) from None
        self._exports: Any = instance.exports(self._store)
        if any(name == START_FUNCTION for name in self._exports):
            self.call(START_FUNCTION, [])

    def call(self, name: str, arguments: list[Number]) -> list[Number]:
        """Call the export ``name``; Trapped when it traps."""
        counter = self._exports[COUNTER]
        counter.set_value(self._store, wasmtime.Val.i64(pack_counter(_FUEL, DEPTH_MAX)))
        function = self._exports[name]
        context: Any = vars(wasmtime.Store)["_context"](self._store)
        given = (ffi.wasmtime_val_t * len(arguments))()
        for place, argument in enumerate(arguments):
            self._put(context, given[place], argument)
        count = len(function.type(self._store).results)
        returned = (ffi.wasmtime_val_t * count)()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        handle = vars(function)["_func"]
        error = ffi.wasmtime_func_call(
            context,
            ctypes.byref(handle),
            given,
            len(arguments),
            returned,
            count,
            ctypes.byref(trap),
        )
        assert not error
        if trap:
            self._raise_trap(trap)
        reading = read_counter(int(counter.value(self._store)))
        # Each call enters a function, and gives back all depth that it took.
        assert reading.fuel_left < _FUEL
        assert pack_counter(reading.fuel_left, DEPTH_MAX) == int(counter.value(self._store))
        return [self._take(context, each) for each in returned]

    def value(self, name: str) -> Number:
        """Return the value of the exported global ``name``, a number."""
        found = self._exports[name]
        kind = str(found.type(self._store).content)
        value = ffi.wasmtime_val_t()
        context: Any = vars(wasmtime.Store)["_context"](self._store)
        handle = vars(found)["_global"]
        ffi.wasmtime_global_get(context, ctypes.byref(handle), ctypes.byref(value))
        assert _KINDS[value.kind] == kind
        return self._take(context, value)

    def _raise_trap(self, trap: Any) -> None:
        code = ctypes.c_uint8()
        has_code = ffi.wasmtime_trap_code(trap, ctypes.byref(code))
        ffi.wasm_trap_delete(trap)
        assert has_code
        name = wasmtime.TrapCode(code.value).name
        counter = int(self._exports[COUNTER].value(self._store))
        if name == "UNREACHABLE" and read_counter(counter).is_too_deep:
            name = "DEPTH"
        raise Trapped(name)

    @staticmethod
    def _put(context: Any, place: Any, number: Number) -> None:
        place.kind = _KINDS.index(number.type)
        if number.type in _BYTES:
            count = _BYTES[number.type]
            data = number.bits.to_bytes(count, "little")
            ctypes.memmove(ctypes.addressof(place.of), data, count)
        elif number.type == "externref" and number.bits >= 0:
            made = ffi.wasmtime_externref_new(
                context, number.bits + 1, NO_FINALIZER, ctypes.byref(place.of.externref)
            )
            assert made

    @staticmethod
    def _take(context: Any, place: Any) -> Number:
        kind = _KINDS[place.kind]
        if kind in _BYTES:
            data = ctypes.string_at(ctypes.addressof(place.of), _BYTES[kind])
            return Number(kind, int.from_bytes(data, "little"))
        if kind == "externref":
            if not place.of.externref.store_id:
                return Number(kind, -1)
            return Number(kind, ffi.wasmtime_externref_data(context, place.of.externref) - 1)
        return Number(kind, 0 if place.of.funcref.store_id else -1)


def _name(trap: wasmtime.Trap) -> str:
    code = trap.trap_code
    assert code is not None
    return code.name
