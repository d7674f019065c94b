"""What the commands of ``fogbank task`` share."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...errors import Refused
from ...limits import PROOF_FILE_BYTES_MAX, TASK_FILE_BYTES_MAX
from ...state_folder import StateFolder, read_key

if TYPE_CHECKING:
    from fogbank_protocol.identity import Identity

_Function = TypeVar("_Function", bound=Callable[..., Any])


def folder_option(function: _Function) -> _Function:
    """Add ``--folder DIR``, where ``fogtask.toml`` is."""
    return click.option(
        "--folder",
        metavar="DIR",
        type=click.Path(path_type=Path),
        default=Path(),
        help="Where fogtask.toml is [here].",
    )(function)


def key_option(function: _Function) -> _Function:
    """Add ``--key FILE``, which signs in place of the agent's own key."""
    return click.option(
        "--key",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="The author's key, as 'fogbank init --key-only' makes it [the agent's own].",
    )(function)


def read_author(key: Path | None, state: StateFolder) -> "Identity":
    """Return who signs: the key in the file ``key``, or the agent's."""
    return state.read_identity() if key is None else read_key(key)


def read_task_file(path: Path) -> bytes:
    """Return the bytes of a package file or a module.

    Raises:
        Refused: it cannot be read, or is larger than any package.
    """
    return _read(path, TASK_FILE_BYTES_MAX, "task")


def read_signed_file(path: Path) -> bytes:
    """Return the bytes of a package file, or of a proof, which is larger.

    Raises:
        Refused: it cannot be read, or is larger than any proof.
    """
    return _read(path, PROOF_FILE_BYTES_MAX, "proof")


def _read(path: Path, bytes_max: int, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > bytes_max:
        raise Refused(f"{path} has more than {bytes_max:,} bytes: no {what} is so large")
    return data
