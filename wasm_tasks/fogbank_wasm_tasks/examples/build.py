"""Builds the example tasks from their C sources (``make tasks``).

The compiler is clang as ``ziglang`` packages it, of the version that pyproject.toml pins: the same
sources then give the same bytes on every machine.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

from . import MODULE_NAMES

MODULE_BYTES_MAX = 50_000
"""The examples travel with the wheel and to every provider of the demo."""

_FLAGS = (
    "-target",
    "wasm32-freestanding",
    "-mcpu=mvp+bulk_memory+simd128",
    "-std=c11",
    "-O2",
    # A fused multiply-add would round once where the module's text rounds twice.
    "-ffp-contract=off",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-nostdlib",
    "-Wl,--no-entry",
    "-Wl,--export-memory",
    "-Wl,--strip-all",
)

_FLAGS_OF: Final = {
    # A checkpoint looks at all of the memory: a stack of a megabyte, as the linker makes it when
    # nothing is said, would be most of what this one looks at.
    "cellular_automaton": ("-Wl,-z,stack-size=16384",),
}


class BuildError(Exception):
    """The compiler refused the sources, or the module is too large; the message says which."""


def build_module(name: str, output: Path) -> None:
    """Compile the task ``name`` to ``output``; raise ``BuildError`` with the compiler's words."""
    folder = Path(__file__).parent / name
    sources = sorted(path.name for path in folder.glob("*.c"))
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        *_FLAGS,
        *_FLAGS_OF.get(name, ()),
        "-o",
        str(output.resolve()),
        *sources,
    ]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise BuildError(f"{name} does not compile:\n{finished.stderr}")
    size = output.stat().st_size
    if size > MODULE_BYTES_MAX:
        raise BuildError(f"{name} has {size} bytes, more than {MODULE_BYTES_MAX}")


def main() -> None:
    """Build the tasks named on the command line, or all of them, in place."""
    parser = argparse.ArgumentParser(description="Build the example tasks from their C sources.")
    parser.add_argument("names", nargs="*", metavar="TASK", help=", ".join(MODULE_NAMES))
    names: list[str] = parser.parse_args().names
    for name in names or MODULE_NAMES:
        if name not in MODULE_NAMES:
            parser.error(f"there is no task {name}: choose from {', '.join(MODULE_NAMES)}")
        output = Path(__file__).parent / name / f"{name}.wasm"
        try:
            build_module(name, output)
        except BuildError as error:
            sys.exit(str(error))
        print(f"{output}: {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
