"""The agent's end of a worker or a compile child: a process with a pipe each way."""

import fcntl
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from subprocess import DEVNULL, PIPE
from typing import Final, Self

import trio

from fogbank_protocol.errors import RemoteProtocolError

from ..errors import SandboxUnavailable
from ..limits import PIPE_BYTES, PIPE_SLACK_BYTES, PIPELINED_BYTES_MIN, WORKER_START_S_MAX
from .messages import (
    LENGTH_BYTES,
    REPLY_BYTES_MAX,
    Command,
    Protection,
    Ready,
    Reply,
    Unusable,
    decode_reply,
    encode_command,
    frame,
)
from .settings import Target

logger = logging.getLogger(__name__)

_READ_BYTES: Final = 1 << 18


class ChildGone(Exception):
    """The process is gone, or says what makes no sense, which is treated alike."""


class ChildProcess:
    """One process, until it is closed."""

    def __init__(self, process: trio.Process) -> None:
        """Talk to ``process``; ``start`` makes one."""
        assert isinstance(process.stdin, trio.lowlevel.FdStream)
        assert isinstance(process.stdout, trio.lowlevel.FdStream)
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._received = bytearray()
        self.protection: Protection | None = None
        self.pipelined_bytes_max = _widen(self._stdin.fileno(), self._stdout.fileno())
        """How many bytes of commands may wait for the process without that sending them waits."""

    @classmethod
    async def start(cls, module: str, target: Target) -> Self:
        """Start the process that runs ``module`` for ``target``, and wait until it is ready.

        Raises:
            SandboxUnavailable: this machine cannot run tasks.
            ChildGone: it did not become ready.
        """
        process = await trio.lowlevel.open_process(
            # -I: nothing of the caller's environment or folder decides what is imported.
            [sys.executable, "-I", "-m", module, target],
            stdin=PIPE,
            stdout=PIPE,
            stderr=None if logger.isEnabledFor(logging.DEBUG) else DEVNULL,
            env={},
            cwd="/",
            # Of no terminal: what interrupts the agent is the agent's to hand on.
            start_new_session=True,
        )
        child = cls(process)
        try:
            await child._wait_ready()
        except BaseException:
            await child.close()
            raise
        return child

    async def _wait_ready(self) -> None:
        with trio.move_on_after(WORKER_START_S_MAX):
            match await self.receive():
                case Ready(protection):
                    self.protection = protection
                    return
                case Unusable(reason):
                    raise SandboxUnavailable(reason)
                case _:
                    raise ChildGone("an answer to no question")
        raise ChildGone(f"not ready after {WORKER_START_S_MAX} s")

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    async def send(self, command: Command) -> None:
        """Send ``command``.

        Raises:
            ChildGone: the process is gone.
        """
        try:
            await self._stdin.send_all(frame(encode_command(command)))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ChildGone("the pipe is closed") from None

    async def receive(self) -> Reply:
        """Wait for the next reply.

        Raises:
            ChildGone: the process is gone or says what is no reply.
        """
        head = await self._read(LENGTH_BYTES)
        return _decode(await self._read(_length(head)))

    async def send_many(self, messages: Sequence[bytes]) -> None:
        """Send the encodings ``messages`` of commands, one after the other.

        Raises:
            ChildGone: the process is gone.
        """
        data = b"".join([frame(each) for each in messages])
        try:
            # At once when there is room, as there mostly is: whoever is cancelled meanwhile knows
            # that all was sent.
            written = os.write(self._stdin.fileno(), data)
        except BlockingIOError:
            written = 0
        except OSError:
            raise ChildGone("the pipe is closed") from None
        if written == len(data):
            return
        try:
            await self._stdin.send_all(memoryview(data)[written:])
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ChildGone("the pipe is closed") from None

    def receive_nowait(self) -> list[Reply]:
        """Return the replies that are here already.

        Raises:
            ChildGone: the process is gone or says what is no reply.
        """
        try:
            part = os.read(self._stdout.fileno(), _READ_BYTES)
        except BlockingIOError:
            return []
        if not part:
            raise ChildGone("the process has ended")
        self._received += part
        replies: list[Reply] = []
        at = 0
        with memoryview(self._received) as received:
            while (whole := _frame_end(received, at)) <= len(received):
                replies.append(_decode(bytes(received[at + LENGTH_BYTES : whole])))
                at = whole
        del self._received[:at]
        return replies

    async def wait_readable(self) -> None:
        """Wait until there is something for ``receive_nowait``.

        Raises:
            ChildGone: the process was closed meanwhile.
        """
        try:
            await trio.lowlevel.wait_readable(self._stdout.fileno())
        except trio.ClosedResourceError:
            raise ChildGone("the pipe is closed") from None

    async def close(self) -> None:
        """Kill the process at once, and wait until it is gone, even when cancelled."""
        self._process.kill()
        with trio.CancelScope(shield=True):
            await self._process.wait()
            await self._stdin.aclose()
            await self._stdout.aclose()

    async def _read(self, count: int) -> bytes:
        while len(self._received) < count:
            try:
                part = await self._stdout.receive_some(_READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise ChildGone("the pipe is closed") from None
            if not part:
                raise ChildGone("the process has ended")
            self._received += part
        data = bytes(self._received[:count])
        del self._received[:count]
        return data


def _widen(*pipes: int) -> int:
    """Make ``pipes`` hold more, where the system can, and return what is safe to leave in one."""
    for pipe in pipes:
        with suppress(AttributeError, OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    try:
        held = fcntl.fcntl(pipes[0], fcntl.F_GETPIPE_SZ)
    except (AttributeError, OSError):
        return PIPELINED_BYTES_MIN
    # Pages that are filled or emptied in part count as whole ones.
    return max(held - PIPE_SLACK_BYTES, PIPELINED_BYTES_MIN)


def _length(head: bytes | memoryview) -> int:
    length = int.from_bytes(head, "big")
    if length > REPLY_BYTES_MAX:
        raise ChildGone(f"a reply of {length} bytes")
    return length


def _frame_end(received: memoryview, start: int) -> int:
    """Return where the reply ends whose length is at ``start``, beyond the end if unknown."""
    body = start + LENGTH_BYTES
    if body > len(received):
        return body
    return body + _length(received[start:body])


def _decode(message: bytes) -> Reply:
    try:
        return decode_reply(message)
    except RemoteProtocolError as error:
        raise ChildGone(str(error)) from None
