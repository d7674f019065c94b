"""A few of the kills that ``make crashes`` does many of (SPEC.md section 8.8)."""

import os
from pathlib import Path

import pytest
import trio

from .crashes import LittleNetwork, look_in_time
from .services import PATIENCE_S

KILLS = 3


@pytest.mark.slow
async def test_agents_killed_while_they_pay_lose_nothing_and_never_contradict_themselves(
    tmp_path: Path,
) -> None:
    """Everything that ``pay`` returned is issued once, for good, whenever the process dies."""
    network = LittleNetwork(tmp_path, os.environ.get("FOGBANK_TEST_SEED", "kill"))
    await trio.to_thread.run_sync(network.run, KILLS)
    report = await look_in_time(network, KILLS, 4 * PATIENCE_S)
    assert report.wrong == ()
    assert report.paid > 0
