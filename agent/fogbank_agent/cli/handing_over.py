"""Hands tasks and inputs over to the agent, and takes outputs from it."""

import io
from pathlib import Path

from ..control.client import ControlClient
from ..control.requests.jobs import RunInput
from ..errors import Refused
from .run_display import Display
from .run_inputs import Input, PublishedTask, TaskFile


def hand_over_task(
    client: ControlClient, task: TaskFile | PublishedTask, display: Display
) -> bytes:
    """Return the name of ``task`` in the agent's store."""
    match task:
        case TaskFile(data=data):
            return client.put_blob(io.BytesIO(data), len(data), display.uploaded)
        case PublishedTask(package_id):
            return package_id


def hand_over(client: ControlClient, one: Input, display: Display) -> RunInput:
    """Return ``one`` as the input of a run.

    Raises:
        Refused: its file cannot be read.
    """
    if one.path is None:
        return RunInput(one.name, client.put_blob(io.BytesIO(), 0))
    try:
        with one.path.open("rb") as file:
            return RunInput(one.name, client.put_blob(file, one.size, display.uploaded))
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
