"""``fogbank doctor``, whole."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fogbank_agent.cli.main import tree
from fogbank_agent.errors import MachineError

pytestmark = pytest.mark.slow


def doctor(*arguments: str) -> tuple[str, BaseException | None]:
    result = CliRunner().invoke(tree, ["doctor", *arguments])
    return result.stdout, result.exception


def test_a_machine_without_an_agent_is_examined_and_left_as_it_is(tmp_path: Path) -> None:
    said, error = doctor("--json", "--state", str(tmp_path / "none"))
    found: dict[str, Any] = json.loads(said)
    assert found["ok"] == (error is None)
    names = [each["name"] for each in found["findings"]]
    assert len(set(names)) == len(names)
    assert {"system", "running tasks", "memory", "disk speed", "mDNS", "clock"} <= set(names)
    assert list(tmp_path.iterdir()) == []


def test_a_problem_is_shown_with_what_to_do_and_ends_with_exit_code_6(tmp_path: Path) -> None:
    CliRunner().invoke(tree, ["init", "--state", str(tmp_path / "state")])
    (tmp_path / "state" / "config.toml").write_text("what\n")
    said, error = doctor("--state", str(tmp_path / "state"))
    assert isinstance(error, MachineError)
    assert "configuration" in str(error)
    lines = said.splitlines()
    at = lines.index("problem  configuration: not understood")
    assert lines[at + 1].strip() == "an agent cannot start here"
    assert lines[at + 2].strip().startswith("to do: ")
    assert str(tmp_path / "state" / "config.toml") in lines[at + 2]
