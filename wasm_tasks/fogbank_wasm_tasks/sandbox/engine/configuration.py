"""The settings of the engine: the features of SPEC.md section 7.2, the same results everywhere."""

import wasmtime

from ...limits import (
    INSTANCE_BYTES_MAX,
    MEMORY_BYTES_MAX,
    MEMORY_RESIDENT_BYTES,
    TABLE_ELEMENTS_MAX,
    TABLE_RESIDENT_BYTES,
    TABLES_MAX,
    WASM_STACK_BYTES,
)
from ..settings import Target
from .interface import ffi


def configure(
    target: Target = Target.NATIVE, *, has_float_vectors: bool = False
) -> wasmtime.Config:
    """Return the settings for ``target``; whoever changes them raises ``SETTINGS_VERSION``.

    They count nothing: the module does.  0/0 has another sign on x86-64 than on aarch64; the
    module sees to that as well, unless it ``has_float_vectors``: then all its arithmetic becomes
    slower here.  Code made in either way loads in an engine made in the other.
    """
    config = wasmtime.Config()
    if target is not Target.NATIVE:
        config.target = target
    config.cranelift_nan_canonicalization = has_float_vectors
    config.wasm_simd = True
    config.wasm_bulk_memory = True
    config.wasm_multi_value = True
    config.wasm_reference_types = True
    config.wasm_tail_call = True
    config.wasm_threads = False
    config.shared_memory = False
    config.wasm_relaxed_simd = False
    config.wasm_multi_memory = False
    config.wasm_memory64 = False
    config.wasm_exceptions = False
    config.wasm_function_references = False
    config.wasm_gc = False
    config.wasm_wide_arithmetic = False
    config.wasm_custom_page_sizes = False
    config.wasm_stack_switching = False
    # Unused, but the engine wants it to be no smaller than the other.
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), WASM_STACK_BYTES)
    config.max_wasm_stack = WASM_STACK_BYTES
    # A hostile module gets one core to waste while it compiles.
    config.parallel_compilation = False
    # Else each module keeps a file in memory with its first contents.
    config.memory_init_cow = False
    return config


def configure_one_place(
    target: Target = Target.NATIVE, *, has_float_vectors: bool = False
) -> wasmtime.Config:
    """Return the settings for an engine that has one instance at a time, in a fixed place.

    The place is cleared between runs, and nothing is mapped anew for a run.
    """
    config = configure(target, has_float_vectors=has_float_vectors)
    pool = ffi.wasmtime_pooling_allocation_config_new()
    for name, value in (
        ("total_core_instances", 1),
        ("total_memories", 1),
        ("max_memories_per_module", 1),
        ("max_memory_size", MEMORY_BYTES_MAX),
        # One of them is ours (``module/reserved.py``, WAIT).
        ("total_tables", TABLES_MAX + 1),
        ("max_tables_per_module", TABLES_MAX + 1),
        ("table_elements", TABLE_ELEMENTS_MAX),
        ("max_core_instance_size", INSTANCE_BYTES_MAX),
        ("total_stacks", 1),
        ("total_gc_heaps", 0),
        ("total_component_instances", 0),
        # Clearing so much by hand costs less than giving it back and faulting it in again.
        ("linear_memory_keep_resident", MEMORY_RESIDENT_BYTES),
        ("table_keep_resident", TABLE_RESIDENT_BYTES),
    ):
        setter = getattr(ffi, f"wasmtime_pooling_allocation_config_{name}_set")
        setter(pool, value)
    ffi.wasmtime_pooling_allocation_strategy_set(config.ptr(), pool)
    ffi.wasmtime_pooling_allocation_config_delete(pool)
    return config
