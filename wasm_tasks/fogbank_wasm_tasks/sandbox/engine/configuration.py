"""The settings of the engine: the features of SPEC.md section 7.2, the same results everywhere."""

import wasmtime

from ...limits import WASM_STACK_BYTES
from ...metering.metering import METERING


def configure() -> wasmtime.Config:
    """Return the settings; whoever changes them raises ``SETTINGS_VERSION``."""
    config = wasmtime.Config()
    config.consume_fuel = METERING.engine_counts
    # 0/0 has another sign on x86-64 than on aarch64; a run must not see which.
    config.cranelift_nan_canonicalization = True
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
    config.max_wasm_stack = WASM_STACK_BYTES
    # A hostile module gets one core to waste while it compiles.
    config.parallel_compilation = False
    # Else each module keeps a file in memory with its first contents.
    config.memory_init_cow = False
    return config
