"""Both directions of calls over one channel (SPEC.md section 4)."""

from ..errors import RemoteProtocolError
from ..limits import WRITE_BYTES_MAX
from .callee import Callee
from .caller import Caller
from .events import (
    CancelReceived,
    CreditReceived,
    ErrorCode,
    ErrorReceived,
    Event,
    Frame,
    GoodbyeReceived,
    ItemReceived,
    NeedData,
    OneWayReceived,
    PingAnswered,
    PingReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamRequested,
)
from .frames import encode_goodbye, encode_one_way, encode_ping, encode_pong
from .outbound import Outbound
from .received_frames import LENGTH_BYTES, decode_frame, read_length

_NEED_DATA = NeedData()


class Calls:
    """One end of the calls over one channel: plaintext in, events out; commands in, plaintext out.

    ``caller`` makes calls, ``callee`` answers the peer's.  A shell drives it with two coroutines
    and a handler for each of the peer's calls, all in one thread:

    * The reader feeds ``receive_data`` with what the channel decrypts, then takes ``next_event``
      until ``NeedData``.  It starts a handler for ``RequestReceived`` and ``StreamRequested``,
      cancels it at ``CancelReceived`` and ``DeadlinePassed``, and resolves the waiter of a call at
      ``ResponseReceived``, ``ErrorReceived``, ``CallTimedOut``.  Then it wakes the writer.
      When ``deadline`` passes without data it takes ``next_event`` in the same way.
    * The writer, when woken, writes ``data_to_send()`` until that is empty.  Whatever was queued
      meanwhile leaves in one write.  After each write it wakes those that wait for room.
    * Whoever sends something big asks ``has_room`` first and waits for the writer if there is none:
      responses, requests and items raise ``QueueFullError`` then.  ``CreditReceived`` also makes
      room.  A one-way message is dropped instead.

    When ``next_event`` raises RemoteProtocolError a goodbye is queued: write it, then close the
    stream.  After ``GoodbyeReceived`` close it at once.  Every call still open is lost then.
    """

    def __init__(self) -> None:
        self._outbound = Outbound()
        self.caller = Caller(self._outbound)
        self.callee = Callee(self._outbound)
        self._received = bytearray()
        self._position = 0
        self._is_closed = False

    @property
    def deadline(self) -> float:
        """When to take ``next_event`` even without data, in seconds on the shell's clock."""
        return min(self.caller.deadline, self.callee.deadline)

    @property
    def queued_bytes(self) -> int:
        """How many bytes wait for ``data_to_send``."""
        return self._outbound.queued_bytes

    @property
    def has_queued(self) -> bool:
        """Whether anything waits for ``data_to_send``."""
        return not self._outbound.is_empty

    def receive_data(self, data: bytes) -> None:
        """Take plaintext of the channel, in any pieces.

        At most one frame (1 MiB) is kept besides what was fed since ``NeedData``.
        """
        self._received += data

    def next_event(self, now: float) -> Event:
        """Return what happened next, at ``now`` seconds on the shell's clock.

        Raises:
            RemoteProtocolError: the peer broke a rule of section 4; a goodbye is queued.
        """
        if self._is_closed:
            return _NEED_DATA
        try:
            while (frame := self._take_frame()) is not None:
                event = self._handle(frame, now)
                if event is not None:
                    return event
        except RemoteProtocolError as error:
            self.send_goodbye(ErrorCode.PROTOCOL_ERROR, str(error))
            raise
        return self.caller.take_timed_out(now) or self.callee.take_passed(now) or _NEED_DATA

    def data_to_send(self, bytes_max: int = WRITE_BYTES_MAX) -> bytes:
        """Return all that is queued, joined, if it fits into ``bytes_max``; else about so much.

        Write it before asking again: a ping queued in the meantime then goes first.  Empty when
        nothing waits.  One frame longer than ``bytes_max`` is returned whole.
        """
        return self._outbound.take(bytes_max)

    def send_one_way(self, method: str, body: bytes) -> bool:
        """Queue a one-way message; False when there is no room and it was dropped."""
        if not self._outbound.one_ways.has_room(len(body)):
            return False
        self._outbound.one_ways.put(encode_one_way(method, body))
        return True

    def send_ping(self, nonce: int) -> None:
        """Ask whether the peer is there; ``PingAnswered`` with this 64-bit ``nonce`` comes back."""
        self._outbound.urgent.put(encode_ping(nonce))

    def send_goodbye(self, code: ErrorCode, message: str) -> None:
        """Drop all that is queued, say why the channel closes, and take nothing more.

        Write ``data_to_send()`` once more, then close the stream.
        """
        if not self._is_closed:
            self._outbound.close(encode_goodbye(code, message))
            self._is_closed = True

    def _take_frame(self) -> Frame | None:
        """Return the next whole frame; None, and forget the frames before, when there is none."""
        length = read_length(self._received, self._position)
        if length is not None:
            start = self._position + LENGTH_BYTES
            if len(self._received) >= start + length:
                self._position = start + length
                return decode_frame(self._received[start : self._position])
        del self._received[: self._position]
        self._position = 0
        return None

    def _handle(self, frame: Frame, now: float) -> Event | None:
        """Return the event that ``frame`` is for the shell; None when it is no news to it."""
        match frame:
            case ResponseReceived() | ItemReceived() | ErrorReceived() | StreamEnded():
                return self.caller.handle_answer(frame)
            case RequestReceived() | StreamRequested():
                return self.callee.handle_request(frame, now)
            case OneWayReceived() | PingAnswered():
                return frame
            case CreditReceived():
                return self.callee.handle_credit(frame)
            case CancelReceived():
                return self.callee.handle_cancel(frame)
            case PingReceived(nonce):
                self.callee.check_forced_answers()
                self._outbound.urgent.put(encode_pong(nonce))
                return None
            case GoodbyeReceived():
                self._is_closed = True
                return frame
