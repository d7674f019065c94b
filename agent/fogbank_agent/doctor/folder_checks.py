"""Whether the state folder is an agent's, whole, and closed to others."""

import fcntl
import os
import stat

from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import short_form

from ..config import Config
from ..config_file import read_config
from ..errors import FogbankError
from ..state_folder import StateFolder
from .finding import Finding, note, ok, problem

_NO_START = "an agent cannot start here"


def check_folder(state: StateFolder) -> list[Finding]:
    """Return what is wrong with the folder, its key, its configuration and its network."""
    if not state.path.is_dir():
        return [
            note(
                "state folder",
                f"{state.path} is not there",
                "no agent is set up for this user",
                state.command("init"),
            )
        ]
    return [_check_rights(state), _check_agent(state), _check_key(state), *_check_files(state)]


def read_config_or_default(state: StateFolder) -> Config:
    """Return the configuration of the folder, and the default where it cannot be read."""
    try:
        return read_config(state.config)
    except FogbankError:
        return Config()


def is_agent_up(state: StateFolder) -> bool:
    """Tell whether an agent works in the folder, without asking it anything."""
    try:
        descriptor = os.open(state.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _check_rights(state: StateFolder) -> Finding:
    found = state.path.stat()
    if found.st_uid != os.geteuid():
        return problem(
            "state folder",
            f"{state.path} belongs to another user",
            _NO_START,
            "run fogbank as that user, or name another folder with --state",
        )
    mode = stat.S_IMODE(found.st_mode)
    # A group may be let in by [control] group; the key is checked by itself.
    if mode & 0o027:
        return note(
            "state folder",
            f"{state.path} is open to others ({mode:o})",
            "other users of this machine can look at what is in it",
            f"chmod 700 {state.path}",
        )
    return ok("state folder", str(state.path), "closed to other users")


def _check_agent(state: StateFolder) -> Finding:
    if is_agent_up(state):
        return ok("agent", "up", "commands reach it")
    return note(
        "agent",
        "not running",
        "nothing is bought or sold",
        f"{state.command('up')}, when it is set up",
    )


def _check_key(state: StateFolder) -> Finding:
    try:
        identity = state.read_identity()
    except FogbankError as error:
        return problem("key", "not usable", _NO_START, str(error))
    return ok("key", short_form(identity.node_id), "readable by its owner alone")


def _check_files(state: StateFolder) -> list[Finding]:
    findings: list[Finding] = []
    try:
        read_config(state.config)
        findings.append(ok("configuration", "understood", "every setting is known"))
    except FogbankError as error:
        findings.append(problem("configuration", "not understood", _NO_START, str(error)))
    try:
        genesis = decode_genesis(state.read_genesis())
        findings.append(ok("network", f"'{genesis.name}' ({genesis.network.hex()})", "it is known"))
    except FogbankError as error:
        findings.append(problem("network", "not known", _NO_START, str(error)))
    except RemoteProtocolError:
        findings.append(
            problem(
                "network",
                f"{state.genesis} is damaged",
                _NO_START,
                "take a copy from another agent of the network",
            )
        )
    return findings
