"""Computes everything once more in a sandbox of the demonstration's own.

What the agents said about each other's honesty is then held against the truth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path

import trio

from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.package import Package, open_package
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.requests import StepRequest
from fogbank_wasm_tasks.verification.terms import StepPlan

FUEL_MAX = 100_000_000_000
_PLAN = StepPlan(step_size=64, checkpoint_steps=64)
"""How many generations are computed at a time does not change what comes out."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An accepted result."""

    package: bytes
    input: bytes
    output: bytes


def wrong_pieces(pieces: Sequence[Piece], folder: Path, *, on_checked: Callable[[], None]) -> int:
    """Return how many of ``pieces`` are not what their tasks compute.

    ``folder`` is for the sandbox's files; ``on_checked`` is called after each piece.
    """
    return trio.run(_wrong_pieces, pieces, folder, on_checked)


async def _wrong_pieces(
    pieces: Sequence[Piece], folder: Path, on_checked: Callable[[], None]
) -> int:
    workers = cpu_count() or 1
    sandbox = Sandbox(folder, workers=workers)
    limiter = trio.CapacityLimiter(workers)
    packages = {data: open_package(data) for data in {piece.package for piece in pieces}}
    wrong = 0

    async def check(piece: Piece) -> None:
        nonlocal wrong
        async with limiter:
            output = await _output(sandbox, packages[piece.package], piece.input)
        wrong += output != piece.output
        on_checked()

    async with trio.open_nursery() as nursery:
        await nursery.start(sandbox.run)
        async with trio.open_nursery() as checks:
            for piece in pieces:
                checks.start_soon(check, piece)
        nursery.cancel_scope.cancel()
    return wrong


async def _output(sandbox: Sandbox, package: Package, data: bytes) -> bytes:
    request = RunRequest(input=data, fuel_max=FUEL_MAX)
    if package.manifest.shape is not Shape.STEP:
        return (await sandbox.execute(package, request)).output
    stepped = await sandbox.execute_steps(package, StepRequest(run=request, plan=_PLAN))
    return b"" if stepped.report is None else stepped.report.output
