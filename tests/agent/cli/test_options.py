"""How commands print: JSON for programs, tables for people."""

import json
from pathlib import Path

import pytest

from fogbank_agent.cli.options import print_json, print_table, seconds, state_folder_at
from fogbank_agent.control.requests.blobs import BlobKept
from fogbank_agent.control.requests.history import Runs, RunSummary


def test_json_says_its_schema_and_bytes_in_hexadecimal(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(BlobKept(b"\x01\xff", 2))
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "blob_id": "01ff", "size": 2}


def test_json_nests_as_the_answer_does(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(Runs((RunSummary("a", "b", "c", "d", "e", "f", "g", "h"),)))
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["run_id"] == "a"


def test_a_table_puts_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "drops"], [["ann", 5], ["bob", 12_345], ["cleo", None]])
    assert capsys.readouterr().out.splitlines() == [
        "name  drops",
        "ann        5",
        "bob   12,345",
        "cleo  -",
    ]


def test_a_name_with_a_line_break_does_not_break_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(["name"], [["new\nline\x1b[2J"]])
    assert capsys.readouterr().out.splitlines() == ["name", "new?line?[2J"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.4, "0 s"), (59, "59 s"), (90, "2 min"), (7200, "2.0 h"), (864_000, "10 days")],
)
def test_a_duration_is_said_in_the_unit_that_fits(value: float, text: str) -> None:
    assert seconds(value) == text


def test_the_state_folder_is_absolute_whatever_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert state_folder_at("here").path == tmp_path / "here"
    assert state_folder_at(None).path == Path("/var/state/fogbank")
