"""Deadlines against a model."""

from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fogbank_protocol.rpc.deadlines import Deadlines

calls = st.integers(1, 8)


class DeadlinesAgainstModel(RuleBasedStateMachine):
    """A heap with forgotten entries says what a dictionary would."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines = Deadlines()
        self.model: dict[int, float] = {}
        self.next_call = 1

    @rule(at=st.integers(0, 50))
    def add(self, at: int) -> None:
        self.deadlines.add(self.next_call, at)
        self.model[self.next_call] = at
        self.next_call += 1

    @rule(call=calls)
    def drop(self, call: int) -> None:
        assert self.deadlines.drop(call) == (self.model.pop(call, None) is not None)

    @rule(now=st.integers(0, 50))
    def take_due(self, now: int) -> None:
        call = self.deadlines.take_due(now)
        if call is None:
            assert not any(at <= now for at in self.model.values())
        else:
            assert self.model.pop(call) <= now

    @invariant()
    def agree(self) -> None:
        assert self.deadlines.earliest == min(self.model.values(), default=inf)
        assert len(self.deadlines) == len(self.model)
        assert all(call in self.deadlines for call in self.model)


DeadlinesAgainstModel.TestCase.settings = settings(max_examples=40, deadline=None)
TestDeadlinesAgainstModel = pytest.mark.slow(DeadlinesAgainstModel.TestCase)


def test_calls_that_end_early_leave_nothing_behind() -> None:
    deadlines = Deadlines()
    for call in range(1, 100_000):
        deadlines.add(call, 3600.0)
        deadlines.drop(call)
    assert deadlines.stale < 100
    assert deadlines.earliest == inf
