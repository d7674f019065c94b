"""The command line's end of the control socket: plain blocking sockets, quick to import."""

import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

from ..errors import AgentUnreachable, Refused
from ..limits import CONTROL_BLOBS_BYTES_MAX, CONTROL_BLOBS_MAX, CONTROL_CHUNK_BYTES
from ..state_folder import StateFolder
from .frames import LENGTH_BYTES, BadFrame, decode_body, decode_length, encode_frame
from .requests.blobs import BlobKept, BlobsKept, Chunk, Failed, GetBlob, PutBlob, PutBlobs
from .socket_path import short_path

_Kind = TypeVar("_Kind")


class ControlClient:
    """One connection to the agent of a state folder; use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Connect to the socket at ``path``.

        Raises:
            AgentUnreachable: nobody listens there, or it may not be opened.
        """
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short_path(path) as name:
                self._socket.connect(name)
        except PermissionError:
            self._socket.close()
            raise AgentUnreachable(
                f"{path} may not be opened by this user: ask its owner, or see [control] group "
                "in docs/configuration.md"
            ) from None
        except OSError:
            self._socket.close()
            raise AgentUnreachable(self._nobody()) from None

    def __enter__(self) -> "ControlClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: object, kind: type[_Kind]) -> _Kind:
        """Send ``request`` and return its one answer, which is of ``kind``.

        Raises:
            Refused: the agent said no.
            AgentUnreachable: it went away, or is of another version.
        """
        self.send(request)
        return self.receive(kind)

    def send(self, message: object) -> None:
        """Send ``message``; errors as for ``ask``."""
        try:
            frame = encode_frame(message)
        except UnicodeEncodeError as error:
            shown = str(error.object).encode("utf-8", "replace").decode("utf-8")
            raise Refused(f"'{shown}' is not text in UTF-8: name it otherwise") from None
        except ValueError:
            raise Refused("too many inputs for one command: hand over fewer at a time") from None
        try:
            self._socket.sendall(frame)
        except (BrokenPipeError, ConnectionResetError):
            # The agent closes after saying why; what it said is still to be read.
            raise self._why_closed() from None
        except OSError:
            raise AgentUnreachable(self._went_away()) from None

    def receive(self, kind: type[_Kind]) -> _Kind:
        """Return the next answer, which is of ``kind``; errors as for ``ask``."""
        answer = self.receive_any([kind])
        assert isinstance(answer, kind)
        return answer

    def receive_any(self, kinds: Sequence[type]) -> object:
        """Return the next answer, which is of one of ``kinds``; errors as for ``ask``."""
        try:
            body = self._read_exactly(decode_length(self._read_exactly(LENGTH_BYTES)))
            message = decode_body(body, [*kinds, Failed])
        except BadFrame:
            raise AgentUnreachable(
                "the agent is of another version: stop it and start it again"
            ) from None
        if isinstance(message, Failed):
            raise Refused(message.sentence)
        return message

    def put_blob(
        self, file: BinaryIO, size: int, on_progress: Callable[[int], None] | None = None
    ) -> bytes:
        """Hand ``size`` bytes of ``file`` to the agent and return the blob's id.

        ``on_progress`` is called with the bytes of each chunk that went.
        """
        self.send(PutBlob(size))
        left = size
        while left:
            data = file.read(min(CONTROL_CHUNK_BYTES, left))
            if not data:
                raise Refused("an input file became shorter while it was read: run it again")
            self.send(Chunk(data))
            left -= len(data)
            if on_progress is not None:
                on_progress(len(data))
        return self.receive(BlobKept).blob_id

    def put_blobs(self, blobs: Sequence[bytes]) -> list[bytes]:
        """Hand over many ``blobs``, each of CONTROL_CHUNK_BYTES at most; return their ids."""
        kept: list[bytes] = []
        for page in _pages(blobs):
            kept += self.ask(PutBlobs(page), BlobsKept).blob_ids
        return kept

    def blob(self, blob_id: bytes) -> Iterator[bytes]:
        """Give the bytes of a blob that the agent keeps, piece by piece."""
        left = self.ask(GetBlob(blob_id), BlobKept).size
        while left > 0:
            data = self.receive(Chunk).data
            left -= len(data)
            yield data

    def _read_exactly(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            try:
                data = self._socket.recv(min(count, 1 << 16))
            except OSError:
                data = b""
            if not data:
                raise AgentUnreachable(self._went_away())
            parts.append(data)
            count -= len(data)
        return b"".join(parts)

    def _why_closed(self) -> Exception:
        try:
            self.receive_any([])
        except (Refused, AgentUnreachable) as error:
            return error
        return AgentUnreachable(self._went_away())

    def _nobody(self) -> str:
        state = StateFolder(self._path.parent)
        up = state.command("up")
        if not state.key.exists():
            return f"{state.not_set_up()}, then '{up}'"
        return f"the agent of {state.path} is not running: start it with '{up}'"

    def _went_away(self) -> str:
        return f"the agent of {self._path.parent} stopped before it answered: see its log"


def _pages(blobs: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Give ``blobs`` in parts that fit into a frame."""
    page: list[bytes] = []
    room = CONTROL_BLOBS_BYTES_MAX
    for data in blobs:
        if page and (len(data) > room or len(page) == CONTROL_BLOBS_MAX):
            yield tuple(page)
            page, room = [], CONTROL_BLOBS_BYTES_MAX
        page.append(data)
        room -= len(data)
    if page:
        yield tuple(page)
