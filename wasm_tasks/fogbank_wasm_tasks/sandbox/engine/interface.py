"""wasmtime's C interface, as far as it is used.

Calls go through it because the public classes look up every type and every export each time.
What comes from the engine and goes to it is an address, a plain number.
"""

import ctypes
from importlib import import_module
from typing import Any, Final

import wasmtime

# The bindings below the public classes; untyped.
ffi: Any = import_module("wasmtime._ffi")

I32: Final = 0
I64: Final = 1
FUNCTION_REFERENCE: Final = 5
I32_MASK: Final = (1 << 32) - 1
I64_MASK: Final = (1 << 64) - 1

NO_FINALIZER: Final = ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p))
_NAMES: Final[dict[str, Any]] = {}


def read_address(pointer: Any) -> int:
    """Return the address that ``pointer``, of the public classes, holds."""
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0


class InvalidModule(Exception):
    """The module does not validate; the message is the compiler's."""


class EngineFailed(Exception):
    """The engine could not do its part: out of memory, or a bug of it.  A host fault."""


def name_buffer(name: str) -> Any:
    """Return ``name`` as the C interface takes it; there are few names, all of them our own."""
    buffer = _NAMES.get(name)
    if buffer is None:
        buffer = _NAMES[name] = ctypes.create_string_buffer(name.encode("ascii"))
    return buffer


def name_address(name: str) -> int:
    """Return the address of ``name`` as the C interface takes it."""
    return ctypes.addressof(name_buffer(name))


def new_trap() -> int:
    """Return the address of a trap that ends a run; the engine frees it."""
    message = b"ended by the host"
    trap = ffi.wasmtime_trap_new(ctypes.create_string_buffer(message), len(message))
    return ctypes.cast(trap, ctypes.c_void_p).value or 0


def check(error: int | None) -> None:
    """Raise EngineFailed for the error at the address ``error``; None is none."""
    if error:
        raise EngineFailed(take_text(error))


def take_text(error: int) -> str:
    """Return what the error at the address ``error`` says, and free it."""
    pointer = ctypes.cast(error, ctypes.POINTER(ffi.wasmtime_error_t))
    from_pointer: Any = vars(wasmtime.WasmtimeError)["_from_ptr"]
    return str(from_pointer.__get__(None, wasmtime.WasmtimeError)(pointer))


def take_code(trap: int) -> int | None:
    """Return the code of the trap at the address ``trap``, and free it."""
    pointer = ctypes.cast(trap, ctypes.POINTER(ffi.wasm_trap_t))
    code = ctypes.c_uint8()
    has_code = ffi.wasmtime_trap_code(pointer, ctypes.byref(code))
    ffi.wasm_trap_delete(pointer)
    return code.value if has_code else None
