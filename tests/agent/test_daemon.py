"""What the daemon says before it starts, and how errors of its parts become one sentence."""

import errno
import logging
import os
from pathlib import Path

import pytest

from fogbank_agent.config_page import starting_file
from fogbank_agent.daemon import OneLine, as_fogbank_error, run_daemon
from fogbank_agent.errors import ConfigError, FogbankError, MachineError, StateFolderError
from fogbank_agent.setting_up import finish, make_key, make_network
from fogbank_agent.state_folder import StateFolder
from fogbank_dag_ledger.service.failures import LogFull
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.node.database import DatabaseFailure
from fogbank_protocol.node.node import PortInUse


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path / "state")
    state.make()
    own = make_key(state).node_id
    finish(state, make_network("test", [own], {own: 5}), {"network": {"mdns": False}})
    return state


def test_a_damaged_genesis_says_where_to_take_another(state: StateFolder) -> None:
    state.genesis.write_bytes(b"damaged")
    with pytest.raises(StateFolderError, match="take a copy from another agent"):
        run_daemon(state)


def test_a_damaged_configuration_stops_it(state: StateFolder) -> None:
    state.config.write_text(starting_file({}) + "lies = 5\n")
    with pytest.raises(ConfigError, match="unknown setting 'lies'"):
        run_daemon(state)


def test_a_static_peer_that_is_no_address_is_named(state: StateFolder) -> None:
    state.config.write_text('[network]\nmdns = false\nstatic_peers = ["my-host:7001"]\n')
    with pytest.raises(ConfigError, match=r"static_peers: 'my-host:7001' is not an address"):
        run_daemon(state)


def test_an_address_of_another_machine_is_one_sentence(state: StateFolder) -> None:
    state.config.write_text('[network]\nmdns = false\nlisten_addresses = ["192.0.2.1"]\n')
    with pytest.raises(MachineError, match=r"192\.0\.2\.1"):
        run_daemon(state)


def test_nobody_else_reads_what_the_daemon_keeps(state: StateFolder) -> None:
    # It gets as far as making its files.
    state.config.write_text('[network]\nmdns = false\nlisten_addresses = ["192.0.2.1"]\n')
    before = os.umask(0o022)
    try:
        with pytest.raises(MachineError):
            run_daemon(state)
        assert os.umask(0o022) == 0o022, "changed for good"
    finally:
        os.umask(before)
    made = [state.journal, state.ledger, state.blobs]
    assert [oct(path.stat().st_mode & 0o077) for path in made] == ["0o0"] * 3


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PortInUse(Address("127.0.0.1", 7001), "port 7001 is in use"), "port 7001 is in use"),
        (LogFull("no room for the log"), "no room for the log"),
        (DatabaseFailure("the journal is locked"), "the journal is locked"),
        (OSError(errno.ENOSPC, "No space left", "/state/port"), "the disk is full (/state/port)"),
        (PermissionError(errno.EACCES, "Permission denied", "/s/blobs"), "/s/blobs cannot be used"),
        (ConfigError("line 5"), "line 5"),
    ],
)
def test_what_a_person_can_put_right_is_a_sentence_however_deep_it_was_raised(
    error: Exception, sentence: str
) -> None:
    deep = ExceptionGroup("outer", [ExceptionGroup("inner", [error])])
    found = as_fogbank_error(deep)
    assert isinstance(found, FogbankError)
    assert sentence in str(found)


@pytest.mark.parametrize("bug", [OSError(errno.EBADF, "a bug"), ValueError(), KeyError("x")])
def test_a_bug_stays_a_bug(bug: Exception) -> None:
    assert as_fogbank_error(ExceptionGroup("outer", [bug])) is None
    assert as_fogbank_error(ExceptionGroup("outer", [ConfigError("line 5"), bug])) is None


def test_an_event_of_the_log_is_one_line_whatever_is_in_it() -> None:
    try:
        raise OSError(errno.ENETUNREACH, "Network is\nunreachable")
    except OSError as error:
        information = (type(error), error, error.__traceback__)
    record = logging.LogRecord(
        "zeroconf", logging.WARNING, "", 0, "peer\n%s", ("text",), information
    )
    assert OneLine("%(name)s: %(message)s").format(record) == (
        "zeroconf: peer | text | OSError: [Errno 101] Network is | unreachable"
    )


def test_an_event_of_the_log_steers_no_terminal() -> None:
    record = logging.LogRecord("node", logging.INFO, "", 0, "\x1b[2J\a%s", ("é",), None)
    assert OneLine("%(message)s").format(record) == "?[2J?é"
