"""``fogbank task profile`` on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.wasm_tasks.packages import command, translate, wasi

from fogbank_agent.cli.main import tree
from fogbank_agent.errors import Refused

pytestmark = pytest.mark.slow

MANIFEST = """
[package]
name = "spin"
version = "1"
[build]
language = "c"
sources = ["gone.c"]
[[test]]
name = "short"
[[test]]
name = "not enough"
fuel_max = 5
"""
SPIN = command(
    "(local i32) (loop (call $work) (br_if 0 (i32.lt_u "
    "(local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 50))))",
    fields=wasi("proc_exit", "(param i32)") + "(func $work) (func $rest)",
)


def fogbank(*arguments: object) -> str:
    result = CliRunner().invoke(tree, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fogtask.toml").write_text(MANIFEST)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "spin.wasm").write_bytes(translate(SPIN))
    return tmp_path


def profile(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fogbank("task", "profile", "--json", *arguments))
    return found


def test_a_table_shows_the_largest_first_and_all_of_it(folder: Path) -> None:
    lines = fogbank("task", "profile", "--folder", folder, "--top", 1).splitlines()
    assert lines[0] == "ok, 451 fuel"
    assert [line.split() for line in lines[2:]] == [
        ["fuel", "percent", "calls", "a", "call", "function"],
        ["401", "88.9", "1", "401", "_start"],
        ["50", "11.1", "-", "-", "1", "others"],
        ["451", "100.0", "-", "-", "all"],
    ]


def test_a_test_is_chosen_by_its_name(folder: Path) -> None:
    found = profile("not enough", "--folder", folder)
    assert (found["outcome"], found["fuel"]) == ("out_of_fuel", 5)
    assert sum(share["fuel"] for share in found["functions"]) == 5
    with pytest.raises(Refused, match="there are 'short', 'not enough'"):
        profile("long", "--folder", folder)


def test_any_module_can_be_profiled_on_any_input(folder: Path) -> None:
    module = folder / "build" / "spin.wasm"
    found = profile("--module", module, "--input", folder / "fogtask.toml")
    assert {share["name"]: share["calls"] for share in found["functions"]} == {
        "_start": 1,
        "work": 50,
    }
    with pytest.raises(Refused, match=r"the input .*nowhere cannot be read"):
        profile("--module", module, "--input", folder / "nowhere")
    with pytest.raises(Refused, match="is a folder"):
        profile("--input", folder, "--folder", folder)
    with pytest.raises(Refused, match=r"fogtask\.toml is neither a WebAssembly module nor a pac"):
        profile("--module", folder / "fogtask.toml")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("short", "--input", "x"), "leave TEST out"),
        (("short", "--module", "x"), "leave TEST out"),
        (("short", "--arg", "x"), "a test has its own arguments"),
        (("--top", "0"), "0 is not in the range"),
    ],
)
def test_options_that_do_not_belong_together_are_a_wrong_command_line(
    folder: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    result = CliRunner().invoke(tree, ["task", "profile", "--folder", str(folder), *arguments])
    assert result.exit_code == 2
    assert sentence in result.output
