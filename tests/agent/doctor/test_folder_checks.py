"""The state folder, whole, open, broken or absent."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from fogbank_agent.cli.main import tree
from fogbank_agent.doctor.finding import Finding, Level
from fogbank_agent.doctor.folder_checks import check_folder, is_agent_up, read_config_or_default
from fogbank_agent.state_folder import StateFolder


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path / "state")
    assert CliRunner().invoke(tree, ["init", "--state", str(state.path)]).exit_code == 0
    return state


def by_name(state: StateFolder) -> dict[str, Finding]:
    return {each.name: each for each in check_folder(state)}


def test_a_folder_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    [found] = check_folder(StateFolder(tmp_path / "none"))
    assert found.level is Level.NOTE
    assert found.remedy == f"fogbank init --state {tmp_path / 'none'}"


def test_a_fresh_folder_lacks_nothing_but_a_running_agent(state: StateFolder) -> None:
    levels = {name: each.level for name, each in by_name(state).items()}
    assert levels.pop("agent") is Level.NOTE
    assert set(levels) == {"state folder", "key", "configuration", "network"}
    assert set(levels.values()) == {Level.OK}


def test_an_agent_that_is_up_is_noticed_without_asking_it(state: StateFolder) -> None:
    assert not is_agent_up(state)
    with state.locked():
        assert is_agent_up(state)
        assert by_name(state)["agent"].level is Level.OK
    assert not is_agent_up(state)


def test_what_others_could_read_is_told(state: StateFolder) -> None:
    state.path.chmod(0o755)
    state.key.chmod(0o644)
    found = by_name(state)
    assert found["state folder"].level is Level.NOTE
    assert found["state folder"].remedy == f"chmod 700 {state.path}"
    assert found["key"].level is Level.PROBLEM
    assert "chmod 600" in found["key"].remedy


def test_damage_is_told_with_what_to_do(state: StateFolder) -> None:
    state.config.write_text("[network]\nlisten_prt = 1\n")
    state.genesis.write_bytes(b"x")
    found = by_name(state)
    assert found["configuration"].level is Level.PROBLEM
    assert "listen_port" in found["configuration"].remedy
    assert found["network"].level is Level.PROBLEM
    assert "take a copy" in found["network"].remedy
    assert read_config_or_default(state).network.mdns
    state.genesis.unlink()
    assert by_name(state)["network"].level is Level.PROBLEM
