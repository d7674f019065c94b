"""The C99 program, built once where a compiler and libsodium are installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "firmware_examples"


def missing_tool() -> str | None:
    """Return what is not installed of what the build needs, or None."""
    for tool in ("make", "cc", "pkg-config"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    found = subprocess.run(["pkg-config", "--exists", "libsodium"], check=False)
    return None if found.returncode == 0 else "libsodium's headers are not installed"


@pytest.fixture(scope="session")
def check_vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the program that replays vectors."""
    missing = missing_tool()
    if missing is not None:
        pytest.skip(f"{missing}: see firmware_examples/README.md")
    build = tmp_path_factory.mktemp("firmware")
    made = subprocess.run(
        ["make", "-C", str(SOURCES), f"BUILD={build}"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return build / "check_vectors"
