"""Traces and what a receipt shows of them (SPEC.md section 7.8)."""

import pytest

from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.verification.merkle import EMPTY_ROOT
from fogbank_wasm_tasks.verification.state import Digest, end_digest
from fogbank_wasm_tasks.verification.trace import Trace, count_checkpoints, is_in_trace

ROOTS = [Digest(bytes([at]) * 32) for at in range(20)]


def trace(states: int, unit: int) -> Trace:
    return Trace(states, unit, ROOTS[:states:unit], OutOfFuel(), 5)


@pytest.mark.parametrize("unit", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("states", [1, 2, 3, 8, 20])
def test_every_checkpoint_is_shown_in_the_claim(states: int, unit: int) -> None:
    made = trace(states, unit)
    claim = made.claim()

    assert len(made.roots) == count_checkpoints(states, unit)
    for position in range(0, states, unit):
        path = made.path(position)
        assert made.digest(position) == ROOTS[position]
        assert is_in_trace(claim, unit, position, ROOTS[position], path)
        assert not is_in_trace(claim, unit, position, ROOTS[position - 1], path) or states == 1
        if unit > 1:
            assert not is_in_trace(claim, unit, position + 1, ROOTS[position], path)
    beyond = count_checkpoints(states, unit) * unit
    assert not is_in_trace(claim, unit, beyond, ROOTS[0], [])


def test_beyond_its_last_state_a_run_is_at_its_end() -> None:
    made = trace(8, 3)

    assert made.digest(8) == made.digest(100) == end_digest(8, OutOfFuel(), 5)
    assert made.digest(7) is None


def test_a_run_that_did_not_begin_has_the_root_of_nothing() -> None:
    made = trace(0, 3)

    assert made.claim().root == EMPTY_ROOT
    assert made.digest(0) == end_digest(0, OutOfFuel(), 5)
