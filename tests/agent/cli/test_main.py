"""The command line as a whole: its tree, its start-up, its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fogbank_agent.cli.main import tree
from fogbank_agent.errors import FogbankError

pytestmark = pytest.mark.slow

HEAVY = ("trio", "networkx", "zeroconf", "wasmtime", "rich", "nacl", "asyncio", "sqlite3")


def fogbank(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = "from fogbank_agent.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "name", ["status", "peers", "wallet", "pay", "runs", "why", "reputation", "run", "task"]
)
def test_a_command_loads_nothing_heavy_to_start(name: str) -> None:
    program = (
        "import sys\n"
        "from fogbank_agent.cli.main import tree\n"
        f"tree.get_command(None, {name!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout == b"[]\n"


def test_every_command_of_the_tree_exists_and_has_help() -> None:
    names = tree.list_commands(click.Context(tree))
    assert len(names) == 21
    for name in names:
        result = CliRunner().invoke(tree, [name, "--help"])
        assert result.exit_code == 0, name
        assert "Usage:" in result.output


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(tree, ["--help"]).output
    for name in tree.list_commands(click.Context(tree)):
        assert f"\n  {name} " in shown


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["no-such-command"], 2, "No such command"),
        (["pay", "x", "0"], 2, "0 is not in the range"),
        (["status"], 3, "there is no agent in"),
        (["up"], 4, "there is no agent in"),
        (["id"], 4, "there is no agent in"),
        (["run", "no-such-task"], 5, "there is no file 'no-such-task'"),
        (["init", "--network", "/no/such/file"], 5, "cannot be read"),
        (["init", "--join", "--name", "x"], 2, "exclude each other"),
        (["init", "--interface", "eth0"], 2, "eth0 is no address: give one"),
        (["init", "--name", ""], 5, "its name has 1 to 64 bytes"),
        (["run", "x", "--price-max", "1000000000001"], 2, "is not in the range"),
        (["run", "x", "--fuel-max", "1000000000000001"], 2, "is not in the range"),
        (["run", "/dev/zero"], 5, "is a pipe or a device"),
        (["run", "sensor_statistics", "--local", "--price-max", "3"], 2, "leave them out"),
        (["run", "ab" * 32, "--local"], 2, "fetched by an agent"),
        (["run", "sensor_statistics", "--local", "--map", "."], 2, "takes one --input"),
        (["run", "sensor_statistics", "--env", "TZ"], 2, "'TZ' is no NAME=VALUE"),
        (["job", "start", "sensor_statistics", "--env", "TZ"], 2, "'TZ' is no NAME=VALUE"),
        (["job", "start", "x", "--fuel-max", "0"], 2, "is not in the range"),
        (["job", "start", "no-such-task"], 5, "there is no file 'no-such-task'"),
        (["run", "sensor_statistics", "--local", "--input", "/none"], 5, "cannot be read"),
        (["run", "sensor_statistics", "--local", "--input", "."], 5, "name a file, or use --map"),
        (["run", __file__, "--local"], 5, "test_main.py is neither a WebAssembly module nor a pac"),
        (["task", "publish", __file__], 5, "test_main.py is neither a package nor a WebAssembly"),
        (["task", "publish", "/none"], 5, "/none cannot be read"),
        (["task", "withdraw", "zz"], 5, "'zz' is not the id of a package"),
    ],
)
def test_each_mistake_has_its_exit_code_and_one_sentence(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    state = [] if arguments[0] == "no-such-command" else ["--state", str(tmp_path / "state")]
    result = fogbank(*arguments, *state)
    assert result.returncode == code
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_output_that_nobody_reads_is_not_complained_about() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from fogbank_agent.cli.main import main; main()", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


def test_an_output_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    program = "from fogbank_agent.cli.main import main; main()"
    arguments = ["init", "--json", "--state", str(tmp_path / "state")]
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert result.returncode == 6
    assert result.stderr.startswith(b"fogbank: the output cannot be written: No space left")
    assert b"Traceback" not in result.stderr


def test_every_error_has_an_exit_code_that_the_tree_documents() -> None:
    from fogbank_agent.cli import main as module

    documented = module.__doc__ or ""
    for kind in FogbankError.__subclasses__():
        assert f"{kind.exit_code} " in documented


def test_json_carries_the_schema(tmp_path: Path) -> None:
    result = fogbank("init", "--json", "--state", str(tmp_path / "state"))
    answer = json.loads(result.stdout)
    assert answer["schema"] == 1
    assert answer["balance"] == 1_000_000_000
    assert answer["validator"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pay", "ann", "-5"], "-5: it must be 1 or more"),
        (["stake", "open", "-3"], "-3: it must be 1 or more"),
        (["job", "start", "wordcount", "--fan", "10"], "--fan says how many outputs --reduce"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(tree, arguments)
    assert result.exit_code == 2
    assert said in result.output
