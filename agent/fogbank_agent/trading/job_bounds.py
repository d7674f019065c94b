"""Which jobs can begin at all."""

from ..limits import (
    ATTEMPTS_MAX,
    JOB_RUNS_MAX,
    LOTS_AT_ONCE_MAX,
    PATIENCE_S_MAX,
    RUN_NAME_BYTES_MAX,
)
from ..market.job_request import JobRequest

BUG_SENTENCE = "a bug in this agent ended the job: its log says which, please report it"


class JobRefused(Exception):
    """A job cannot begin, or go on; the message is a sentence for people that says what to do."""


class JobPostponed(JobRefused):
    """Nothing can be bought now, and may be later; the message says why."""


def check_bounds(request: JobRequest) -> None:
    """Check the numbers of a job that its orders do not carry.

    Raises:
        JobRefused: one is out of range.
    """
    _check(1 <= len(request.inputs) <= JOB_RUNS_MAX, f"a job has 1 to {JOB_RUNS_MAX:,} runs")
    _check(
        1 <= request.lots_at_once <= LOTS_AT_ONCE_MAX,
        f"1 to {LOTS_AT_ONCE_MAX} runs can be under way at once",
    )
    _check(1 <= request.attempts_max <= ATTEMPTS_MAX, f"a run has 1 to {ATTEMPTS_MAX} attempts")
    _check(
        0 < request.patience_s <= PATIENCE_S_MAX,
        f"the time to wait for a provider is at most {PATIENCE_S_MAX:.0f} s",
    )
    _check(
        all(len(one.name.encode()) <= RUN_NAME_BYTES_MAX for one in request.inputs),
        f"the name of an input has at most {RUN_NAME_BYTES_MAX} bytes",
    )


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise JobRefused(message)
