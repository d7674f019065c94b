"""The side that makes calls: its bounds, and what says nothing (SPEC.md section 4.2)."""

import pytest
from tests.protocol.rpc.back_to_back import events_of, pass_on, request, with_open_calls

from fogbank_protocol.limits import CALLS_OPEN_MAX
from fogbank_protocol.rpc.calls import Calls
from fogbank_protocol.rpc.events import (
    RequestReceived,
)
from fogbank_protocol.rpc.frames import (
    encode_end,
    encode_response,
)
from fogbank_protocol.rpc.outbound import QueueFullError


def test_a_caller_keeps_to_256_calls() -> None:
    ann, bob = Calls(), Calls()
    for _ in range(CALLS_OPEN_MAX):
        request(ann)
    assert not ann.caller.has_room(0)
    with pytest.raises(QueueFullError):
        request(ann)
    pass_on(ann, bob)
    bob.callee.send_response(7, b"")
    pass_on(bob, ann)
    assert ann.caller.has_room(0)
    call = request(ann)
    assert call == CALLS_OPEN_MAX + 1
    assert pass_on(ann, bob) == [RequestReceived(call, "test.call", 5000, b"")]


def test_a_caller_that_gave_up_is_not_one_too_many() -> None:
    ann, bob = Calls(), Calls()
    for _ in range(CALLS_OPEN_MAX):
        request(ann, timeout_s=1.0)
    pass_on(ann, bob, now=0.5)
    assert len(events_of(ann, now=1.0)) == CALLS_OPEN_MAX
    call = request(ann, now=1.0)
    assert pass_on(ann, bob, now=1.0)[-1] == RequestReceived(call, "test.call", 5000, b"")


def test_credit_and_cancel_for_a_call_that_has_ended_say_nothing() -> None:
    calls = with_open_calls()
    calls.receive_data(encode_response(1, b"") + encode_end(2))
    events_of(calls)
    calls.caller.send_credit(2, 5)
    calls.caller.send_cancel(1)
    calls.caller.send_cancel(2)
    assert calls.data_to_send() == b""


def test_the_shortest_timeout_is_sent_as_a_millisecond() -> None:
    ann, bob = Calls(), Calls()
    call = request(ann, timeout_s=1e-9)
    assert pass_on(ann, bob) == [RequestReceived(call, "test.call", 1, b"")]
