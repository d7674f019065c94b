"""Two ends of calls against a model, over a wire that cuts and delays (SPEC.md section 4.2).

Both ends are honest here: whatever they do, neither may find that the other broke a rule, every
call ends exactly once, and what arrives is what was sent.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fogbank_protocol.limits import CREDIT_MAX
from fogbank_protocol.rpc.calls import Calls
from fogbank_protocol.rpc.events import (
    CallTimedOut,
    CancelReceived,
    CreditReceived,
    DeadlinePassed,
    ErrorCode,
    ErrorReceived,
    Event,
    GoodbyeReceived,
    ItemReceived,
    NeedData,
    OneWayReceived,
    PingAnswered,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamRequested,
)


@dataclass
class Asked:
    """A call as its caller knows it."""

    body: bytes
    is_stream: bool
    ends_at: float
    granted: int = 0
    items: list[bytes] = field(default_factory=list[bytes])
    outcome: Event | str | None = None


@dataclass
class Asking:
    """A call as its callee knows it."""

    is_stream: bool
    ends_at: float
    credit: int = 0
    items: list[bytes] = field(default_factory=list[bytes])
    answer: Event | None = None
    """What was sent last for it, as the caller will see it; None while it is open."""
    is_dead: bool = False
    """Cancelled, or out of time."""


class End:
    """One end with what a shell would know of it."""

    def __init__(self) -> None:
        self.calls = Calls()
        self.asked: dict[int, Asked] = {}
        self.asking: dict[int, Asking] = {}
        self.wire = b""
        self.news_sent: list[bytes] = []
        self.news_heard: list[bytes] = []
        self.pings: list[int] = []

    def open_asked(self, *, streams_only: bool = False) -> list[int]:
        return [
            call
            for call, asked in self.asked.items()
            if asked.outcome is None and (asked.is_stream or not streams_only)
        ]

    def open_asking(self) -> list[int]:
        return [
            call
            for call, asking in self.asking.items()
            if asking.answer is None and not asking.is_dead
        ]


bodies = st.binary(max_size=30) | st.sampled_from([b"x" * 5000, b"y" * 70_000])
sides = st.sampled_from([0, 1])
picks = st.integers(0, 1 << 30)


class CallsAgainstModel(RuleBasedStateMachine):
    """Ann and Bob, each caller and callee."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = (End(), End())
        self.now = 0.0

    def absorb(self, side: int) -> None:
        """Take all events of ``side`` and check each against what the other side did."""
        end, other = self.ends[side], self.ends[1 - side]
        while not isinstance(event := end.calls.next_event(self.now), NeedData):
            match event:
                case RequestReceived(call, "test.call", deadline_ms, body):
                    asked = other.asked[call]
                    assert (body, asked.is_stream) == (asked.body, False)
                    end.asking[call] = Asking(False, self.now + deadline_ms / 1000)
                case StreamRequested(call, "test.stream", deadline_ms, credit, body):
                    asked = other.asked[call]
                    assert (body, asked.is_stream) == (asked.body, True)
                    end.asking[call] = Asking(True, self.now + deadline_ms / 1000, credit)
                case CreditReceived(call, credit):
                    end.asking[call].credit += credit
                case CancelReceived(call):
                    assert call in end.open_asking()
                    assert other.asked[call].outcome in ("cancelled", CallTimedOut(call))
                    end.asking[call].is_dead = True
                case DeadlinePassed(call):
                    assert call in end.open_asking()
                    assert end.asking[call].ends_at <= self.now
                    end.asking[call].is_dead = True
                case ItemReceived(call, body):
                    assert call in end.open_asked(streams_only=True)
                    asked = end.asked[call]
                    asked.items.append(body)
                    assert len(asked.items) <= asked.granted
                    assert asked.items == other.asking[call].items[: len(asked.items)]
                case ResponseReceived(call) | StreamEnded(call):
                    self.conclude(side, call, event)
                    assert other.asking[call].answer == event
                    assert end.asked[call].items == other.asking[call].items
                case ErrorReceived(call, code):
                    self.conclude(side, call, event)
                    if code is ErrorCode.DEADLINE_PASSED:
                        assert other.asking[call].is_dead
                    else:
                        assert other.asking[call].answer == event
                        assert end.asked[call].items == other.asking[call].items
                case CallTimedOut(call):
                    assert end.asked[call].ends_at <= self.now
                    self.conclude(side, call, event)
                case OneWayReceived("test.news", body):
                    end.news_heard.append(body)
                case PingAnswered(nonce):
                    assert end.pings.pop(0) == nonce
                case GoodbyeReceived() | RequestReceived() | StreamRequested() | OneWayReceived():
                    raise AssertionError(event)

    def conclude(self, side: int, call: int, outcome: Event) -> None:
        assert self.ends[side].asked[call].outcome is None, "a call ends once"
        self.ends[side].asked[call].outcome = outcome

    @rule(side=sides, body=bodies, seconds=st.integers(1, 20))
    def send_request(self, side: int, body: bytes, seconds: int) -> None:
        end = self.ends[side]
        if end.calls.caller.has_room(len(body)):
            call = end.calls.caller.send_request("test.call", body, timeout_s=seconds, now=self.now)
            end.asked[call] = Asked(body, is_stream=False, ends_at=self.now + seconds)

    @rule(side=sides, body=bodies, seconds=st.integers(1, 20), credit=st.integers(1, 4))
    def send_stream_request(self, side: int, body: bytes, seconds: int, credit: int) -> None:
        end = self.ends[side]
        if end.calls.caller.has_room(len(body)):
            call = end.calls.caller.send_stream_request(
                "test.stream", body, credit=credit, timeout_s=seconds, now=self.now
            )
            end.asked[call] = Asked(body, True, self.now + seconds, granted=credit)

    @rule(side=sides, pick=picks, credit=st.integers(1, 5))
    def send_credit(self, side: int, pick: int, credit: int) -> None:
        end = self.ends[side]
        if streams := end.open_asked(streams_only=True):
            call = streams[pick % len(streams)]
            asked = end.asked[call]
            if asked.granted + credit - len(asked.items) <= CREDIT_MAX:
                end.calls.caller.send_credit(call, credit)
                asked.granted += credit

    @rule(side=sides, pick=picks)
    def send_cancel(self, side: int, pick: int) -> None:
        end = self.ends[side]
        if calls := end.open_asked():
            call = calls[pick % len(calls)]
            end.calls.caller.send_cancel(call)
            end.asked[call].outcome = "cancelled"

    @rule(side=sides, pick=picks, body=bodies, fails=st.booleans())
    def answer(self, side: int, pick: int, body: bytes, fails: bool) -> None:
        end = self.ends[side]
        if calls := end.open_asking():
            self.answer_call(end, calls[pick % len(calls)], body, fails=fails)

    def answer_call(self, end: End, call: int, body: bytes, *, fails: bool) -> None:
        asking, callee = end.asking[call], end.calls.callee
        if fails:
            callee.send_error(call, ErrorCode.REFUSED, "no")
            asking.answer = ErrorReceived(call, ErrorCode.REFUSED, "no")
        elif asking.is_stream:
            callee.send_end(call)
            asking.answer = StreamEnded(call)
        elif callee.has_room(len(body)):
            callee.send_response(call, body)
            asking.answer = ResponseReceived(call, body)

    @rule(side=sides, pick=picks, body=bodies, count=st.integers(1, 4))
    def send_items(self, side: int, pick: int, body: bytes, count: int) -> None:
        end = self.ends[side]
        streams = [call for call in end.open_asking() if end.asking[call].is_stream]
        if not streams:
            return
        call = streams[pick % len(streams)]
        asking = end.asking[call]
        for _ in range(count):
            if end.calls.callee.has_room_for_item(call, len(body)):
                assert asking.credit > 0
                end.calls.callee.send_item(call, body)
                asking.credit -= 1
                asking.items.append(body)

    @rule(side=sides, pick=picks, body=bodies)
    def work_on_what_has_ended(self, side: int, pick: int, body: bytes) -> None:
        """Work on as a handler does that has not heard yet: it does no harm."""
        end = self.ends[side]
        if dead := [call for call, asking in end.asking.items() if asking.is_dead]:
            call = dead[pick % len(dead)]
            before = end.calls.queued_bytes
            end.calls.callee.send_error(call, ErrorCode.REFUSED, "late")
            end.calls.callee.send_item(call, body)
            assert end.calls.queued_bytes == before

    @rule(side=sides, body=bodies)
    def send_one_way(self, side: int, body: bytes) -> None:
        if self.ends[side].calls.send_one_way("test.news", body):
            self.ends[side].news_sent.append(body)

    @rule(side=sides, nonce=st.integers(0, 255))
    def send_ping(self, side: int, nonce: int) -> None:
        if len(self.ends[side].pings) < 100:
            self.ends[side].calls.send_ping(nonce)
            self.ends[side].pings.append(nonce)

    @rule(side=sides)
    def write(self, side: int) -> None:
        self.ends[side].wire += self.ends[side].calls.data_to_send()

    @precondition(lambda self: any(end.wire for end in self.ends))
    @rule(side=sides, size=st.integers(1, 200) | st.just(1 << 20))
    def deliver(self, side: int, size: int) -> None:
        sender, receiver = self.ends[side], self.ends[1 - side]
        receiver.calls.receive_data(sender.wire[:size])
        sender.wire = sender.wire[size:]
        self.absorb(1 - side)

    @rule(seconds=st.integers(1, 8))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        for side in (0, 1):
            self.absorb(side)

    @invariant()
    def deadlines_are_those_of_the_open_calls(self) -> None:
        for end in self.ends:
            assert end.calls.caller.calls_open == len(end.open_asked())
            assert end.calls.callee.calls_open == len(end.open_asking())
            mine = [end.asked[call].ends_at for call in end.open_asked()]
            theirs = [end.asking[call].ends_at for call in end.open_asking()]
            assert end.calls.deadline == min(mine + theirs, default=float("inf"))

    def teardown(self) -> None:
        """Whatever happened, answering all and delivering all leaves nothing open."""
        self.deliver_all()
        for end in self.ends:
            for call in end.open_asking():
                self.answer_call(end, call, b"", fails=True)
        self.deliver_all()
        for end, other in (self.ends, self.ends[::-1]):
            assert end.calls.caller.calls_open == end.calls.callee.calls_open == 0
            assert end.news_heard == other.news_sent
            assert end.pings == []
            assert all(asked.outcome is not None for asked in end.asked.values())

    def deliver_all(self) -> None:
        while any(end.wire or end.calls.queued_bytes for end in self.ends):
            for side in (0, 1):
                self.write(side)
                if self.ends[side].wire:
                    self.deliver(side, 1 << 24)


CallsAgainstModel.TestCase.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None
)
TestCallsAgainstModel = pytest.mark.slow(CallsAgainstModel.TestCase)
