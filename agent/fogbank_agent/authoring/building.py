"""Makes a task's module from its sources."""

import os
import subprocess
from pathlib import Path
from shutil import copyfile

from ..errors import BuildFailed, MachineError
from .manifest import FILE_NAME, TaskManifest
from .toolchains import Step, build_step


def build(manifest: TaskManifest, folder: Path, *, is_named: bool = False) -> Path:
    """Compile the task in ``folder`` and return where its module is.

    If ``is_named`` the module keeps the names of its functions.  What the compiler says goes to
    standard error as it comes.

    Raises:
        MachineError: the compiler is missing; the message names the command that installs it.
        BuildFailed: it refused the sources.
    """
    missing = [path for path in manifest.build.sources if not (folder / path).exists()]
    if missing:
        raise BuildFailed(
            f"there is no {missing[0]} in {folder.absolute()}, which [build] sources of "
            f"{FILE_NAME} names: write it, or name another file"
        )
    step = build_step(manifest, folder, is_named=is_named)
    module = folder / manifest.module
    try:
        module.parent.mkdir(parents=True, exist_ok=True)
        module.unlink(missing_ok=True)
        _run(step, folder)
        if step.result and (folder / step.result).exists():
            copyfile(folder / step.result, module)
    except OSError as error:
        raise MachineError(f"the task cannot be built: {error}") from None
    if not module.exists():
        expected = step.result or manifest.module
        raise BuildFailed(f"the compiler ended well and did not write {expected}")
    return module


def _run(step: Step, folder: Path) -> None:
    # The compiler's words belong to standard error: --json has standard output to itself.
    finished = subprocess.run(
        step.command,
        cwd=folder,
        env={**os.environ, **dict(step.environment)},
        stdin=subprocess.DEVNULL,
        stdout=2,
        check=False,
    )
    if finished.returncode != 0:
        raise BuildFailed(f"the compiler ended with code {finished.returncode}: see above")


def read_module(manifest: TaskManifest, folder: Path) -> bytes:
    """Return the module that was built.

    Raises:
        BuildFailed: there is none.
    """
    path = folder / manifest.module
    try:
        return path.read_bytes()
    except OSError as error:
        raise BuildFailed(
            f"{path} cannot be read ({error.strerror}): run 'fogbank task build' first"
        ) from None
