"""Calls back to back, and against hostile frames (SPEC.md sections 4.2 and 4.3)."""

from collections.abc import Callable
from contextlib import suppress
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.rpc.back_to_back import events_of, pass_on, request, stream, with_open_calls

from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.limits import WRITE_BYTES_MAX
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
    OneWayReceived,
    PingAnswered,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamRequested,
)
from fogbank_protocol.rpc.frames import (
    encode_cancel,
    encode_credit,
    encode_end,
    encode_error,
    encode_item,
    encode_ping,
    encode_pong,
    encode_request,
    encode_response,
    encode_stream_request,
)
from fogbank_protocol.rpc.outbound import QueueFullError


def test_a_request_is_answered_with_a_response() -> None:
    ann, bob = Calls(), Calls()
    call = request(ann, b"question")
    assert pass_on(ann, bob) == [RequestReceived(call, "test.call", 5000, b"question")]
    bob.callee.send_response(call, b"answer")
    assert pass_on(bob, ann) == [ResponseReceived(call, b"answer")]
    assert (ann.caller.calls_open, bob.callee.calls_open) == (0, 0)
    assert (ann.deadline, bob.deadline) == (inf, inf)


def test_a_request_is_answered_with_an_error() -> None:
    ann, bob = Calls(), Calls()
    call = request(ann)
    pass_on(ann, bob)
    bob.callee.send_error(call, ErrorCode.NOT_FOUND, "no such thing")
    assert pass_on(bob, ann) == [ErrorReceived(call, ErrorCode.NOT_FOUND, "no such thing")]


def test_both_sides_may_call_with_the_same_numbers() -> None:
    ann, bob = Calls(), Calls()
    assert request(ann) == request(bob) == 1
    pass_on(ann, bob)
    pass_on(bob, ann)
    ann.callee.send_response(1, b"from ann")
    bob.callee.send_response(1, b"from bob")
    assert pass_on(ann, bob) == [ResponseReceived(1, b"from ann")]
    assert pass_on(bob, ann) == [ResponseReceived(1, b"from bob")]


def test_a_stream_sends_as_many_items_as_it_has_credit() -> None:
    ann, bob = Calls(), Calls()
    call = stream(ann, credit=2)
    assert pass_on(ann, bob) == [StreamRequested(call, "test.stream", 5000, 2, b"")]
    bob.callee.send_item(call, b"1")
    bob.callee.send_item(call, b"2")
    assert not bob.callee.has_room_for_item(call, 1)
    with pytest.raises(QueueFullError):
        bob.callee.send_item(call, b"3")
    assert pass_on(bob, ann) == [ItemReceived(call, b"1"), ItemReceived(call, b"2")]
    ann.caller.send_credit(call, 1)
    assert pass_on(ann, bob) == [CreditReceived(call, 1)]
    bob.callee.send_item(call, b"3")
    bob.callee.send_end(call)
    assert pass_on(bob, ann) == [ItemReceived(call, b"3"), StreamEnded(call)]
    assert (ann.caller.calls_open, bob.callee.calls_open) == (0, 0)


def test_an_error_breaks_a_stream_off_after_its_items() -> None:
    ann, bob = Calls(), Calls()
    call = stream(ann)
    pass_on(ann, bob)
    bob.callee.send_item(call, b"last")
    bob.callee.send_error(call, ErrorCode.REFUSED, "enough")
    assert pass_on(bob, ann) == [
        ItemReceived(call, b"last"),
        ErrorReceived(call, ErrorCode.REFUSED, "enough"),
    ]


def test_a_cancelled_call_is_forgotten_on_both_sides() -> None:
    ann, bob = Calls(), Calls()
    plain, items = request(ann), stream(ann)
    pass_on(ann, bob)
    bob.callee.send_item(items, b"on its way")
    on_its_way = bob.data_to_send()
    bob.callee.send_item(items, b"not yet on its way")
    ann.caller.send_cancel(plain)
    ann.caller.send_cancel(items)
    assert pass_on(ann, bob) == [CancelReceived(plain), CancelReceived(items)]
    bob.callee.send_response(plain, b"too late")
    bob.callee.send_item(items, b"too late")
    bob.callee.send_end(items)
    assert bob.data_to_send() == b""
    ann.receive_data(on_its_way)
    assert events_of(ann) == []
    assert (ann.caller.calls_open, bob.callee.calls_open) == (0, 0)


def test_both_sides_give_up_at_the_deadline() -> None:
    ann, bob = Calls(), Calls()
    call = request(ann, timeout_s=2.0, now=10.0)
    pass_on(ann, bob, now=11.0)
    assert (ann.deadline, bob.deadline) == (12.0, 13.0)
    assert events_of(ann, now=11.999) == []
    assert events_of(ann, now=12.0) == [CallTimedOut(call)]
    assert events_of(bob, now=13.0) == [DeadlinePassed(call)]
    bob.callee.send_response(call, b"too late")
    assert pass_on(ann, bob, now=13.0) == []
    assert pass_on(bob, ann, now=13.0) == []
    assert (ann.deadline, bob.deadline) == (inf, inf)


def test_one_way_messages_and_pings_pass() -> None:
    ann, bob = Calls(), Calls()
    assert ann.send_one_way("test.news", b"news")
    ann.send_ping(77)
    assert pass_on(ann, bob) == [OneWayReceived("test.news", b"news")]
    assert pass_on(bob, ann) == [PingAnswered(77)]


def test_a_goodbye_is_the_last_thing_said_and_heard() -> None:
    ann, bob = Calls(), Calls()
    request(ann)
    ann.send_goodbye(ErrorCode.SHUTTING_DOWN, "see you")
    ann.send_goodbye(ErrorCode.SILENT, "again")
    ann.send_ping(1)
    ann.send_one_way("test.news", b"")
    assert pass_on(ann, bob) == [GoodbyeReceived(ErrorCode.SHUTTING_DOWN, "see you")]
    bob.receive_data(encode_ping(1))
    assert events_of(bob) == []
    ann.receive_data(encode_ping(1))
    assert events_of(ann) == []
    assert ann.data_to_send() == b""


def test_whatever_is_queued_leaves_in_one_write() -> None:
    ann, bob = Calls(), Calls()
    calls = [request(ann, b"%d" % number) for number in range(64)]
    bob.receive_data(ann.data_to_send())
    assert ann.data_to_send() == b""
    assert [event.call for event in events_of(bob) if isinstance(event, RequestReceived)] == calls
    for call in calls:
        bob.callee.send_response(call, b"")
    ann.receive_data(bob.data_to_send())
    assert bob.data_to_send() == b""
    assert len(events_of(ann)) == 64


def test_what_is_fed_byte_by_byte_gives_the_same_events() -> None:
    ann, bob, bea = Calls(), Calls(), Calls()
    request(ann, b"question" * 50)
    stream(ann)
    ann.send_one_way("test.news", b"news")
    data = ann.data_to_send()
    bob.receive_data(data)
    whole = events_of(bob)
    pieces: list[Event] = []
    for byte in data:
        bea.receive_data(bytes([byte]))
        pieces += events_of(bea)
    assert pieces == whole
    assert len(whole) == 3


@pytest.mark.parametrize(
    ("frames", "rule"),
    [
        (encode_request(2, "test.call", 1000, b""), "4.3"),
        (encode_stream_request(1, "test.call", 1000, 1, b""), "4.3"),
        (encode_response(3, b""), "4.3"),
        (encode_error(3, ErrorCode.REFUSED, ""), "4.3"),
        (encode_item(3, b""), "4.3"),
        (encode_end(3), "4.3"),
        (encode_credit(3, 1), "4.3"),
        (encode_cancel(3), "4.3"),
        (encode_response(2, b""), "4.3"),
        (encode_item(1, b""), "4.3"),
        (encode_end(1), "4.3"),
        (encode_credit(1, 1), "4.3"),
        (encode_item(2, b"") + encode_item(2, b""), "4.3"),
        (encode_credit(2, 65_535), "4.3"),
        (b"\0\0\0\0", "4.1"),
        (b"\0\x10\0\x01", "4.1"),
        (b"\xff\xff\xff\xff", "4.1"),
        (b"GET / HTTP/1.1\r\n\r\n", "4.1"),
        (b"\0\0\0\x01\x90", "4.1"),
        (b"\0\0\0\x02\x91\x0d", "4.1"),
        (b"\0\0\0\x02\x91", None),
        (b"\0\0\0\x02\xc0\xc0", "2.1"),
    ],
    ids=lambda value: value.hex()[:24] if isinstance(value, bytes) else str(value),
)
def test_a_broken_rule_closes_with_a_goodbye(frames: bytes, rule: str | None) -> None:
    calls = with_open_calls()
    calls.receive_data(frames)
    if rule is None:
        assert events_of(calls) == [], "not a whole frame yet"
        return
    with pytest.raises(RemoteProtocolError) as caught:
        events_of(calls)
    assert caught.value.rule == rule
    peer = Calls()
    peer.receive_data(calls.data_to_send())
    (goodbye,) = events_of(peer)
    assert isinstance(goodbye, GoodbyeReceived)
    assert goodbye.code is ErrorCode.PROTOCOL_ERROR
    assert events_of(calls) == []


def test_frames_for_calls_that_have_ended_are_ignored() -> None:
    calls = with_open_calls()
    calls.receive_data(encode_response(1, b"") + encode_end(2))
    assert len(events_of(calls)) == 2
    calls.callee.send_response(1, b"")
    calls.callee.send_end(2)
    calls.data_to_send()
    late = (
        encode_response(1, b"")
        + encode_error(1, ErrorCode.REFUSED, "")
        + encode_item(2, b"")
        + encode_end(2)
        + encode_credit(2, 9)
        + encode_credit(1, 9)
        + encode_cancel(1)
        + encode_cancel(2)
        + encode_pong(99)
    )
    calls.receive_data(late)
    assert events_of(calls) == [PingAnswered(99)]
    assert calls.data_to_send() == b""


@given(st.binary(max_size=120))
def test_garbage_never_does_more_than_break_a_rule(garbage: bytes) -> None:
    calls = with_open_calls()
    calls.receive_data(garbage)
    with suppress(RemoteProtocolError):
        events_of(calls)


def test_calls_that_cannot_be_made_are_our_own_errors() -> None:
    calls = with_open_calls()
    impossible: list[Callable[[], object]] = [
        lambda: request(calls, timeout_s=0),
        lambda: request(calls, timeout_s=3600.1),
        lambda: stream(calls, credit=0),
        lambda: stream(calls, credit=1025),
        lambda: calls.caller.send_request("no method", b"", timeout_s=1, now=0),
        lambda: calls.caller.send_request("a.b", bytes(1 << 20), timeout_s=1, now=0),
        lambda: calls.caller.send_credit(2, 0),
        lambda: calls.caller.send_credit(2, 65_535),
        lambda: calls.callee.send_response(2, b"to a stream"),
        lambda: calls.callee.send_item(1, b"to a request"),
        lambda: calls.callee.send_end(1),
        lambda: calls.callee.send_response(3, b"never asked"),
    ]
    for act in impossible:
        with pytest.raises(LocalProtocolError):
            act()
    assert (calls.caller.calls_open, calls.callee.calls_open) == (2, 2)
    assert calls.data_to_send() == b""


def test_a_full_queue_makes_each_kind_of_sender_wait_for_itself_only() -> None:
    ann, bob = Calls(), Calls()
    for _ in range(40):
        stream(ann, credit=100)
        request(ann)
    pass_on(ann, bob)
    body = bytes(60_000)
    while bob.send_one_way("test.news", body):
        pass
    streams = range(1, 80, 2)
    for call in streams:
        while bob.callee.has_room_for_item(call, len(body)):
            bob.callee.send_item(call, body)
    assert not any(bob.callee.has_room_for_item(call, len(body)) for call in streams)
    assert bob.callee.has_room(len(body))
    assert bob.caller.has_room(len(body))
    bob.callee.send_response(2, b"small")
    bob.send_ping(1)
    ann.receive_data(bob.data_to_send())
    assert events_of(ann)[0] == ResponseReceived(2, b"small")
    assert bob.queued_bytes < 4 << 20
    while bob.data_to_send():
        pass
    assert bob.callee.has_room_for_item(1, len(body))


def test_a_ping_overtakes_what_waits() -> None:
    ann, bob = Calls(), Calls()
    call = stream(ann, credit=100)
    pass_on(ann, bob)
    while bob.callee.has_room_for_item(call, 60_000):
        bob.callee.send_item(call, bytes(60_000))
    written = bob.data_to_send()
    assert len(written) < WRITE_BYTES_MAX + 60_100
    assert bob.queued_bytes > 0
    bob.receive_data(encode_ping(5))
    events_of(bob)
    assert bob.data_to_send().startswith(encode_pong(5))


def test_streams_and_small_calls_take_turns() -> None:
    ann, bob = Calls(), Calls()
    big, small = stream(ann, credit=100), stream(ann, credit=100)
    questions = [request(ann) for _ in range(50)]
    pass_on(ann, bob)
    while bob.callee.has_room_for_item(big, 16_000):
        bob.callee.send_item(big, bytes(16_000))
    bob.callee.send_item(small, b"small")
    while bob.send_one_way("test.news", bytes(1000)):
        pass
    for call in questions:
        bob.callee.send_response(call, b"answer")
    ann.receive_data(bob.data_to_send())
    received = events_of(ann)
    kinds = {type(event) for event in received}
    assert kinds == {ItemReceived, OneWayReceived, ResponseReceived}
    assert sum(isinstance(event, ResponseReceived) for event in received) == 50
    assert ItemReceived(small, b"small") in received[: len(received) - 1]


def test_a_frame_longer_than_a_write_is_sent_whole() -> None:
    ann, bob = Calls(), Calls()
    call = request(ann, bytes(1_000_000))
    bob.receive_data(ann.data_to_send())
    assert events_of(bob) == [RequestReceived(call, "test.call", 5000, bytes(1_000_000))]


def test_frames_of_one_call_keep_their_order() -> None:
    ann, bob = Calls(), Calls()
    for _ in range(20):
        call = stream(ann)
        ann.caller.send_credit(call, 3)
        ann.caller.send_cancel(call)
        ann.send_one_way("test.news", bytes(20_000))
    events = pass_on(ann, bob)
    for call in range(1, 21):
        mine = [type(event) for event in events if getattr(event, "call", None) == call]
        assert mine == [StreamRequested, CreditReceived, CancelReceived]
