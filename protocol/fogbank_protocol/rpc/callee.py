"""The side of a channel that answers calls (SPEC.md section 4.2)."""

from ..errors import LocalProtocolError, RemoteProtocolError
from ..limits import CALLS_OPEN_MAX, CREDIT_MAX, FORCED_ANSWERS_MAX
from .deadlines import Deadlines
from .events import (
    CancelReceived,
    CreditReceived,
    DeadlinePassed,
    ErrorCode,
    RequestReceived,
    StreamRequested,
)
from .frames import encode_end, encode_error, encode_item, encode_response
from .outbound import Outbound, QueueFullError


class Callee:
    """The peer's calls that this side has not answered yet.

    Whatever is sent for a call that has ended, because the peer cancelled it or its time ran out,
    is dropped without a word: the one who works on it may not have heard yet.
    """

    def __init__(self, outbound: Outbound) -> None:
        """Queue frames in ``outbound``."""
        self._outbound = outbound
        self._last_call = 0
        self._deadlines = Deadlines()
        self._credits: dict[int, int] = {}

    @property
    def calls_open(self) -> int:
        """How many of the peer's calls are not answered."""
        return len(self._deadlines)

    @property
    def deadline(self) -> float:
        """When the next of them runs out of time, in seconds on the shell's clock."""
        return self._deadlines.earliest

    def has_room(self, body_bytes: int) -> bool:
        """Tell whether a response of ``body_bytes`` may be sent now."""
        return self._outbound.answers.has_room(body_bytes)

    def has_room_for_item(self, call: int, body_bytes: int) -> bool:
        """Tell whether an item of ``body_bytes`` may be sent now; True if the call has ended.

        It is false while the peer has given no credit, and while too much waits to be written.
        """
        if call not in self._deadlines:
            return True
        return self._credits.get(call, 0) > 0 and self._outbound.streams.has_room(call, body_bytes)

    def send_response(self, call: int, body: bytes) -> None:
        """Answer the request ``call``.

        Raises:
            QueueFullError: see ``has_room``; the call stays open.
            LocalProtocolError: ``call`` is a stream or was never made, or ``body`` is too long.
        """
        if not self._is_open(call):
            return
        if call in self._credits:
            raise LocalProtocolError(f"call {call} wants a stream")
        if not self.has_room(len(body)):
            raise QueueFullError("too many bytes of answers are under way")
        self._outbound.answers.put(encode_response(call, body))
        self._deadlines.drop(call)

    def send_error(self, call: int, code: ErrorCode, message: str) -> None:
        """End ``call`` with an error; items sent before it arrive first.

        ``message`` is a sentence for people, cut after 256 bytes.  There is always room.
        """
        if not self._is_open(call):
            return
        frame = encode_error(call, code, message)
        if call in self._credits:
            self._outbound.streams.put_last(call, frame)
        else:
            self._outbound.answers.put(frame)
        self._close(call)

    def send_item(self, call: int, body: bytes) -> None:
        """Send one item of the stream ``call``.

        Raises:
            QueueFullError: see ``has_room_for_item``.
            LocalProtocolError: ``call`` is not a stream or was never made, or ``body`` is too long.
        """
        if not self._is_open(call):
            return
        self._check_is_stream(call)
        if not self.has_room_for_item(call, len(body)):
            raise QueueFullError("the stream has no credit, or too many bytes are under way")
        self._outbound.streams.put(call, encode_item(call, body))
        self._credits[call] -= 1

    def send_end(self, call: int) -> None:
        """Complete the stream ``call``.  There is always room."""
        if not self._is_open(call):
            return
        self._check_is_stream(call)
        self._outbound.streams.put_last(call, encode_end(call))
        self._close(call)

    def handle_request(
        self, frame: RequestReceived | StreamRequested, now: float
    ) -> RequestReceived | StreamRequested | None:
        """Open the peer's call at ``now``; None when it was refused as one too many.

        Raises:
            RemoteProtocolError: its number does not rise (section 4.3), or too many answers
                wait for a peer that does not read them (section 4.2).
        """
        if frame.call <= self._last_call:
            raise RemoteProtocolError("a call number that does not rise", rule="4.3")
        self._last_call = frame.call
        self.check_forced_answers()
        # A call is open until its answer has left: else a peer that never reads could have any
        # number of answers waiting for it.
        waiting = len(self._outbound.answers) + self._outbound.streams.ended
        if len(self._deadlines) + waiting >= CALLS_OPEN_MAX:
            message = f"more than {CALLS_OPEN_MAX} open calls"
            self._outbound.urgent.put(encode_error(frame.call, ErrorCode.BUSY, message))
            return None
        self._deadlines.add(frame.call, now + frame.deadline_ms / 1000)
        if isinstance(frame, StreamRequested):
            self._credits[frame.call] = frame.credit
        return frame

    def handle_credit(self, frame: CreditReceived) -> CreditReceived | None:
        """Take credit for a stream; None when that has ended.

        Raises:
            RemoteProtocolError: it is no stream, was never asked for, or has too much unused
                credit (sections 4.2 and 4.3).
        """
        if not self._is_known(frame.call):
            return None
        unused = self._credits.get(frame.call)
        if unused is None:
            raise RemoteProtocolError("credit for what is no stream", rule="4.3")
        if unused + frame.credit > CREDIT_MAX:
            raise RemoteProtocolError("more unused credit than is allowed", rule="4.3")
        self._credits[frame.call] = unused + frame.credit
        return frame

    def handle_cancel(self, frame: CancelReceived) -> CancelReceived | None:
        """Close the call that the peer has given up; None when it had ended.

        Raises:
            RemoteProtocolError: it was never made (section 4.3).
        """
        self._outbound.streams.drop(frame.call)
        if not self._is_known(frame.call):
            return None
        self._close(frame.call)
        return frame

    def take_passed(self, now: float) -> DeadlinePassed | None:
        """Close one call whose time has come at ``now``, and tell the peer."""
        call = self._deadlines.take_due(now)
        if call is None:
            return None
        self._credits.pop(call, None)
        self._outbound.streams.drop(call)
        message = "no answer in the time that was given"
        self._outbound.urgent.put(encode_error(call, ErrorCode.DEADLINE_PASSED, message))
        return DeadlinePassed(call)

    def check_forced_answers(self) -> None:
        """Refuse to collect ever more answers for a peer that sends but does not read.

        Raises:
            RemoteProtocolError: too many wait (section 4.2).
        """
        if len(self._outbound.urgent) >= FORCED_ANSWERS_MAX:
            raise RemoteProtocolError("the peer does not read the answers it asks for", rule="4.2")

    def _is_known(self, call: int) -> bool:
        if call > self._last_call:
            raise RemoteProtocolError("a frame for a call never made", rule="4.3")
        return call in self._deadlines

    def _is_open(self, call: int) -> bool:
        if call > self._last_call:
            raise LocalProtocolError(f"call {call} was never made")
        return call in self._deadlines

    def _check_is_stream(self, call: int) -> None:
        if call not in self._credits:
            raise LocalProtocolError(f"call {call} wants one response")

    def _close(self, call: int) -> None:
        self._deadlines.drop(call)
        self._credits.pop(call, None)
