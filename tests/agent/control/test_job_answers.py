"""How a job on the command line becomes a job of the market."""

import pytest

from fogbank_agent.control.job_answers import environment_of, plain_name, verification_of
from fogbank_agent.errors import Refused
from fogbank_agent.market.orders import Audit, NoVerification, Quorum, Verification


@pytest.mark.parametrize(
    ("text", "verification"),
    [("none", NoVerification()), ("audit", Audit(5)), ("quorum:3", Quorum(3))],
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


def test_the_environment_is_sorted_and_the_last_of_a_name_counts() -> None:
    assert environment_of(("B=2", "A=1", "B=3=4", "C=")) == [("A", "1"), ("B", "3=4"), ("C", "")]


@pytest.mark.parametrize("entry", ["", "A", "=1"])
def test_an_entry_without_name_or_value_is_refused(entry: str) -> None:
    with pytest.raises(Refused, match="NAME=VALUE"):
        environment_of((entry,))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("sensor_statistics", "sensor-statistics"),
        ("My Task (2)", "my-task-2"),
        ("...", "task"),
        ("", "task"),
        ("x" * 100, "x" * 64),
    ],
)
def test_any_file_name_gives_a_name_that_a_package_may_have(name: str, plain: str) -> None:
    assert plain_name(name) == plain
