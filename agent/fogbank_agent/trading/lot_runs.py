"""Carries out the runs of a lot in a sandbox, to sell them or to check them (SPEC.md 9.5, 9.6)."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BlobId
from fogbank_wasm_tasks.outcome import HostFault, Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.run import Pace, Reached, RunReport
from fogbank_wasm_tasks.verification.requests import StepRequest
from fogbank_wasm_tasks.verification.terms import Terms
from fogbank_wasm_tasks.verification.trace import Trace

from .interfaces import LotPace, LotRunner
from .quick_runs import QuickRuns


@dataclass(frozen=True, slots=True)
class LotWork:
    """What is to be run."""

    package: Package
    terms: Terms
    inputs: Sequence[BlobId]
    """One for each run."""

    snapshot: bytes | None = None
    """The state that the one run goes on from, when its terms have a start."""


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
        data, held = await read(place), None
        if pace is not None:
            if place > 0:
                await pace.reach(fuel, b"")
            held = _pace_of_run(pace, fuel, begun)
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

    # What other runs have done since the last statement counts as well, so it is asked more often
    # then: else it could come to just below the next one, and be asked one slice after it.
    is_even = pace.room(fuel_before) == pace.slice_fuel
    return Pace(pace.slice_fuel if is_even else max(1, pace.slice_fuel // 4), reach)


async def _execute_together(
    runner: LotRunner,
    work: LotWork,
    read: Callable[[int], Awaitable[bytes]],
    take: Callable[[Result, bytes | None], Awaitable[None]],
    seconds_left: Callable[[], float],
    pace: LotPace | None,
) -> float:
    """Run the quick runs of a lot many at a time, and what is left from the first slow one on."""
    runs, wall_s, ended = len(work.inputs), 0.0, 0
    quick = QuickRuns(work.terms, runs, read, seconds_left, pace)
    # Runs end in any order, and are told of in that of the lot.
    early: dict[int, RunReport] = {}

    async def take_next() -> bool:
        """Tell of the next run, which has ended; and whether others may follow."""
        nonlocal ended
        report = early.pop(ended)
        ended += 1
        result = _result(work.inputs[ended - 1], report)
        await take(result, report.output if isinstance(report.outcome, Ok) else None)
        return not isinstance(result.outcome, HostFault)

    async with (
        aclosing(quick.requests()) as asked,
        runner.execute_many(work.package, asked) as reports,
    ):
        async for index, report in reports:
            place = quick.end(index, report)
            if place is None:
                continue
            early[place] = report
            wall_s += report.wall_s
            while ended in early:
                if not await take_next():
                    return wall_s
            if pace is not None and ended < runs:
                await pace.reach(quick.fuel, b"")
                quick.wake()
    fuel = quick.fuel
    while ended < runs:
        if ended not in early:
            data, held = await quick.input(ended), None
            if pace is not None:
                await pace.reach(fuel, b"")
                held = _pace_of_run(pace, fuel, 0)
            input_id = work.inputs[ended]
            _, report, _ = await _execute(runner, work, input_id, data, seconds_left, held)
            early[ended] = report
            wall_s += report.wall_s
            fuel += report.fuel
        if not await take_next():
            return wall_s
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
