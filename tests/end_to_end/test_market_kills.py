"""A little of ``make market-kills``: real agents, killed while they trade."""

from pathlib import Path

import pytest

from .market_kills import run


@pytest.mark.slow
def test_every_run_ends_once_and_no_drop_is_lost_when_agents_are_killed(tmp_path: Path) -> None:
    outcome = run(100, every_s=1.0, seed=7, folder=tmp_path, providers=2, kills_min=2)
    assert outcome.kills >= 2
    assert outcome.runs >= 100
    assert outcome.runs == outcome.paid_and_valid + sum(outcome.refused.values())
