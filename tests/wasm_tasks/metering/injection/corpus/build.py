"""Builds the programs of this folder, one of each function in programs.c, with the toolchain.

``python -m tests.wasm_tasks.metering.injection.corpus.build`` after ``make .venv/.toolchain``.

The others are built by hand, each tour in several levels:

    zig build-exe tour.zig -target wasm32-freestanding -fno-entry -rdynamic -fstrip -O LEVEL
    rustc --crate-type cdylib --target wasm32-unknown-unknown -C opt-level=s -C lto
        -C panic=abort -C strip=symbols tour.rs
    asc tour.ts --use abort= -O3 --runtime stub
    asc tour.ts --use abort= --optimizeLevel 0 --runtime incremental
    GOOS=wasip1 GOARCH=wasm go build -trimpath -ldflags="-s -w" -o tour_go.wasm tour.go
    xz -9e tour_go.wasm
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
