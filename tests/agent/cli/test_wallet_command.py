"""``fogbank wallet``, against a real agent that is alone on its network."""

import json
from pathlib import Path

import pytest

from fogbank_agent.config import Config

from ..test_composition import ALONE, foundation, running
from .test_stake_command import fogbank

pytestmark = pytest.mark.slow


async def test_all_places_where_drops_can_be_are_shown(tmp_path: Path) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    async with running(built):
        lines = (await fogbank(built, "wallet")).output.splitlines()
        assert lines[0].strip() == "1,000 drops to spend"
        assert [line.split(" drops ")[1].split(",")[0].split(":")[0] for line in lines[4:7]] == [
            "in channels to others",
            "earned in open channels",
            "at stake",
        ]
        shown = json.loads((await fogbank(built, "wallet", "--json")).output)
        keys = ("balance", "in_channels", "earned_in_channels", "at_stake")
        assert [shown[key] for key in keys] == [1_000, 0, 0, 0]
