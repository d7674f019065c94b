"""Finds out which functions of a task use the fuel of a run."""

import re
from dataclasses import replace
from pathlib import Path

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.errors import SandboxUnavailable
from fogbank_wasm_tasks.module.function_names import have_equal_code, read_function_names
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.profile import Profile
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.profiler import profile

from ..errors import FogbankError, MachineError, Refused
from .building import build
from .manifest import TaskManifest

_COMPILE_S_MAX = 600.0
# Ten times what a provider gives, as for tests: an author may have a slow machine.


def find_names(manifest: TaskManifest, folder: Path, module: bytes) -> dict[int, str]:
    """Return the names of the functions of ``module``, built of the task in ``folder``.

    Modules are built without names, to be small.  So the task is built once more with names, and
    these are taken if the code came out the same; else, or without a compiler, there are none.
    """
    return {index: plain_name(name) for index, name in _find(manifest, folder, module).items()}


def plain_name(name: str) -> str:
    """Return ``name`` as its author wrote it where that can be told: Rust's are given back."""
    if not re.fullmatch(r"_ZN.+17h[0-9a-f]{16}E", name):
        return name
    parts: list[str] = []
    left = name[3:-20]
    while found := re.match(r"[0-9]+", left):
        end = found.end() + int(found.group())
        # A part that begins with an escape has an underscore before that.
        parts.append(re.sub(r"^_(?=\$)", "", left[found.end() : end]))
        left = left[end:]
    text = "::".join(parts).replace("..", "::")
    return re.sub(r"\$(LT|GT|RF|BP|C|u[0-9a-f]{2})\$", _unescape, text)


def _unescape(found: re.Match[str]) -> str:
    word = found.group(1)
    return _RUST_ESCAPES[word] if word in _RUST_ESCAPES else chr(int(word[1:], 16))


_RUST_ESCAPES = {"LT": "<", "GT": ">", "RF": "&", "BP": "*", "C": ","}


def _find(manifest: TaskManifest, folder: Path, module: bytes) -> dict[int, str]:
    names = read_function_names(module)
    if names:
        return names
    place = str(Path(manifest.module).with_suffix(".named.wasm"))
    try:
        named = replace(manifest, build=replace(manifest.build, module=place))
        other = build(named, folder, is_named=True).read_bytes()
        return read_function_names(other) if have_equal_code(module, other) else {}
    except (FogbankError, OSError, RemoteProtocolError):
        return {}


async def profile_run(
    package: Package, request: RunRequest, names: dict[int, str] | None
) -> Profile:
    """Run ``package`` once and return where its fuel went; ``names`` as ``profile`` takes them.

    Raises:
        Refused: its module does not validate, or begins with more memory than allowed.
        MachineError: this machine cannot run tasks; the sentence says why.
    """
    try:
        return await profile(package, request, names=names, compile_s_max=_COMPILE_S_MAX)
    except RemoteProtocolError as error:
        raise Refused(f"the task cannot be run: {error}") from None
    except SandboxUnavailable as error:
        raise MachineError(str(error)) from None
