"""Makes an aarch64 that qemu can run: ``python -m tests.aarch64.prepare``, on Debian, as root.

A Python and the C library from Debian's arm64 packages, and wasmtime's aarch64 wheel, all by name,
unpacked into ``build/aarch64``.  Needs qemu-user (``apt-get install qemu-user``).  Python's minor
version has to be that of Debian; the code itself runs from this repository.
"""

import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

FOLDER = Path(__file__).parents[2] / "build" / "aarch64"
ROOT = FOLDER / "root"
SITE = FOLDER / "site"
PYTHON = "python3.11"
PACKAGES = (
    "libc6", f"{PYTHON}-minimal", f"lib{PYTHON}-minimal", f"lib{PYTHON}-stdlib", "libexpat1",
    "zlib1g", "libffi8", "libssl3", "libgcc-s1", "libcrypt1", "libbz2-1.0", "liblzma5", "libuuid1",
)  # fmt: skip


def main() -> None:
    """Fetch and unpack what is missing."""
    if which("qemu-aarch64") is None or which("dpkg") is None:
        sys.exit("this needs Debian and qemu-user: apt-get install qemu-user")
    if not (ROOT / "usr" / "bin" / PYTHON).exists():
        _unpack_packages()
    if not (SITE / "wasmtime").exists():
        _unpack_wheel()
    print(f"an aarch64 is in {FOLDER}")


def _unpack_packages() -> None:
    _run("dpkg", "--add-architecture", "arm64")
    _run("apt-get", "update", "-qq")
    with TemporaryDirectory() as folder:
        _run("apt-get", "download", "-qq", *(f"{each}:arm64" for each in PACKAGES), folder=folder)
        ROOT.mkdir(parents=True, exist_ok=True)
        for package in Path(folder).glob("*.deb"):
            _run("dpkg", "-x", str(package), str(ROOT))


def _unpack_wheel() -> None:
    with TemporaryDirectory() as folder:
        _run(
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
            "--platform", "manylinux2014_aarch64", "--only-binary=:all:",
            f"wasmtime=={version('wasmtime')}", f"msgpack=={version('msgpack')}",
            "--python-version", PYTHON.removeprefix("python"),
        )  # fmt: skip
        for wheel in Path(folder).glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(SITE)


def _run(*command: str, folder: str | None = None) -> None:
    subprocess.run(command, check=True, cwd=folder)


if __name__ == "__main__":
    main()
