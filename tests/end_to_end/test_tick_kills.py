"""A little of ``make tick-kills``: either side of a run is killed once, at its second statement."""

from pathlib import Path

import pytest

from .tick_kills import STEPS_A_TICK, Kill, kill_provider, kill_requestor, run


@pytest.mark.slow
@pytest.mark.parametrize("kill", [kill_requestor, kill_provider])
def test_who_survives_loses_a_tick_at_most_and_gets_all_back(tmp_path: Path, kill: Kill) -> None:
    (loss,) = run(tmp_path, 10 * STEPS_A_TICK, kill, first=2, last=2)
    assert loss.statements >= 2
    assert loss.locked > 0
