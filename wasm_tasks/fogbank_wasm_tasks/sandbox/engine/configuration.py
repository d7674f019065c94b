"""The settings of the engine: the features of SPEC.md section 7.2, the same results everywhere."""

import wasmtime

from ...limits import WASM_STACK_BYTES
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
