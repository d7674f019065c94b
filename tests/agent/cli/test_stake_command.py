"""``fogbank stake`` and its neighbours, against a real agent that is alone on its network."""

import json
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from fogbank_agent.cli.main import tree
from fogbank_agent.composition import Foundation
from fogbank_agent.config import Config, ProviderConfig
from fogbank_agent.errors import FogbankError, Refused

from ..test_composition import ALONE, foundation, running

pytestmark = pytest.mark.slow


async def fogbank(built: Foundation, *arguments: str) -> Result:
    """Give a command in a thread of its own, as a person would in another terminal."""
    state = ["--state", str(built.state.path)]

    def invoke() -> Result:
        return CliRunner().invoke(tree, [*arguments, *state])

    return await trio.to_thread.run_sync(invoke)


async def refused(built: Foundation, *arguments: str) -> str:
    """Return the sentence with which a command is refused."""
    result = await fogbank(built, *arguments)
    assert isinstance(result.exception, Refused), result.output
    return str(result.exception)


async def test_who_has_nothing_at_stake_is_told_how_to_change_that(tmp_path: Path) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    async with running(built):
        shown = await fogbank(built, "stake", "show")
        assert shown.output == "nothing at stake: lock some with 'fogbank stake open DROPS'\n"
        as_json = await fogbank(built, "stake", "show", "--json")
        assert json.loads(as_json.output) == {"schema": 1, "stakes": []}
        assert (await fogbank(built, "stake", "withdraw")).output == shown.output


async def test_a_stake_that_cannot_be_locked_is_refused_in_a_sentence(tmp_path: Path) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    async with running(built):
        assert await refused(built, "stake", "open", "999") == "a stake has at least 1,000 drops"
        assert "no other account has a seat" in await refused(built, "stake", "open", "5000")


async def test_who_sells_nothing_has_nothing_at_stake(tmp_path: Path) -> None:
    config = Config(network=ALONE, provider=ProviderConfig(enabled=False))
    built = foundation(tmp_path, config)
    async with running(built):
        for command in (["show"], ["open", "5000"], ["withdraw"]):
            sentence = await refused(built, "stake", *command)
            assert sentence.startswith("this agent sells nothing, so nothing is at stake: ")


@pytest.mark.parametrize("drops", ["0", "-5", "x", "1.5", str(1 << 63)])
async def test_no_number_is_misread(tmp_path: Path, drops: str) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    result = await fogbank(built, "stake", "open", "--", drops)
    assert result.exit_code == 2 or isinstance(result.exception, FogbankError)
    assert "Traceback" not in result.output


async def test_reputations_and_disputes_of_an_agent_that_has_dealt_with_nobody(
    tmp_path: Path,
) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    async with running(built):
        told = await fogbank(built, "reputation")
        assert told.output == "nobody has worked for this agent yet, and it for nobody\n"
        as_json = await fogbank(built, "reputation", "--json")
        assert json.loads(as_json.output) == {"schema": 1, "providers": [], "requestors": []}
        assert json.loads((await fogbank(built, "disputes", "--json")).output)["disputes"] == []
        royalties = await fogbank(built, "task", "earnings", "--json")
        assert json.loads(royalties.output) == {"schema": 1, "royalties": [], "total": 0}
