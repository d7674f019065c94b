"""What ``fogbank run`` works on: the task's file, the inputs, and where the outputs go."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from fogbank_protocol.limits import BLOB_BYTES_MAX

from ..errors import Refused


@dataclass(frozen=True, slots=True)
class Input:
    """One run's input: a file, or nothing at all."""

    name: str
    path: Path | None
    size: int


@dataclass(frozen=True, slots=True)
class TaskFile:
    """A package file, or a module, that is here."""

    name: str
    """What a package made of it would be named after."""

    data: bytes
    file: str
    """What a person called it."""


@dataclass(frozen=True, slots=True)
class PublishedTask:
    """A package that a neighbour gives out by its id."""

    package_id: bytes


def find_task(text: str) -> TaskFile | PublishedTask:
    """Return the task that ``text`` means: a file, a bundled example, or a published package's id.

    Raises:
        Refused: none of these.
    """
    path = Path(text)
    try:
        _check_file(path, f"the task {text}")
        return TaskFile(path.stem, path.read_bytes(), text)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Refused(f"the task {text} cannot be read: {error.strerror}") from None
    from fogbank_wasm_tasks.examples import MODULE_NAMES, module_bytes

    name = text.replace("-", "_")
    if name in MODULE_NAMES:
        return TaskFile(name, module_bytes(name), text)
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return PublishedTask(bytes.fromhex(text))
    raise Refused(
        f"there is no file '{text}' and no bundled task of that name, nor is it the id of a "
        "package, of 64 hexadecimal digits; bundled are " + ", ".join(MODULE_NAMES)
    )


def find_inputs(files: Sequence[Path], folders: Sequence[Path]) -> list[Input]:
    """Return an input for each of ``files`` and each file of ``folders``; one empty one for none.

    Raises:
        Refused: one cannot be read, or a folder has none.
    """
    paths = list(files)
    for folder in folders:
        try:
            found = sorted(path for path in folder.iterdir() if _is_wanted(path))
        except OSError as error:
            raise Refused(f"{folder} cannot be read: {error.strerror}") from None
        if not found:
            raise Refused(f"there are no files in {folder}")
        paths += found
    if not paths:
        return [Input("output", None, 0)]
    return [
        Input(name, path, _size(path))
        for name, path in zip(_unique([path.name for path in paths]), paths, strict=True)
    ]


def check_output(output: Path | None, inputs: Sequence[Input], *, needed: bool) -> None:
    """Make the folder ``output`` and see that no output would replace an input.

    Raises:
        Refused: it would, or the folder cannot be made, or it is missing where it is needed.
    """
    if output is None:
        if needed:
            raise Refused("name a folder for the outputs of several runs: --output DIR")
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"the folder {output} cannot be made: {error.strerror}") from None
    # Found out now rather than when the runs are paid.
    if not os.access(output, os.W_OK | os.X_OK):
        raise Refused(f"nothing can be written to the folder {output}: see its rights")
    taken = {one.path.resolve() for one in inputs if one.path is not None}
    for one in inputs:
        if (output / one.name).resolve() in taken:
            raise Refused(f"the output would replace the input {output / one.name}: name another")


def _is_wanted(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            raise Refused(f"{path} is a folder: name a file, or use --map {path} for all of it")
        return _check_file(path, f"the input {path}")
    except OSError as error:
        raise Refused(f"the input {path} cannot be read: {error.strerror}") from None


def _check_file(path: Path, what: str) -> int:
    """Return the size of the file ``path``; a folder is left to whoever opens it."""
    status = path.stat()
    if not S_ISREG(status.st_mode) and not S_ISDIR(status.st_mode):
        raise Refused(f"{what} is a pipe or a device: write what comes out of it to a file first")
    if status.st_size > BLOB_BYTES_MAX:
        raise Refused(
            f"{what} has {status.st_size:,} bytes, which are too many: inputs and tasks have at "
            f"most {BLOB_BYTES_MAX:,}"
        )
    return status.st_size


def _unique(names: Sequence[str]) -> list[str]:
    """Put numbers before names that are there twice: each names an output's file."""
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        number = 1
        free = name
        while free in taken:
            number += 1
            free = f"{number}-{name}"
        taken.add(free)
        result.append(free)
    return result
