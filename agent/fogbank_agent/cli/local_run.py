"""``fogbank run --local``: one run in the sandbox of this machine, with no agent and no market."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import MachineError, Refused, RunFailed
from .options import print_json
from .run_inputs import Input, PublishedTask, TaskFile, find_inputs

if TYPE_CHECKING:
    from fogbank_wasm_tasks.package import Package
    from fogbank_wasm_tasks.run import RunReport, RunRequest

_FUEL_MAX = 100_000_000_000
_WALL_S_MAX = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOrder:
    """What decides a run besides the task and its input."""

    arguments: Sequence[str]
    environment: tuple[str, ...] = ()
    seed: int = 0
    fuel_max: int | None = None


def run_locally(
    task: TaskFile | PublishedTask,
    files: Sequence[Path],
    folders: Sequence[Path],
    output: Path | None,
    order: LocalOrder,
    wall_s_max: int | None,
    *,
    as_json: bool,
) -> None:
    """Run ``task`` once and print how it went; the output goes to ``output`` or standard output.

    Raises:
        UsageError: what is asked for needs an agent.
        Refused: the task or the input is not acceptable.
        RunFailed: the run gave no output.
        MachineError: this machine cannot run tasks, or the output cannot be written.
    """
    import trio

    from ..authoring.packing import open_task
    from ..authoring.trial import outcome_text

    if isinstance(task, PublishedTask):
        raise click.UsageError(
            "--local runs a file: a package's id is fetched by an agent, without --local"
        )
    if folders or len(files) > 1:
        raise click.UsageError("--local takes one --input and no --map")
    [given] = find_inputs(files, ())
    package = open_task(task.data, task.file)
    report = trio.run(_run, package, local_request(given, order, wall_s_max))
    outcome = outcome_text(report.outcome)
    if outcome == "ok" and output is not None:
        _write(output, report.output)
    if as_json:
        print_json(_answer(outcome, report))
    elif outcome == "ok":
        if output is None:
            sys.stdout.buffer.write(report.output)
            sys.stdout.buffer.flush()
        click.echo(_summary(outcome, report), err=True)
    if report.diagnostics and not as_json:
        click.echo(report.diagnostics.decode("utf-8", "replace"), err=True, nl=False)
    if outcome != "ok":
        raise RunFailed(_summary(outcome, report))


async def _run(package: "Package", request: "RunRequest") -> "RunReport":
    from ..authoring.trial import local_sandbox, run_once

    async with local_sandbox() as sandbox:
        return await run_once(sandbox, package, request)


def local_request(given: Input, order: LocalOrder, wall_s_max: int | None = None) -> "RunRequest":
    """Return the run of ``order`` on ``given``, of at most ``wall_s_max`` seconds, else an hour.

    Raises:
        Refused: the input cannot be read, or the run is not possible.
    """
    from fogbank_protocol.errors import LocalProtocolError
    from fogbank_wasm_tasks.run import RunRequest

    from ..authoring.environment import environment_of

    try:
        data = b"" if given.path is None else given.path.read_bytes()
        return RunRequest(
            input=data,
            fuel_max=order.fuel_max or _FUEL_MAX,
            arguments=order.arguments,
            environment=environment_of(order.environment),
            seed=order.seed,
            wall_s_max=wall_s_max or _WALL_S_MAX,
        )
    except OSError as error:
        raise Refused(f"the input {given.path} cannot be read: {error.strerror}") from None
    except LocalProtocolError as error:
        raise Refused(f"this run is not possible: {error}") from None


def _answer(outcome: str, report: "RunReport") -> dict[str, object]:
    from hashlib import sha256

    return {
        "outcome": outcome,
        "fuel": report.fuel,
        "output_bytes": len(report.output),
        "output_sha256": sha256(report.output).hexdigest(),
        "peak_memory_bytes": report.peak_memory_bytes,
        "wall_ms": round(report.wall_s * 1000, 3),
        "diagnostics": report.diagnostics.decode("utf-8", "replace"),
    }


def _summary(outcome: str, report: "RunReport") -> str:
    return (
        f"{outcome}, {report.fuel:,} fuel, {report.peak_memory_bytes / 1024:,.0f} KiB of memory, "
        f"{report.wall_s * 1000:.1f} ms"
    )


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        raise MachineError(f"the output {path} cannot be written: {error.strerror}") from None
