"""Carries out the runs of a lot in a sandbox, to sell them or to check them (SPEC.md 9.5, 9.6)."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from fogbank_protocol.blobs.naming import BlobId
from fogbank_wasm_tasks.outcome import HostFault, Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.run import Pace, Reached, RunReport, RunRequest
from fogbank_wasm_tasks.verification.requests import StepRequest
from fogbank_wasm_tasks.verification.terms import Terms
from fogbank_wasm_tasks.verification.trace import Trace

from .interfaces import LotRunner


@dataclass(frozen=True, slots=True)
class LotWork:
    """What is to be run."""

    package: Package
    terms: Terms
    inputs: Sequence[BlobId]
    """One for each run."""

    snapshot: bytes | None = None
    """The state that the one run goes on from, when its terms have a start."""


class LotPace(Protocol):
    """Holds a lot to what is paid."""

    @property
    def slice_fuel(self) -> int:
        """After how much fuel it asks."""
        ...

    async def reach(self, fuel: int, snapshot: bytes) -> bool:
        """Return when the lot, at ``fuel``, may go on, and whether a state of the run is wanted.

        ``snapshot`` is the one that was wanted, or empty.
        """
        ...


async def execute_lot(
    runner: LotRunner,
    work: LotWork,
    read: Callable[[int], Awaitable[bytes]],
    take: Callable[[Result, bytes | None], Awaitable[None]],
    *,
    seconds_left: Callable[[], float],
    pace: LotPace | None = None,
    note_trace: Callable[[Trace], None] | None = None,
) -> float:
    """Run all of ``work``, in order; return the seconds that it took in the sandbox.

    ``read`` gives the input of a run by its place in the lot, ``take`` is given each result, with
    its output when the outcome is ok.  A host fault ends the lot: there is no claim without it.
    ``pace`` holds it to what is paid; what that raises ends the lot.  ``note_trace`` is given what
    each run of a step task leaves behind, before its result.

    Raises:
        RemoteProtocolError, SandboxBusy, SandboxUnavailable: as ``Runner.execute``, and whatever
            ``read`` and ``take`` raise.
    """
    if work.terms.plan is None and len(work.inputs) > 1:
        return await _execute_together(runner, work, read, take, seconds_left, pace)
    wall_s, fuel = 0.0, 0
    begun = 0 if work.terms.start is None else work.terms.start.fuel
    for place, input_id in enumerate(work.inputs):
        data = await read(place)
        held = None if pace is None else _pace_of_run(pace, fuel, begun)
        result, report, trace = await _execute(runner, work, input_id, data, seconds_left, held)
        if trace is not None and note_trace is not None:
            note_trace(trace)
        wall_s += report.wall_s
        fuel += result.fuel
        await take(result, report.output if isinstance(report.outcome, Ok) else None)
        if isinstance(result.outcome, HostFault):
            break
    return wall_s


def _pace_of_run(pace: LotPace, fuel_before: int, begun: int) -> Pace:
    async def reach(reached: Reached) -> bool:
        return await pace.reach(fuel_before + reached.fuel - begun, reached.snapshot)

    return Pace(pace.slice_fuel, reach)


async def _execute_together(
    runner: LotRunner,
    work: LotWork,
    read: Callable[[int], Awaitable[bytes]],
    take: Callable[[Result, bytes | None], Awaitable[None]],
    seconds_left: Callable[[], float],
    pace: LotPace | None,
) -> float:
    async def requests() -> AsyncGenerator[RunRequest]:
        for place in range(len(work.inputs)):
            data = await read(place)
            yield work.terms.request(data, wall_s_max=max(seconds_left(), 0.001))

    wall_s, fuel, ended = 0.0, 0, 0
    # Runs end in any order, and are told of in that of the lot.
    early: dict[int, RunReport] = {}
    async with (
        aclosing(requests()) as asked,
        runner.execute_many(work.package, asked) as reports,
    ):
        async for place, report in reports:
            early[place] = report
            wall_s += report.wall_s
            while ended in early:
                report = early.pop(ended)
                result = _result(work.inputs[ended], report)
                ended += 1
                fuel += result.fuel
                await take(result, report.output if isinstance(report.outcome, Ok) else None)
                if isinstance(result.outcome, HostFault):
                    return wall_s
            if pace is not None and ended < len(work.inputs):
                await pace.reach(fuel, b"")
    return wall_s


async def _execute(
    runner: LotRunner,
    work: LotWork,
    input_id: BlobId,
    data: bytes,
    seconds_left: Callable[[], float],
    pace: Pace | None,
) -> tuple[Result, RunReport, Trace | None]:
    plan = work.terms.plan
    # Never 0: a run that has no time left is cut off by whoever counts the time.
    request = work.terms.request(data, wall_s_max=max(seconds_left(), 0.001))
    if plan is None:
        report = await runner.execute(work.package, request, pace=pace)
        return _result(input_id, report), report, None
    stepped = await runner.execute_steps(
        work.package, StepRequest(run=request, plan=plan, snapshot=work.snapshot), pace=pace
    )
    ended = stepped.report
    assert ended is not None
    if isinstance(ended.outcome, HostFault):
        return _result(input_id, ended), ended, None
    steps = plan.checkpoint_steps
    trace = Trace(stepped.states, steps, stepped.roots, ended.outcome, ended.fuel)
    return Result(input_id, ended.outcome, ended.fuel, trace.claim()), ended, trace


def _result(input_id: BlobId, report: RunReport) -> Result:
    is_fault = isinstance(report.outcome, HostFault)
    return Result(input_id, report.outcome, 0 if is_fault else report.fuel)
