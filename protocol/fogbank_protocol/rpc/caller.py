"""The side of a channel that makes calls (SPEC.md section 4.2)."""

from math import ceil

from ..errors import LocalProtocolError, RemoteProtocolError
from ..limits import (
    CALL_DEADLINE_MS_MAX,
    CALL_NUMBER_MAX,
    CALLS_OPEN_MAX,
    CREDIT_MAX,
    INITIAL_CREDIT_MAX,
)
from .deadlines import Deadlines
from .events import CallTimedOut, ErrorReceived, ItemReceived, ResponseReceived, StreamEnded
from .frames import (
    encode_cancel,
    encode_credit,
    encode_request,
    encode_stream_request,
)
from .outbound import Outbound, QueueFullError


class Caller:
    """The calls that this side has made and that are not answered yet."""

    def __init__(self, outbound: Outbound) -> None:
        """Queue frames in ``outbound``."""
        self._outbound = outbound
        self._last_call = 0
        self._deadlines = Deadlines()
        self._credits: dict[int, int] = {}

    @property
    def calls_open(self) -> int:
        """How many calls wait for their answer or the end of their stream."""
        return len(self._deadlines)

    @property
    def deadline(self) -> float:
        """When the next call runs out of time, in seconds on the shell's clock."""
        return self._deadlines.earliest

    def has_room(self, body_bytes: int) -> bool:
        """Tell whether a call with a body of ``body_bytes`` may be made now."""
        return len(self._deadlines) < CALLS_OPEN_MAX and self._outbound.requests.has_room(
            body_bytes
        )

    def send_request(self, method: str, body: bytes, *, timeout_s: float, now: float) -> int:
        """Ask for one response in ``timeout_s`` (above 0, to 3600 s); return the call's number.

        Raises:
            QueueFullError: see ``has_room``.
            LocalProtocolError: ``method``, ``body`` or ``timeout_s`` cannot be sent.
        """
        deadline_ms = self._check(body, timeout_s)
        call = self._last_call + 1
        self._outbound.requests.put(encode_request(call, method, deadline_ms, body))
        self._open(call, now + timeout_s)
        return call

    def send_stream_request(
        self, method: str, body: bytes, *, credit: int, timeout_s: float, now: float
    ) -> int:
        """Ask for a stream, ``credit`` (1 to 1,024) items at first, and return the call's number.

        Raises:
            QueueFullError: see ``has_room``.
            LocalProtocolError: an argument cannot be sent.
        """
        deadline_ms = self._check(body, timeout_s)
        if not 1 <= credit <= INITIAL_CREDIT_MAX:
            raise LocalProtocolError(f"an initial credit of {credit}")
        call = self._last_call + 1
        frame = encode_stream_request(call, method, deadline_ms, credit, body)
        self._outbound.requests.put(frame)
        self._credits[call] = credit
        self._open(call, now + timeout_s)
        return call

    def send_credit(self, call: int, credit: int) -> None:
        """Allow ``credit`` items more of the stream ``call``; nothing happens if it has ended.

        Raises:
            LocalProtocolError: ``credit`` is not positive, or more than 65,535 would stand unused.
        """
        unused = self._credits.get(call)
        if unused is None:
            return
        if credit < 1 or unused + credit > CREDIT_MAX:
            raise LocalProtocolError(f"credit of {credit} beside {unused}")
        self._credits[call] = unused + credit
        self._outbound.requests.put(encode_credit(call, credit))

    def send_cancel(self, call: int) -> None:
        """Give up ``call``; nothing more comes of it.  Nothing happens if it has ended."""
        if self._close(call):
            self._outbound.requests.put(encode_cancel(call))

    def handle_answer(
        self, frame: ResponseReceived | ErrorReceived | ItemReceived | StreamEnded
    ) -> ResponseReceived | ErrorReceived | ItemReceived | StreamEnded | None:
        """Return the event of the peer's ``frame``; None when it is for a call that has ended.

        Raises:
            RemoteProtocolError: it answers a call that was never made, in a way that does not fit
                the call, or beyond its credit (section 4.3).
        """
        call = frame.call
        if call not in self._deadlines:
            if call > self._last_call:
                raise RemoteProtocolError("an answer to a call never made", rule="4.3")
            return None
        match frame:
            case ItemReceived():
                self._count_item(call)
                return frame
            case ResponseReceived():
                if call in self._credits:
                    raise RemoteProtocolError("a response where a stream was asked", rule="4.3")
            case StreamEnded():
                if call not in self._credits:
                    raise RemoteProtocolError("the end of what is no stream", rule="4.3")
            case ErrorReceived():
                pass
        self._close(call)
        return frame

    def take_timed_out(self, now: float) -> CallTimedOut | None:
        """Give up one call whose time has come at ``now``, and tell the peer."""
        call = self._deadlines.take_due(now)
        if call is None:
            return None
        self._credits.pop(call, None)
        # The peer measures from when the request arrived, later than this side; telling it frees
        # the call there before another takes its place among the 256.
        self._outbound.requests.put(encode_cancel(call))
        return CallTimedOut(call)

    def _check(self, body: bytes, timeout_s: float) -> int:
        deadline_ms = ceil(timeout_s * 1000)
        if not 1 <= deadline_ms <= CALL_DEADLINE_MS_MAX:
            raise LocalProtocolError(f"a timeout of {timeout_s} s")
        if not self.has_room(len(body)):
            raise QueueFullError("too many calls, or too many bytes of them, are under way")
        if self._last_call == CALL_NUMBER_MAX:
            raise LocalProtocolError("the call numbers of this channel are used up")
        return deadline_ms

    def _open(self, call: int, deadline: float) -> None:
        self._last_call = call
        self._deadlines.add(call, deadline)

    def _close(self, call: int) -> bool:
        self._credits.pop(call, None)
        return self._deadlines.drop(call)

    def _count_item(self, call: int) -> None:
        unused = self._credits.get(call)
        if unused is None:
            raise RemoteProtocolError("an item where a response was asked", rule="4.3")
        if unused == 0:
            raise RemoteProtocolError("an item beyond the credit", rule="4.3")
        self._credits[call] = unused - 1
