"""What ``fogbank run --json`` says of each run."""

from dataclasses import replace

import pytest

from fogbank_agent.cli.run_command import check_all_well, in_full
from fogbank_agent.control.requests.jobs import AttemptEnded, RunEnded, RunsEnded
from fogbank_agent.errors import Refused, RunFailed
from fogbank_agent.market.outcome_words import describe_outcome
from fogbank_wasm_tasks.outcome import Exited, Outcome, OutOfFuel, Trap


def a_run(number: int) -> RunEnded:
    """Return the end of a run with an output."""
    return RunEnded(number, "ab", "x", True, "ok", "", b"o", 1, "aaaa-aaaa", 10, 2, 0)


def test_each_run_lists_the_attempts_on_it() -> None:
    lost = AttemptEnded(4, 5, 2, 1, "aaaa-aaaa", 100, 1, 0, 0, "provider_lost")
    done = AttemptEnded(4, 5, 2, 2, "bbbb-bbbb", 110, 1, 20, 5, "accepted")
    alone = AttemptEnded(6, 6, 1, 1, "aaaa-aaaa", 100, 1, 10, 2, "accepted")
    page = RunsEnded((a_run(4), a_run(5), a_run(6), a_run(7)), (lost, done, alone))
    told = list(in_full(page))
    together = [
        {
            "runs": 2,
            "number": 1,
            "provider": "aaaa-aaaa",
            "price": 100,
            "start_price": 1,
            "fuel": 0,
            "paid": 0,
            "ended": "provider_lost",
        },
        {
            "runs": 2,
            "number": 2,
            "provider": "bbbb-bbbb",
            "price": 110,
            "start_price": 1,
            "fuel": 20,
            "paid": 5,
            "ended": "accepted",
        },
    ]
    assert [run["number"] for run in told] == [4, 5, 6, 7]
    assert [run["attempts_made"] for run in told] == [2, 2, 2, 2]
    assert told[0]["attempts"] == told[1]["attempts"] == together
    assert [run["attempts"] for run in told[2:]] == [[{**together[0], **ALONE}], []]


def test_runs_that_nobody_could_be_paid_for_are_refused_and_not_failed() -> None:
    poor = replace(a_run(1), ok=False, outcome="no money", reason="no_funds")
    check_all_well([a_run(0)])
    with pytest.raises(Refused, match="2 of 2 runs failed; x: no money"):
        check_all_well([poor, poor])
    with pytest.raises(RunFailed, match="1 of 2 runs failed"):
        check_all_well([a_run(0), poor])


@pytest.mark.parametrize(
    ("outcome", "advice"),
    [
        (OutOfFuel(), "raise --fuel-max"),
        (Exited(2), "exit code 2; try 'fogbank run --local' to see what it writes; see 'fogbank"),
        (Trap("unreachable"), "try 'fogbank run --local'"),
    ],
)
def test_a_task_that_failed_comes_with_what_to_try(outcome: Outcome, advice: str) -> None:
    with pytest.raises(RunFailed, match=advice):
        check_all_well([replace(a_run(0), ok=False, outcome=describe_outcome(outcome))])


ALONE = {"runs": 1, "fuel": 10, "paid": 2, "ended": "accepted"}
