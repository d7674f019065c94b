"""Native code kept on disk, so that a module is compiled once (this agent's own affair).

A compiled module is native code that a worker will run: whoever can make the agent load one of
theirs has the worker.  So only files that this agent wrote are loaded: the folder belongs to this
user and is closed to others, and every file carries a tag made with a key that never leaves the
folder.  A file copied from another agent, cut short, or turned bad on the card fails that test.
"""

import os
import stat
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path
from secrets import token_bytes
from typing import Final

from ..errors import SandboxUnavailable
from ..limits import COMPILE_CACHE_BYTES_MAX, COMPILED_BYTES_MAX

_SECRET_NAME: Final = "key"
_SECRET_BYTES: Final = 32
_TAG_BYTES: Final = 32
_SUFFIX: Final = ".native"
_UNFINISHED: Final = ".unfinished"


class CompileCache:
    """A folder of compiled modules, each under a key that names all it depends on."""

    def __init__(self, folder: Path, *, bytes_max: int = COMPILE_CACHE_BYTES_MAX) -> None:
        """Use ``folder``, making it if needed, for at most ``bytes_max`` bytes.

        Raises:
            SandboxUnavailable: it belongs to somebody else, or cannot be made.
        """
        self._folder = folder
        self._bytes_max = bytes_max
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.stat()
            if found.st_uid != os.getuid():
                raise SandboxUnavailable(
                    f"{folder} belongs to another user: give it to the one who runs the agent"
                )
            if stat.S_IMODE(found.st_mode) & 0o077:
                folder.chmod(0o700)
                # Others may have read the key or put one here: what it vouches for is made anew.
                (folder / _SECRET_NAME).unlink(missing_ok=True)
            self._secret = self._read_secret()
            for left_behind in folder.glob(f"*{_UNFINISHED}"):
                left_behind.unlink(missing_ok=True)
        except OSError as error:
            raise SandboxUnavailable(
                f"{folder} cannot be used for compiled modules: {error.strerror}"
            ) from None

    def read(self, key: bytes) -> bytes | None:
        """Return what is kept under ``key``, or None: nothing is, or it is damaged or foreign."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                data = file.read(_TAG_BYTES + COMPILED_BYTES_MAX + 1)
            os.utime(path)
        except OSError:
            return None
        tag, compiled = data[:_TAG_BYTES], data[_TAG_BYTES:]
        if compare_digest(tag, self._tag(key, compiled)):
            return compiled
        path.unlink(missing_ok=True)
        return None

    def write(self, key: bytes, compiled: bytes) -> None:
        """Keep ``compiled`` under ``key``; those not used for longest go when room is needed.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        self._make_room(len(compiled) + _TAG_BYTES)
        path = self._path(key)
        unfinished = path.with_suffix(_UNFINISHED)
        try:
            unfinished.write_bytes(self._tag(key, compiled) + compiled)
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    def forget(self, key: bytes) -> None:
        """Keep nothing under ``key``."""
        self._path(key).unlink(missing_ok=True)

    def _make_room(self, needed: int) -> None:
        files = [(path, path.stat()) for path in self._folder.glob(f"*{_SUFFIX}")]
        files.sort(key=lambda each: each[1].st_mtime_ns)
        total = sum(found.st_size for _, found in files)
        for path, found in files:
            if total + needed <= self._bytes_max:
                return
            path.unlink(missing_ok=True)
            total -= found.st_size

    def _path(self, key: bytes) -> Path:
        return self._folder / f"{key.hex()}{_SUFFIX}"

    def _tag(self, key: bytes, compiled: bytes) -> bytes:
        digest = blake2b(key=self._secret, digest_size=_TAG_BYTES)
        digest.update(len(key).to_bytes(4, "big") + key)
        digest.update(compiled)
        return digest.digest()

    def _read_secret(self) -> bytes:
        path = self._folder / _SECRET_NAME
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            secret = path.read_bytes()
        else:
            secret = token_bytes(_SECRET_BYTES)
            with open(descriptor, "wb") as file:
                file.write(secret)
        if len(secret) == _SECRET_BYTES:
            return secret
        # Cut short when the disk was full: all that was tagged with it is made anew.
        path.unlink()
        return self._read_secret()
