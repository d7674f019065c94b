"""How a job on the command line becomes a job of the market."""

import pytest

from fogbank_agent.control.frames import encode_frame
from fogbank_agent.control.job_answers import attempts_ended, verification_of
from fogbank_agent.control.requests.jobs import RunEnded, RunsEnded
from fogbank_agent.errors import Refused
from fogbank_agent.limits import (
    ATTEMPTS_TOLD_MAX,
    CONTROL_BLOBS_BYTES_MAX,
    CONTROL_FRAME_BYTES_MAX,
    CONTROL_RUNS_MAX,
)
from fogbank_agent.market.job_result import Attempt, RunResult
from fogbank_agent.market.orders import (
    Audit,
    NoVerification,
    Partial,
    Quorum,
    Verification,
    Verify,
)
from fogbank_agent.market.reasons import Reason
from fogbank_protocol.identity import NodeId

ANN = NodeId(b"a" * 32)


@pytest.mark.parametrize(
    ("text", "verification"),
    [
        ("none", NoVerification()),
        ("audit", Audit(5)),
        ("quorum:3", Quorum(3)),
        ("verify", Verify(5)),
        ("partial", Partial(5)),
    ],
)
def test_each_way_to_verify_is_understood(text: str, verification: Verification) -> None:
    assert verification_of(text, audit_ppm=5) == verification


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Audit",
        "quorum",
        "quorum:",
        "quorum:x",
        "quorum:1",
        "quorum:8",
        "quorum:33",
        "quorum:-1",
        "quorum:²",
    ],
)
def test_any_other_way_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="no way to verify"):
        verification_of(text, audit_ppm=5)


def an_attempt(
    number: int, failure: Reason | None = None, *, refused: bool = False, accepted: bool = False
) -> Attempt:
    """Return an agreement on two runs."""
    return Attempt(number, ANN, 100, 1, failure, refused, accepted, 10**9, 101, 2)


def a_run(number: int, attempts: list[Attempt], reason: Reason | None = None) -> RunResult:
    """Return the end of a run."""
    return RunResult(number, "x", bytes(16), reason, "ok", None, 0, 1, ANN, attempts, 0)


def test_attempts_are_told_once_for_runs_that_were_bought_together() -> None:
    together = [an_attempt(1, Reason.PROVIDER_LOST), an_attempt(2, accepted=True)]
    told = attempts_ended([a_run(3, together), a_run(4, together), a_run(5, [an_attempt(1)])])
    assert [(one.first, one.last, one.number) for one in told] == [(3, 4, 1), (3, 4, 2), (5, 5, 1)]
    assert [(one.runs, one.fuel, one.paid) for one in told] == [(2, 10**9, 101)] * 3


@pytest.mark.parametrize(
    ("attempt", "reason", "ended"),
    [
        (an_attempt(1, accepted=True), None, "accepted"),
        (an_attempt(1, Reason.TICK_UNPAID), None, "tick_unpaid"),
        (an_attempt(1, refused=True), None, "wrong_result"),
        (an_attempt(1), Reason.UNVERIFIED, "unverified"),
        (an_attempt(1), Reason.CANCELLED, "cancelled"),
    ],
)
def test_an_attempt_ends_in_one_way(attempt: Attempt, reason: Reason | None, ended: str) -> None:
    (told,) = attempts_ended([a_run(0, [attempt], reason)])
    assert told.ended == ended


def test_the_most_attempts_that_are_told_fit_into_a_frame() -> None:
    many = [an_attempt(number, Reason.PACKAGE_UNAVAILABLE) for number in range(50)]
    runs = [a_run(number, list(many)) for number in range(CONTROL_RUNS_MAX)]
    told = attempts_ended(runs)
    assert len(told) == CONTROL_RUNS_MAX * ATTEMPTS_TOLD_MAX
    assert told[-1].number == 49
    ended = [
        RunEnded(n, "ab" * 16, "", True, "ok", "", bytes(32), 1, "aaaa-aaaa", 1, 50, 0)
        for n in range(CONTROL_RUNS_MAX)
    ]
    frame = encode_frame(RunsEnded(tuple(ended), told))
    assert len(frame) < CONTROL_FRAME_BYTES_MAX - CONTROL_BLOBS_BYTES_MAX - 65_536
