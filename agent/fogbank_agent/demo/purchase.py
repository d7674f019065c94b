"""Buys the picture's tiles through the requestor's control socket, as ``fogbank run`` would."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, Tile, tile_input

from ..control.client import ControlClient
from ..control.requests.jobs import (
    JobEnded,
    JobProgressed,
    RunEnded,
    RunInput,
    RunsEnded,
    StartJob,
)
from ..limits import DEMO_TILE_FUEL_MAX
from .auctions import Auctions

VERIFY = "quorum:2"
"""Every tile is computed by two providers, who must agree."""


@dataclass(frozen=True, slots=True)
class Bought:
    """What came of the job."""

    ended: JobEnded
    outputs: dict[Tile, bytes]
    """Of the tiles that were accepted."""

    fuel: int
    """Of the accepted results, each counted once."""

    answers: frozenset[tuple[bytes, str]]
    """For each result that came, the id of its input and the short form of its provider."""

    auctions: int
    """Orders on which several providers bid."""


def buy_picture(
    client: ControlClient,
    package: bytes,
    picture: Picture,
    tiles: Sequence[Tile],
    *,
    on_progress: Callable[[JobProgressed], None],
) -> Bought:
    """Have every tile of ``picture`` computed, checked and paid by neighbours.

    Raises:
        Refused: the agent cannot begin.
        AgentUnreachable: it stopped.
    """
    inputs = tuple(
        RunInput(f"tile {number}", hand_over(client, tile_input(picture, tile)))
        for number, tile in enumerate(tiles, start=1)
    )
    job = job_on(client, package, "path-tracer", inputs, VERIFY, DEMO_TILE_FUEL_MAX)
    answers: set[tuple[bytes, str]] = set()
    auctions = Auctions()

    def progressed(progress: JobProgressed) -> None:
        auctions.progressed(progress)
        if progress.event == "ResultArrived":
            lot = inputs[progress.run : progress.run + progress.runs]
            answers.update((one.blob_id, progress.provider) for one in lot)
        on_progress(progress)

    runs, ended = follow(client, job, progressed)
    outputs = {
        tiles[run.number]: b"".join(client.blob(run.output_id))
        for run in runs
        if run.output_id is not None
    }
    fuel = sum(run.fuel for run in runs if run.ok)
    return Bought(ended, outputs, fuel, frozenset(answers), auctions.held)


def hand_over(client: ControlClient, data: bytes) -> bytes:
    """Return the name under which the agent keeps ``data``."""
    return client.put_blob(io.BytesIO(data), len(data))


def job_on(
    client: ControlClient,
    package: bytes,
    name: str,
    inputs: tuple[RunInput, ...],
    verify: str,
    fuel_max: int | None,
) -> StartJob:
    """Return the job of running ``package`` on ``inputs``, with what else ``fogbank run`` says."""
    return StartJob(
        task_id=hand_over(client, package),
        task_name=name,
        inputs=inputs,
        arguments=(),
        environment=(),
        seed=0,
        verify=verify,
        price_max=None,
        start_price_max=None,
        fuel_max=fuel_max,
        deadline_s=None,
        patience_s=None,
    )


def follow(
    client: ControlClient, job: StartJob, on_progress: Callable[[JobProgressed], None]
) -> tuple[list[RunEnded], JobEnded]:
    """Have ``job`` done; return how its runs ended, and what it came to.

    Raises:
        Refused: the agent cannot begin.
        AgentUnreachable: it stopped.
    """
    client.send(job)
    runs: list[RunEnded] = []
    while True:
        match client.receive_any([JobProgressed, RunsEnded, JobEnded]):
            case JobProgressed() as progress:
                on_progress(progress)
            case RunsEnded(ended_now):
                runs += ended_now
            case JobEnded() as ended:
                return runs, ended
            case _:
                raise AssertionError
