"""Builds the programs of this folder, one of each function in programs.c, with the toolchain.

``python -m tests.wasm_tasks.metering.injection.corpus.build`` after ``make .venv/.toolchain``.
"""

import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
LEVELS = ("-O2", "-Os", "-O0")


def main() -> None:
    """Write one module for each program, each level in turn."""
    source = FOLDER / "programs.c"
    names = re.findall(r"^PROGRAM\((\w+)\)", source.read_text("utf-8"), re.MULTILINE)
    for place, name in enumerate(names):
        subprocess.run(
            [sys.executable, "-m", "ziglang", "cc", "--target=wasm32-freestanding", "-nostdlib",
             LEVELS[place % len(LEVELS)], f"-DONLY_{name}", "-Wl,--no-entry", "-Wl,--strip-all",
             "-mbulk-memory", "-fno-sanitize=all", "-Wno-everything",
             "-o", FOLDER / f"{name}.wasm", source],
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
