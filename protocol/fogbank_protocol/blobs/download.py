"""How a blob is brought together from peers that may fail or lie (SPEC.md section 6.2).

One peer at a time, chunk after chunk from the start, so that what is on disk is always a prefix of
the blob: to resume, a later download checks the prefix and goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import TypeAlias

from ..errors import RemoteProtocolError
from ..identity import NodeId
from ..limits import (
    BLOB_BYTES_MAX,
    CHUNK_TIMEOUT_S,
    DOWNLOAD_PAUSE_S,
    DOWNLOAD_ROUNDS_MAX,
)
from ..machine import Tick
from .messages import decode_description
from .naming import BlobId, Description


@dataclass(frozen=True, slots=True)
class Started:
    """Begin."""


@dataclass(frozen=True, slots=True)
class DescriptionReceived:
    """The peer of ``attempt`` answered ``blob.describe`` with ``body``."""

    attempt: int
    body: bytes


@dataclass(frozen=True, slots=True)
class PrefixFound:
    """So many chunks at the start of what is on disk are right."""

    chunks: int


@dataclass(frozen=True, slots=True)
class ChunkReceived:
    """The peer of ``attempt`` sent a chunk."""

    attempt: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """The call of ``attempt`` ended; ``failure`` says why, and is empty for a complete stream."""

    attempt: int
    failure: str = ""
    is_final: bool = False
    """The peer said that it does not have the blob: do not ask it again."""


@dataclass(frozen=True, slots=True)
class Describe:
    """Call ``blob.describe`` of ``peer``; drop any call of an earlier attempt."""

    attempt: int
    peer: NodeId


@dataclass(frozen=True, slots=True)
class FindPrefix:
    """Tell how many chunks of ``description`` are on disk already."""

    description: Description


@dataclass(frozen=True, slots=True)
class Read:
    """Call ``blob.read`` of ``peer`` for these chunks; drop any call of an earlier attempt."""

    attempt: int
    peer: NodeId
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class StoreChunk:
    """Write ``data``, which is right, after what is on disk."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Blame:
    """``peer`` broke a rule; it is not asked again."""

    peer: NodeId
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """All chunks are on disk."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody gave the rest; ``reason`` is for people."""

    reason: str


DownloadEvent: TypeAlias = (
    Started | DescriptionReceived | PrefixFound | ChunkReceived | AttemptEnded
)
DownloadCommand: TypeAlias = Describe | FindPrefix | Read | StoreChunk | Blame | Finish | GiveUp


class _State(Enum):
    WORKING = auto()
    PAUSED = auto()
    OVER = auto()


class Download:
    """Brings one blob from the first of several peers that has it, and the rest from the next."""

    def __init__(
        self, blob_id: BlobId, peers: Sequence[NodeId], *, bytes_max: int = BLOB_BYTES_MAX
    ) -> None:
        """Ask ``peers`` in this order for ``blob_id``, if it has at most ``bytes_max`` bytes."""
        self._blob_id = blob_id
        self._bytes_max = bytes_max
        self._willing = list(dict.fromkeys(peers))
        self._waiting = list(self._willing)
        self._rounds_left = DOWNLOAD_ROUNDS_MAX
        self._attempt = 0
        self._peer: NodeId | None = None
        self._description: Description | None = None
        self._chunks_done = 0
        self._last_failure = "there is nobody to ask"
        self._state = _State.WORKING
        self._deadline = inf

    @property
    def deadline(self) -> float:
        """When the present peer has been silent too long, or the pause is over; may be inf."""
        return self._deadline

    def handle(self, event: DownloadEvent | Tick, now: float) -> Sequence[DownloadCommand]:
        """Take one event at time ``now`` and return what to do; nothing after the end."""
        if self._state is _State.OVER:
            return []
        match event:
            case Started():
                return self._ask_next(now)
            case DescriptionReceived(attempt, body) if attempt == self._attempt:
                return self._take_description(body, now)
            case PrefixFound(chunks):
                self._chunks_done = chunks
                return self._read_on(now)
            case ChunkReceived(attempt, data) if attempt == self._attempt:
                return self._take_chunk(data, now)
            case AttemptEnded(attempt, failure, is_final) if attempt == self._attempt:
                return self._end_attempt(failure, is_final, now)
            case Tick() if now >= self._deadline:
                return self._wake(now)
            case _:
                # Of an attempt that was dropped.
                return []

    def _ask_next(self, now: float) -> Sequence[DownloadCommand]:
        self._attempt += 1
        self._peer = None
        if not self._waiting:
            return self._begin_round(now)
        self._peer = self._waiting.pop(0)
        self._deadline = now + CHUNK_TIMEOUT_S
        if self._description is None:
            return [Describe(self._attempt, self._peer)]
        return self._read_on(now)

    def _begin_round(self, now: float) -> Sequence[DownloadCommand]:
        self._rounds_left -= 1
        if not self._willing or self._rounds_left == 0:
            return self._give_up(self._last_failure)
        self._waiting = list(self._willing)
        self._state = _State.PAUSED
        self._deadline = now + DOWNLOAD_PAUSE_S
        return []

    def _wake(self, now: float) -> Sequence[DownloadCommand]:
        if self._state is _State.WORKING:
            return self._end_attempt("it was silent too long", False, now)
        self._state = _State.WORKING
        return self._ask_next(now)

    def _take_description(self, body: bytes, now: float) -> Sequence[DownloadCommand]:
        try:
            self._description = decode_description(body, self._blob_id)
        except RemoteProtocolError as error:
            return self._blame(str(error), now)
        if self._description.size > self._bytes_max:
            return self._give_up(
                f"it has {self._description.size} bytes and at most {self._bytes_max} are wanted"
            )
        self._deadline = inf
        return [FindPrefix(self._description)]

    def _read_on(self, now: float) -> Sequence[DownloadCommand]:
        if self._description is None or self._peer is None:
            return []
        left = len(self._description.hashes) - self._chunks_done
        if left == 0:
            self._state = _State.OVER
            self._deadline = inf
            return [Finish()]
        self._deadline = now + CHUNK_TIMEOUT_S
        return [Read(self._attempt, self._peer, self._chunks_done, left)]

    def _take_chunk(self, data: bytes, now: float) -> Sequence[DownloadCommand]:
        if self._description is None:
            return []
        if not self._description.is_chunk(self._chunks_done, data):
            return self._blame("it sent a wrong chunk", now)
        self._chunks_done += 1
        self._deadline = now + CHUNK_TIMEOUT_S
        if self._chunks_done < len(self._description.hashes):
            return [StoreChunk(data)]
        return [StoreChunk(data), *self._read_on(now)]

    def _end_attempt(self, failure: str, is_final: bool, now: float) -> Sequence[DownloadCommand]:
        if not failure:
            return self._blame("it ended the stream before the last chunk", now)
        self._last_failure = failure
        if is_final and self._peer is not None:
            self._willing.remove(self._peer)
        return self._ask_next(now)

    def _blame(self, reason: str, now: float) -> Sequence[DownloadCommand]:
        self._last_failure = reason
        if self._peer is None:
            return []
        blame = Blame(self._peer, reason)
        self._willing.remove(self._peer)
        return [blame, *self._ask_next(now)]

    def _give_up(self, reason: str) -> Sequence[DownloadCommand]:
        self._state = _State.OVER
        self._deadline = inf
        return [GiveUp(reason)]
