"""What an author does, from nothing to a package, in each language that is installed here."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fogbank_agent.authoring.manifest_file import read_manifest
from fogbank_agent.authoring.toolchains import build_step
from fogbank_agent.cli.main import tree
from fogbank_agent.errors import BuildFailed, ConfigError, MachineError, Refused, TrialFailed
from fogbank_agent.limits import PROOF_FILE_BYTES_MAX, TASK_FILE_BYTES_MAX
from fogbank_wasm_tasks.limits import PACKAGE_BYTES_MAX, PROOF_BYTES_MAX

pytestmark = pytest.mark.slow


def fogbank(*arguments: object) -> Result:
    result = CliRunner().invoke(tree, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def answer(*arguments: object) -> Any:
    return json.loads(fogbank(*arguments, "--json").stdout)


def begin(folder: Path, language: str) -> None:
    """Begin a task in ``language``, or skip the test where its compiler is missing."""
    fogbank("task", "new", "count", "--lang", language, "--folder", folder)
    try:
        build_step(read_manifest(folder), folder)
    except MachineError as error:
        pytest.skip(str(error))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    fogbank("init", "--key-only", "--state", tmp_path / "state")
    return tmp_path / "state" / "key"


@pytest.mark.parametrize("language", ["c", "zig", "rust", "go", "assemblyscript"])
def test_a_task_is_begun_built_tried_packed_and_looked_at(
    tmp_path: Path, key: Path, language: str
) -> None:
    folder = tmp_path / "count"
    begin(folder, language)

    built = answer("task", "build", "--folder", folder)
    tried = answer("task", "test", "--folder", folder, "--price", 10**9, "--start-price", 0)
    packed = answer("task", "pack", "--folder", folder, "--key", key)
    verified = answer("task", "verify", packed["file"])
    bare = answer("task", "inspect", "--folder", folder)
    seen = answer("task", "inspect", packed["file"])

    profiled = answer("task", "profile", "--folder", folder)
    shares = profiled["functions"]
    assert profiled["fuel"] == tried["tests"][0]["fuel"] == sum(share["fuel"] for share in shares)
    # The module itself has no names: these come from building it once more.
    assert not any(share["name"].startswith("function ") for share in shares)
    assert built["bytes"] == Path(built["module"]).stat().st_size == bare["module_bytes"]
    assert tried["passed"] is True
    assert [test["outcome"] for test in tried["tests"]] == ["ok"] * 3
    assert all(test["deterministic"] and test["price"] == test["fuel"] for test in tried["tests"])
    assert (verified["kind"], verified["holds"]) == ("package", True)
    assert verified["package"] == seen["package"]
    assert seen["package"]["package_id"] == packed["package_id"]
    assert seen["package"]["author"] == packed["author"]
    assert seen["package"]["description"].endswith("Output: text/plain.")
    assert bare["package"] is None
    output = tmp_path / "out"
    ran = answer(
        "run", packed["file"], "--local", "--input", folder / "README.md", "--output", output
    )
    assert ran["outcome"] == "ok"
    text = (folder / "README.md").read_text("utf-8")
    assert output.read_text() == f"{text.count(chr(10))} {len(text.split())} {len(text)}\n"


def test_what_does_not_compile_is_told_with_exit_code_1(tmp_path: Path) -> None:
    begin(tmp_path / "count", "c")
    (tmp_path / "count" / "main.c").write_text("int main(void) { return x; }")
    with pytest.raises(BuildFailed, match="the compiler ended with code 1") as raised:
        fogbank("task", "build", "--folder", tmp_path / "count")
    assert raised.value.exit_code == 1
    with pytest.raises(BuildFailed, match="run 'fogbank task build' first"):
        fogbank("task", "test", "--folder", tmp_path / "count")


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    fogbank("task", "new", "count", "--lang", "c", "--folder", tmp_path / "count")
    (tmp_path / "count" / "main.c").unlink()
    with pytest.raises(BuildFailed, match=r"there is no main\.c in /.*write it"):
        fogbank("task", "build", "--folder", tmp_path / "count")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Return a task whose module was put there by hand."""
    from tests.wasm_tasks.packages import command, translate

    folder = tmp_path / "finished"
    fogbank("task", "new", "count", "--lang", "c", "--folder", folder)
    (folder / "build").mkdir()
    (folder / "build" / "count.wasm").write_bytes(translate(command("")))
    return folder


def test_a_test_that_fails_is_shown_and_ends_with_exit_code_1(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TrialFailed, match="3 of 3 tests failed: three words") as raised:
        fogbank("task", "test", "--folder", finished)
    assert raised.value.exit_code == 1


def test_a_key_that_others_can_read_signs_nothing(finished: Path, key: Path) -> None:
    key.chmod(0o644)
    with pytest.raises(Exception, match="can be read by others"):
        fogbank("task", "pack", "--folder", finished, "--key", key)
    assert list(finished.glob("*.fogpkg")) == []


def test_what_is_no_package_does_not_hold(finished: Path, tmp_path: Path) -> None:
    module = finished / "build" / "count.wasm"
    with pytest.raises(Refused, match="a bare module, which nobody signed"):
        fogbank("task", "verify", module)
    with pytest.raises(Refused, match=r"signed: 'fogbank task pack' makes a package"):
        fogbank("task", "publish", module)
    with pytest.raises(Refused, match=r"fogtask\.toml is neither a package nor a proof"):
        fogbank("task", "verify", finished / "fogtask.toml")
    with pytest.raises(Refused, match="cannot be read"):
        fogbank("task", "verify", tmp_path / "nowhere")
    (tmp_path / "big").write_bytes(bytes(5_000_000))
    with pytest.raises(Refused, match="no task is so large"):
        fogbank("task", "inspect", tmp_path / "big")
    with pytest.raises(ConfigError, match="fogbank task new"):
        fogbank("task", "inspect", "--folder", tmp_path)


def test_every_file_that_may_be_a_package_or_a_proof_is_read() -> None:
    # The agent has numbers of its own, because its command line starts without the tasks' code.
    assert TASK_FILE_BYTES_MAX == PACKAGE_BYTES_MAX
    assert PROOF_FILE_BYTES_MAX == PROOF_BYTES_MAX


def test_a_local_run_needs_no_agent_and_no_home(finished: Path, tmp_path: Path) -> None:
    module = finished / "build" / "count.wasm"
    ran = answer("run", module, "--local", "--state", tmp_path / "none")
    assert list(ran)[:1] == ["schema"]
    assert ran["outcome"] == "ok"
    assert {"fuel", "output_sha256", "peak_memory_bytes", "wall_ms"} <= ran.keys()
    assert not (tmp_path / "none").exists()
