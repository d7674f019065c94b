"""The environment of a run, as people write it."""

import pytest

from fogbank_agent.authoring.environment import environment_of
from fogbank_agent.errors import Refused


def test_the_environment_is_sorted_and_the_last_of_a_name_counts() -> None:
    assert environment_of(("B=2", "A=1", "B=3=4", "C=")) == [("A", "1"), ("B", "3=4"), ("C", "")]


@pytest.mark.parametrize("entry", ["", "A", "=1"])
def test_an_entry_without_name_or_value_is_refused(entry: str) -> None:
    with pytest.raises(Refused, match="NAME=VALUE"):
        environment_of((entry,))
