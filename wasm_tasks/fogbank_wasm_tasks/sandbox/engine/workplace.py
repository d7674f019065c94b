"""What the engine reads and writes for one run: the same places for every run of a process."""

import ctypes
from typing import Final

from ...module.reserved import COUNTER, START_FUNCTION, WAIT
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
from .interface import ffi, name_address
from .store import Value

_SIGNATURES: Final = {
    INITIALIZE: (0, 0),
    ALLOCATE: (1, 1),
    RUN: (2, 1),
    START: (0, 0),
    START_FUNCTION: (0, 0),
    SET_UP: (2, 0),
    STEP: (1, 1),
    RESULT: (0, 1),
    VERIFY: (4, 1),
}
"""How many i32 the host passes and how many results it takes; ``check_shape`` saw to it."""

_PARAMETERS_MAX: Final = 4
_FUNCTION, _GLOBAL, _TABLE, _MEMORY = range(4)
_KINDS: Final = {
    MEMORY: _MEMORY,
    COUNTER: _GLOBAL,
    WAIT: _TABLE,
    **dict.fromkeys(_SIGNATURES, _FUNCTION),
}
"""What the host looks up by name, and the engine's number of the kind that it must be."""


class _Place:
    """Where the engine writes an item that it found, for the run that owns it."""

    __slots__ = (
        "address",
        "handle",
        "kind",
        "name",
        "name_bytes",
        "owner",
        "parameters",
        "results",
        "storage",
        "wanted_kind",
    )

    def __init__(self, name: str) -> None:
        self.owner: object = None
        self.parameters, self.results = _SIGNATURES.get(name, (0, 0))
        self.wanted_kind = _KINDS[name]
        self.storage = ffi.wasmtime_extern_t()
        self.address = ctypes.addressof(self.storage)
        self.handle = ctypes.addressof(self.storage.of)
        self.kind = ctypes.c_uint8.from_address(self.address)
        self.name = name_address(name)
        self.name_bytes = len(name)


class Workplace:
    """What the engine reads and writes for one run: the same for every run of a process."""

    def __init__(self) -> None:
        """Make it."""
        self._instance = ffi.wasmtime_instance_t()
        self._trap = ctypes.c_void_p()
        self.trap_cell = ctypes.c_uint64.from_address(ctypes.addressof(self._trap))
        self._arguments = (ffi.wasmtime_val_t * _PARAMETERS_MAX)()
        self.instance = ctypes.addressof(self._instance)
        self.trap = ctypes.addressof(self._trap)
        self.given = ctypes.addressof(self._arguments)
        # An i32 is the kind 0, which a new array is full of.
        self.arguments = [
            ctypes.c_uint32.from_address(ctypes.addressof(each.of)) for each in self._arguments
        ]
        self.result = Value()
        self.counter = Value()
        self.places = {name: _Place(name) for name in _KINDS}

    def take_trap(self) -> int | None:
        """Return the address of the trap that the last call ended with, if any."""
        trap = self._trap.value
        self._trap.value = None
        return trap
