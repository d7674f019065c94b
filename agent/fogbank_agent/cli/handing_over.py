"""Hands tasks and inputs over to the agent, and takes outputs from it."""

import io
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path

from ..control.client import ControlClient
from ..control.requests.jobs import RunInput
from ..errors import Refused
from ..limits import CONTROL_CHUNK_BYTES
from .run_display import Display
from .run_inputs import Input, PublishedTask, TaskFile

_AT_ONCE = 256
"""Small inputs that are in memory at the same time."""


def hand_over_task(
    client: ControlClient, task: TaskFile | PublishedTask, display: Display
) -> bytes:
    """Hand over the task, unless a neighbour has it; return its id."""
    match task:
        case TaskFile(data=data):
            return client.put_blob(io.BytesIO(data), len(data), display.uploaded)
        case PublishedTask(package_id):
            return package_id


def hand_over_inputs(
    client: ControlClient, inputs: Sequence[Input], display: Display
) -> tuple[RunInput, ...]:
    """Hand over every input, small ones many at a time."""
    kept: list[bytes] = []
    for is_small, group in groupby(inputs, lambda one: one.size <= CONTROL_CHUNK_BYTES):
        while page := list(islice(group, _AT_ONCE if is_small else 1)):
            kept += _hand_over_some(client, page, display, is_small=is_small)
    return tuple(RunInput(one.name, named) for one, named in zip(inputs, kept, strict=True))


def _hand_over_some(
    client: ControlClient, page: Sequence[Input], display: Display, *, is_small: bool
) -> list[bytes]:
    if not is_small:
        (one,) = page
        assert one.path is not None
        with _readable(one), one.path.open("rb") as file:
            return [client.put_blob(file, one.size, display.uploaded)]
    blobs: list[bytes] = []
    for one in page:
        with _readable(one):
            data = b"" if one.path is None else one.path.read_bytes()
        if len(data) != one.size:
            raise Refused(f"the input {one.path} changed while it was read: run it again")
        blobs.append(data)
    kept = client.put_blobs(blobs)
    display.uploaded(sum(map(len, blobs)))
    return kept


@contextmanager
def _readable(one: Input) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(f"the input {one.path} cannot be read: {error.strerror}") from None


def write_output(client: ControlClient, output_id: bytes, path: Path) -> None:
    """Write an output to the file ``path``, whole or not at all.

    Raises:
        Refused: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as file:
            for data in client.blob(output_id):
                file.write(data)
        beside.replace(path)
    except OSError as error:
        raise Refused(
            f"the output {path} cannot be written: {error.strerror}; the run is paid, and its "
            "output stays in the agent for a while: run the same again"
        ) from None
