"""The folder in which an agent keeps everything: key, configuration, genesis, ledger, blobs.

One process at a time works in it; a lock on a file says who.  The lock is the kernel's, so that it
never outlives its process.
"""

import fcntl
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import MachineError, StateFolderError

if TYPE_CHECKING:
    from fogbank_protocol.identity import Identity


class StateFolder:
    """Where each thing is, and how it is written so that it is there whole or not at all."""

    def __init__(self, path: Path) -> None:
        """Name the files under ``path``; nothing is opened or made."""
        self.path = path
        self.key = path / "key"
        self.config = path / "config.toml"
        self.genesis = path / "genesis"
        self.control_socket = path / "control.sock"
        self.lock = path / "lock"
        self.last_port = path / "port"
        self.addresses = path / "addresses"
        self.ledger = path / "ledger"
        self.blobs = path / "blobs"
        self.published = path / "published"
        self.uploads = path / "uploads"
        self.sandbox = path / "sandbox"
        self.journal = path / "journal"

    def make(self) -> None:
        """Make the folder, open to its owner alone.

        Raises:
            MachineError: that is not possible here; the message says why.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise MachineError(
                f"the state folder {self.path} cannot be made: {error.strerror}; "
                "name another with --state or FOGBANK_STATE"
            ) from None

    def write_new(self, path: Path, data: bytes, *, mode: int = 0o600) -> None:
        """Write a file that must not exist yet, synced to disk.

        Raises:
            StateFolderError: it exists.
            MachineError: it cannot be written.
        """
        beside = path.with_name(path.name + ".new")
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            # A link, unlike a rename, never replaces a key that another process has just made.
            os.link(beside, path)
        except FileExistsError:
            raise StateFolderError(f"{path} exists already and is left as it is") from None
        except OSError as error:
            raise MachineError(f"{path} cannot be written: {error.strerror}") from None
        finally:
            beside.unlink(missing_ok=True)

    def read_identity(self) -> "Identity":
        """Return the key pair of this folder.

        Raises:
            StateFolderError: there is none, it can be read by others, or it is damaged.
        """
        return _identity(self.key, self._read(self.key))

    def read_genesis(self) -> bytes:
        """Return the network's genesis body, unchecked.

        Raises:
            StateFolderError: there is none.
        """
        return self._read(self.genesis)

    def read_last_port(self) -> int:
        """Return the TCP port of the last start; 0 when there was none."""
        try:
            text = self.last_port.read_text("ascii").strip()
        except (OSError, ValueError):
            return 0
        return int(text) if text.isdecimal() and int(text) < 1 << 16 else 0

    def write_last_port(self, port: int) -> None:
        """Remember ``port`` for the next start."""
        beside = self.last_port.with_name("port.new")
        beside.write_text(f"{port}\n")
        beside.replace(self.last_port)

    def clear_uploads(self) -> None:
        """Remove what a killed agent left half taken in."""
        for path in self.uploads.glob("*"):
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep every other process out of the folder while inside.

        Raises:
            StateFolderError: another process is in, whose id the message tells; or there is no
                such folder.
        """
        try:
            descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            raise StateFolderError(self.not_set_up()) from None
        except OSError as error:
            raise MachineError(f"{self.lock} cannot be opened: {error.strerror}") from None
        with open(descriptor, "r+b", buffering=0) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = file.read(20).decode("ascii", "replace").strip() or "unknown"
                raise StateFolderError(
                    f"an agent works in {self.path} already (process {holder}): stop it first, "
                    "or name another folder with --state"
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode("ascii"))
            yield

    def not_set_up(self) -> str:
        """Say that there is no agent in this folder yet, and what to do."""
        return f"there is no agent in {self.path} yet: run '{self.command('init')}'"

    def command(self, name: str) -> str:
        """Return what a person types for the command ``name`` to work in this folder."""
        hint = "" if self.path == default_path({}) else f" --state {self.path}"
        return f"fogbank {name}{hint}"

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            if self.config.exists() or self.genesis.exists():
                # 'fogbank init' would refuse this folder, so it is not what helps.
                raise StateFolderError(
                    f"{path} is missing: put back a copy, or begin anew in another folder"
                ) from None
            raise StateFolderError(self.not_set_up()) from None
        except OSError as error:
            raise StateFolderError(f"{path} cannot be read: {error.strerror}") from None


def default_path(environment: dict[str, str]) -> Path:
    """Return the state folder of a person who names none, by the XDG base directories."""
    base = environment.get("XDG_STATE_HOME", "")
    # The specification says that a relative path there is to be ignored.
    root = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return root / "fogbank"


def read_key(path: Path) -> "Identity":
    """Return the key pair in the file at ``path``, of 64 hexadecimal digits.

    Raises:
        StateFolderError: there is none, it can be read by others, or it is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StateFolderError(f"the key {path} cannot be read: {error.strerror}") from None
    return _identity(path, data)


def _identity(path: Path, data: bytes) -> "Identity":
    # The command line imports this module and never needs a key: libsodium takes 20 ms.
    from fogbank_protocol.identity import Identity

    text = data.decode("ascii", "replace").strip()
    if path.stat().st_mode & 0o077:
        raise StateFolderError(
            f"the key {path} can be read by others: run 'chmod 600 {path}' "
            "when you are sure that nobody has copied it"
        )
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise StateFolderError(
            f"the key {path} is damaged: put back a copy, or begin anew in another folder"
        )
    return Identity.from_seed(bytes.fromhex(text))
