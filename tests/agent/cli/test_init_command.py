"""Making agents and networks by hand, as a person does."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fogbank_agent.cli.main import tree
from fogbank_agent.config_file import read_config
from fogbank_agent.errors import Refused, StateFolderError
from fogbank_agent.state_folder import StateFolder
from fogbank_dag_ledger.genesis import decode_genesis


def fogbank(*arguments: object) -> Result:
    result = CliRunner().invoke(tree, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_init_makes_a_network_that_this_agent_holds_alone(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")

    fogbank("init", "--name", "cellar", "--state", state.path)

    genesis = decode_genesis(state.read_genesis())
    own = state.read_identity().node_id
    assert genesis.name == "cellar"
    assert genesis.seats == {own: 1}
    assert genesis.quorum == 1
    assert genesis.balances == {own: 1_000_000_000}
    assert sorted(path.name for path in state.path.iterdir()) == ["config.toml", "genesis", "key"]


def test_what_comes_next_names_the_folder(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    said = fogbank("init", "--state", state.path).output
    assert said.endswith(f"next: {state.command('up')}\n")
    assert str(state.path) in said.splitlines()[-1]


def test_a_name_that_is_refused_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="its name has 1 to"):
        fogbank("init", "--name", "", "--state", tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_options_end_up_in_the_configuration(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    options = ("--interface", "127.0.0.1", "--port", 7001, "--no-provider")
    fogbank("init", *options, "--state", state.path)
    config = read_config(state.config)
    assert config.network.interfaces == config.network.listen_addresses == ("127.0.0.1",)
    assert config.network.listen_port == 7001
    assert not config.provider.enabled


def test_a_second_init_leaves_the_first_agent_alone(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    fogbank("init", "--state", state.path)
    before = {path.name: path.read_bytes() for path in state.path.iterdir()}

    with pytest.raises(StateFolderError, match="there is an agent in"):
        fogbank("init", "--state", state.path)
    with pytest.raises(StateFolderError, match="there is an agent in"):
        fogbank("init", "--key-only", "--state", state.path)

    assert {path.name: path.read_bytes() for path in state.path.iterdir()} == before


def test_a_network_of_four_seats_is_made_by_hand(tmp_path: Path) -> None:
    states = [tmp_path / f"agent{number}" for number in range(4)]
    keys = [fogbank("init", "--key-only", "--state", state).stdout.strip() for state in states]
    seats = [option for key in keys for option in ("--seat", key)]
    balances = [option for key in keys for option in ("--balance", f"{key}=1000")]
    file = tmp_path / "network"

    made = fogbank(
        "network", "create", "--name", "street", *seats, *balances, "--out", file, "--json"
    )
    for state in states:
        fogbank("init", "--network", file, "--state", state)

    answer = json.loads(made.stdout)
    assert (answer["quorum"], answer["supply"]) == (3, 4000)
    assert sorted(answer["seats"]) == sorted(keys)
    for state, key in zip(states, keys, strict=True):
        assert (state / "genesis").read_bytes() == file.read_bytes()
        assert fogbank("id", "--state", state).stdout.strip() == key


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seat", "abc", "--balance", "00=1"], "no key"),
        (["--seat", "00" * 32, "--balance", "00" * 32], "KEY=DROPS"),
        (["--seat", "00" * 32, "--balance", "00" * 32 + "=-5"], "KEY=DROPS"),
        (["--seat", "00" * 32, "--balance", "00" * 32 + "=0"], "no such network"),
        (["--seat", "00" * 32, "--balance", "00" * 32 + "=1", "--quorum", "2"], "a quorum of 2"),
    ],
)
def test_a_network_that_breaks_a_rule_is_refused(
    tmp_path: Path, options: list[str], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        fogbank("network", "create", "--name", "n", *options, "--out", tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_a_network_without_seats_or_money_is_a_wrong_command_line(tmp_path: Path) -> None:
    seat, balance = ("--seat", "00" * 32), ("--balance", "00" * 32 + "=1")
    for options, missing in ((balance, "'--seat'"), (seat, "'--balance'")):
        result = fogbank("network", "create", "--name", "n", *options, "--out", tmp_path / "file")
        assert result.exit_code == 2
        assert f"Missing option {missing}" in result.stderr


def test_a_network_file_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "file"
    options = ("--seat", "00" * 32, "--balance", "00" * 32 + "=1", "--out", file)
    fogbank("network", "create", "--name", "n", *options)
    with pytest.raises(Refused, match="exists already"):
        fogbank("network", "create", "--name", "n", *options)


@pytest.mark.parametrize("data", [b"", b"\x91\x01", bytes(100_000)])
def test_a_file_that_is_no_network_is_refused_and_nothing_is_made(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(Refused, match="is not a network's file"):
        fogbank("init", "--network", tmp_path / "file", "--state", tmp_path / "state")
    assert list((tmp_path / "state").iterdir()) == []
