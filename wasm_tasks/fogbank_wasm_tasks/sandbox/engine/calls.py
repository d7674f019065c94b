"""The functions of the engine that every run calls, taking addresses as plain numbers.

The bindings' own functions convert each argument from an object made for it, which takes longer
than what they do.
"""

import ctypes
from ctypes import c_bool, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any, Final

from .interface import ffi


def _function(name: str, result: Any, *parameters: Any) -> Any:
    return ctypes.CFUNCTYPE(result, *parameters)((name, ffi.dll))


def _short_function(name: str, result: Any, *parameters: Any) -> Any:
    """Return a function that is over in no time: others need not be let go on meanwhile."""
    return ctypes.PYFUNCTYPE(result, *parameters)((name, ffi.dll))


store_new: Final = _short_function("wasmtime_store_new", c_void_p, c_void_p, c_void_p, c_void_p)
"""(engine, data, finalizer of the data) -> store"""

store_context: Final = _short_function("wasmtime_store_context", c_void_p, c_void_p)
"""(store) -> context"""

store_limiter: Final = _short_function(
    "wasmtime_store_limiter", None, c_void_p, c_int64, c_int64, c_int64, c_int64, c_int64
)
"""(store, memory bytes, elements of a table, instances, tables, memories)"""

store_delete: Final = _function("wasmtime_store_delete", None, c_void_p)
"""(store)"""

instantiate: Final = _function(
    "wasmtime_instance_pre_instantiate", c_void_p, c_void_p, c_void_p, c_void_p, c_void_p
)
"""(prepared, context, place for the instance, place for a trap) -> error"""

export_get: Final = _short_function(
    "wasmtime_instance_export_get", c_bool, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p
)
"""(context, instance, name, bytes of the name, place for the item) -> whether there is one"""

func_call: Final = _function(
    "wasmtime_func_call",
    c_void_p,
    c_void_p,
    c_void_p,
    c_void_p,
    c_size_t,
    c_void_p,
    c_size_t,
    c_void_p,
)
"""(context, function, arguments, how many, results, how many, place for a trap) -> error

It compares number and types with the function's."""

memory_data: Final = _short_function("wasmtime_memory_data", c_void_p, c_void_p, c_void_p)
"""(context, memory) -> address of its first byte"""

memory_data_size: Final = _short_function("wasmtime_memory_data_size", c_size_t, c_void_p, c_void_p)
"""(context, memory) -> bytes"""

memory_grow: Final = _function(
    "wasmtime_memory_grow", c_void_p, c_void_p, c_void_p, c_uint64, c_void_p
)
"""(context, memory, pages more, place for the pages before) -> error"""

table_set: Final = _function("wasmtime_table_set", c_void_p, c_void_p, c_void_p, c_uint64, c_void_p)
"""(context, table, place in it, value) -> error"""

global_get: Final = _short_function("wasmtime_global_get", None, c_void_p, c_void_p, c_void_p)
"""(context, global, place for the value)"""

global_set: Final = _short_function("wasmtime_global_set", c_void_p, c_void_p, c_void_p, c_void_p)
"""(context, global, value) -> error"""
