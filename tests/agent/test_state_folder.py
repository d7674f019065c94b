"""The state folder: made once, kept private, used by one process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fogbank_agent.errors import MachineError, StateFolderError
from fogbank_agent.state_folder import StateFolder, default_path
from fogbank_protocol.identity import Identity

SEED = bytes(range(32))


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path / "state")
    state.make()
    return state


def test_the_key_comes_back_as_it_was_written(state: StateFolder) -> None:
    state.write_new(state.key, SEED.hex().encode())
    assert state.read_identity().node_id == Identity.from_seed(SEED).node_id


def test_folder_and_key_are_for_the_owner_alone(state: StateFolder) -> None:
    state.write_new(state.key, SEED.hex().encode())
    assert state.path.stat().st_mode & 0o777 == 0o700
    assert state.key.stat().st_mode & 0o777 == 0o600


def test_nothing_is_overwritten(state: StateFolder) -> None:
    state.write_new(state.key, b"first")
    with pytest.raises(StateFolderError, match="exists already"):
        state.write_new(state.key, b"second")
    assert state.key.read_bytes() == b"first"
    assert [path.name for path in state.path.iterdir()] == ["key"]


def test_a_key_that_others_can_read_is_refused(state: StateFolder) -> None:
    state.write_new(state.key, SEED.hex().encode())
    state.key.chmod(0o644)
    with pytest.raises(StateFolderError, match="chmod 600"):
        state.read_identity()


@pytest.mark.parametrize("data", [b"", b"00" * 31, b"zz" * 32, b"\xff" * 64, b"00" * 33])
def test_a_damaged_key_is_refused(state: StateFolder, data: bytes) -> None:
    state.write_new(state.key, data)
    with pytest.raises(StateFolderError, match="damaged"):
        state.read_identity()


def test_a_folder_without_an_agent_says_to_run_init(state: StateFolder) -> None:
    with pytest.raises(StateFolderError, match=f"fogbank init --state {state.path}"):
        state.read_identity()


@pytest.mark.parametrize("left", ["genesis", "config.toml"])
def test_a_folder_that_lost_its_key_is_not_sent_to_init_which_would_refuse_it(
    state: StateFolder, left: str
) -> None:
    state.write_new(state.path / left, b"")
    with pytest.raises(StateFolderError, match="key is missing: put back a copy"):
        state.read_identity()


def test_a_second_process_is_told_the_first_ones_id(state: StateFolder) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from fogbank_agent.state_folder import StateFolder\n"
        "with StateFolder(Path(sys.argv[1])).locked(): pass\n"
    )
    with state.locked():
        second = subprocess.run(
            [sys.executable, "-c", program, str(state.path)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert f"(process {os.getpid()})" in second.stderr


def test_the_lock_is_free_again_afterwards(state: StateFolder) -> None:
    with state.locked():
        pass
    with state.locked():
        pass


def test_half_taken_uploads_are_removed(state: StateFolder) -> None:
    state.clear_uploads()
    state.uploads.mkdir()
    (state.uploads / "half").write_bytes(b"half")
    state.clear_uploads()
    assert list(state.uploads.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="name another with --state"):
        StateFolder(tmp_path / "file" / "state").make()


@pytest.mark.parametrize("text", ["", "x", "-1", "70000", "٣"])
def test_a_damaged_port_file_is_no_port(state: StateFolder, text: str) -> None:
    state.last_port.write_text(text, "utf-8")
    assert state.read_last_port() == 0


def test_the_last_port_comes_back(state: StateFolder) -> None:
    assert state.read_last_port() == 0
    state.write_last_port(7001)
    assert state.read_last_port() == 7001


def test_the_default_follows_xdg_and_ignores_relative_paths() -> None:
    home = Path.home() / ".local" / "state" / "fogbank"
    assert default_path({"XDG_STATE_HOME": "/var/state"}) == Path("/var/state/fogbank")
    assert default_path({"XDG_STATE_HOME": "relative"}) == home
    assert default_path({}) == home
