"""The agent's end of the control socket: takes connections, reads requests, sends answers.

What the requests mean is in ``answers``.  Here is only what keeps a hostile or sleepy client from
hurting the agent: bounded frames, bounded connections, and a limit on every wait but the first.
"""

import grp
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trio

from ..errors import FogbankError, MachineError, Refused
from ..limits import (
    CONTROL_CLIENTS_MAX,
    CONTROL_IDLE_S,
    CONTROL_REQUEST_S,
    CONTROL_SEND_S,
)
from .frames import LENGTH_BYTES, BadFrame, decode_body, decode_length, encode_frame
from .requests.blobs import Failed
from .socket_path import short_path


class ClientGone(Exception):
    """The client closed, or does not read or write in time."""


class Conversation:
    """One client's connection."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._received = bytearray()
        self.at_end = ExitStack()
        """What is undone when the conversation ends, such as pins of blobs."""
        self.is_over = False
        """Set to close after the next answer, when what the client still sends means nothing."""

    async def receive(self, kinds: Sequence[type], *, begin_s: float = CONTROL_REQUEST_S) -> object:
        """Return the next message, of one of ``kinds``.

        ``begin_s`` is how long the client may take to begin it.

        Raises:
            BadFrame: it is none.
            ClientGone: the client closed, or took too long.
        """
        head = await self._read_exactly(LENGTH_BYTES, begin_s)
        return decode_body(await self._read_exactly(decode_length(head), CONTROL_REQUEST_S), kinds)

    async def send(self, answer: object) -> None:
        """Send ``answer``.

        Raises:
            ClientGone: the client closed, or does not read.
            Refused: the answer is longer than a frame.
        """
        await self.send_all([answer])

    async def send_all(self, answers: Iterable[object]) -> None:
        """Send ``answers`` with one turn at the socket; as ``send``."""
        try:
            frames = b"".join(map(encode_frame, answers))
        except ValueError:
            raise Refused("the answer is too long for one command: ask for less") from None
        try:
            with trio.fail_after(CONTROL_SEND_S):
                await self._stream.send_all(frames)
        except (trio.BrokenResourceError, trio.TooSlowError):
            raise ClientGone from None

    @asynccontextmanager
    async def until_hangup(self) -> AsyncGenerator[None]:
        """Cancel what is inside when the client closes, or says anything more.

        What is raised inside comes out in an exception group, as from a nursery.

        Raises:
            ClientGone: it closed.
        """
        hung_up = False

        async def watch() -> None:
            nonlocal hung_up
            with suppress(trio.BrokenResourceError):
                await self._stream.receive_some(1)
            hung_up = True
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            yield
            nursery.cancel_scope.cancel()
        if hung_up:
            raise ClientGone

    async def _read_exactly(self, count: int, seconds: float) -> bytes:
        try:
            with trio.fail_after(seconds):
                while len(self._received) < count:
                    data = await self._stream.receive_some(1 << 16)
                    if not data:
                        raise ClientGone
                    self._received += data
        except (trio.BrokenResourceError, trio.TooSlowError):
            raise ClientGone from None
        wanted = bytes(self._received[:count])
        del self._received[:count]
        return wanted


@dataclass(frozen=True, slots=True)
class Responder:
    """What requests are understood, and what answers them."""

    kinds: Sequence[type]
    respond: Callable[[object, Conversation], Awaitable[None]]
    """Answers one request; raises ``FogbankError`` to answer with its sentence."""


async def serve_control(
    path: Path,
    group: str,
    responder: Responder,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the control socket at ``path`` until cancelled, and remove it then.

    Members of ``group`` may use it besides the owner, when it is not empty.

    Raises:
        MachineError: the socket cannot be made, or there is no such group.
    """
    listener = _listen(path, group)
    clients = trio.CapacityLimiter(CONTROL_CLIENTS_MAX)

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            conversation = Conversation(stream)
            with conversation.at_end:
                await _converse(conversation, clients, responder)

    task_status.started()
    try:
        await trio.serve_listeners(serve, [listener])
    finally:
        _remove(path)


async def _converse(
    conversation: Conversation, clients: trio.CapacityLimiter, responder: Responder
) -> None:
    try:
        clients.acquire_nowait()
    except trio.WouldBlock:
        with suppress(ClientGone):
            await conversation.send(Failed("too many commands at once: try again in a moment"))
        return
    try:
        while await _answer_one(conversation, responder):
            pass
    finally:
        clients.release()


async def _answer_one(conversation: Conversation, responder: Responder) -> bool:
    """Answer the next request; False when the conversation is over."""
    sentence = ""
    over = False
    try:
        request = await conversation.receive(responder.kinds, begin_s=CONTROL_IDLE_S)
        await responder.respond(request, conversation)
    # Starred, since what goes wrong in a nursery comes as a group.
    except* FogbankError as group:
        sentence = str(_first(group))
    except* BadFrame as group:
        sentence = f"the command and the agent do not understand each other: {_first(group)}"
        over = True
    except* ClientGone:
        over = True
    if sentence:
        try:
            await conversation.send(Failed(sentence))
        except ClientGone:
            over = True
    return not (over or conversation.is_over)


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error


def _listen(path: Path, group: str) -> trio.SocketListener:
    # Whoever has the state folder's lock owns the socket: one that is there was left by a crash.
    _remove(path)
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Made without rights and opened up afterwards: nobody can connect in between.
        before = os.umask(0o777)
        try:
            with short_path(path) as name:
                unix.bind(name)
        finally:
            os.umask(before)
        if group:
            _share_with(path, group)
        else:
            path.chmod(0o600)
        unix.listen(CONTROL_CLIENTS_MAX)
        unix.setblocking(False)
    except OSError as error:
        unix.close()
        raise MachineError(f"{path} cannot be made: {error.strerror}") from None
    except MachineError:
        unix.close()
        raise
    return trio.SocketListener(trio.socket.from_stdlib_socket(unix))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _share_with(path: Path, group: str) -> None:
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError:
        raise MachineError(f"[control] group: this machine has no group '{group}'") from None
    os.chown(path, -1, number)
    path.chmod(0o660)
    # To open the socket one must pass the folder: its members may, without listing it.
    os.chown(path.parent, -1, number)
    path.parent.chmod(0o710)
