"""Example tasks: their C sources and, built from them, modules that are part of the wheel.

Each task is a folder with its sources, its module of the same name and a README.md.  ``build``
makes the modules anew.
"""

from importlib.resources import files

MODULE_NAMES = (
    "cellular_automaton",
    "image_filter",
    "matrix_product",
    "path_tracer",
    "satisfiability",
    "sensor_statistics",
)


def module_bytes(name: str) -> bytes:
    """Return the WebAssembly module of the task ``name``, one of ``MODULE_NAMES``."""
    return files(__name__).joinpath(name, f"{name}.wasm").read_bytes()
