"""Computes the tiles once more in a sandbox of the demonstration's own.

What the agents said about each other's honesty is then held against the truth.
"""

from collections.abc import Callable, Mapping
from os import cpu_count
from pathlib import Path

import trio

from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, Tile, tile_input
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox

FUEL_MAX = 100_000_000_000


def wrong_tiles(
    package: bytes,
    picture: Picture,
    outputs: Mapping[Tile, bytes],
    folder: Path,
    *,
    on_checked: Callable[[], None],
) -> int:
    """Return how many of ``outputs`` are not what the task computes.

    ``folder`` is for the sandbox's files; ``on_checked`` is called after each tile.
    """
    return trio.run(_wrong_tiles, package, picture, outputs, folder, on_checked)


async def _wrong_tiles(
    package: bytes,
    picture: Picture,
    outputs: Mapping[Tile, bytes],
    folder: Path,
    on_checked: Callable[[], None],
) -> int:
    workers = cpu_count() or 1
    sandbox = Sandbox(folder, workers=workers)
    limiter = trio.CapacityLimiter(workers)
    wrong = 0

    async def check(tile: Tile, output: bytes) -> None:
        nonlocal wrong
        async with limiter:
            request = RunRequest(input=tile_input(picture, tile), fuel_max=FUEL_MAX)
            report = await sandbox.execute(package, request)
        wrong += report.output != output
        on_checked()

    async with trio.open_nursery() as nursery:
        await nursery.start(sandbox.run)
        async with trio.open_nursery() as checks:
            for tile, output in outputs.items():
                checks.start_soon(check, tile, output)
        nursery.cancel_scope.cancel()
    return wrong
