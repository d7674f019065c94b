"""Makes the report of a run from what a worker said of it."""

from typing import Final

import trio

from fogbank_protocol.blobs.naming import blob_id

from ..outcome import HostFault, HostFaultKind, Ok, Outcome
from ..run import RunReport
from ..verification.merkle import HASH_BYTES
from ..verification.requests import Accepted, Rejected, StepReport, VerifierVerdict, VerifyReport
from ..verification.state import Digest
from .messages import Ended, Finished, RunCommand, Stepped
from .process import ChildGone
from .verify_run import ACCEPTED

_HASHED_HERE_BYTES_MAX: Final = 1 << 20
"""Longer outputs are hashed in a thread: these take about a millisecond."""


def check_plausible(ended: Ended, command: RunCommand) -> None:
    """Check that ``ended`` keeps to the limits of ``command``.

    Raises:
        ChildGone: it does not, so that the worker must have been taken over.
    """
    check_within(ended, command.fuel_max, command.memory_bytes_max, command.output_bytes_max)


def check_within(ended: Ended, fuel_max: int, memory_bytes_max: int, output_bytes_max: int) -> None:
    """Check the same against each limit.

    Raises:
        ChildGone: one is broken.
    """
    is_plausible = (
        ended.fuel <= fuel_max
        and ended.peak_memory_bytes <= memory_bytes_max
        and len(ended.output) <= output_bytes_max
        and (isinstance(ended.ending, Finished) or not ended.output)
    )
    if not is_plausible:
        raise ChildGone("a report beyond the limits of its run")


async def make_report(ended: Ended) -> RunReport:
    """Return the report of a run that a worker finished."""
    report = make_report_nowait(ended)
    if report is not None:
        return report
    return await trio.to_thread.run_sync(_make_report, ended)


def make_report_nowait(ended: Ended) -> RunReport | None:
    """Return the same at once; None when its output is so long that hashing it takes time."""
    return _make_report(ended) if len(ended.output) <= _HASHED_HERE_BYTES_MAX else None


def _make_report(ended: Ended) -> RunReport:
    outcome: Outcome
    match ended.ending:
        case Finished():
            outcome = Ok(blob_id(ended.output), len(ended.output))
        case _:
            outcome = ended.ending
    return RunReport(
        outcome=outcome,
        output=ended.output,
        fuel=ended.fuel,
        peak_memory_bytes=ended.peak_memory_bytes,
        wall_s=ended.wall_us / 1e6,
        diagnostics=ended.diagnostics,
    )


async def make_step_report(ended: Ended, stepped: Stepped | None) -> StepReport:
    """Return the report of a run by steps that a worker finished."""
    assert stepped is not None
    joined = stepped.roots
    return StepReport(
        states=stepped.states,
        roots=tuple(
            Digest(joined[start : start + HASH_BYTES])
            for start in range(0, len(joined), HASH_BYTES)
        ),
        snapshot=stepped.snapshot or None,
        report=None if stepped.snapshot else await make_report(ended),
    )


def make_verify_report(ended: Ended) -> VerifyReport:
    """Return what the verifier of a package said."""
    verdict: VerifierVerdict
    match ended.ending:
        case Finished():
            verdict = Accepted() if ended.output == ACCEPTED else Rejected()
        case _:
            verdict = ended.ending
    return VerifyReport(verdict=verdict, fuel=ended.fuel, wall_s=ended.wall_us / 1e6)


def report_verifier_fault(fault: RunReport) -> VerifyReport:
    """Return the report of a verifier that this machine did not finish, for that of the run."""
    assert isinstance(fault.outcome, HostFault)
    return VerifyReport(verdict=fault.outcome, fuel=0, wall_s=fault.wall_s)


def report_fault(kind: HostFaultKind, wall_s: float) -> RunReport:
    """Return the report of a run that this machine did not finish, after ``wall_s`` seconds."""
    return RunReport(
        outcome=HostFault(kind),
        output=b"",
        fuel=0,
        peak_memory_bytes=0,
        wall_s=wall_s,
        diagnostics=b"",
    )
