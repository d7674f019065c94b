"""The side that answers calls: its bounds against a greedy peer (SPEC.md section 4.2)."""

from collections.abc import Callable

import pytest
from tests.protocol.rpc.back_to_back import events_of, pass_on, stream

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.limits import CALLS_OPEN_MAX, FORCED_ANSWERS_MAX
from fogbank_protocol.rpc.calls import Calls
from fogbank_protocol.rpc.events import (
    DeadlinePassed,
    ErrorCode,
    ErrorReceived,
    Event,
    RequestReceived,
)
from fogbank_protocol.rpc.frames import (
    encode_cancel,
    encode_error,
    encode_ping,
    encode_request,
    encode_stream_request,
)


def flood(calls: Calls, numbers: range) -> list[Event]:
    for number in numbers:
        calls.receive_data(encode_request(number, "test.call", 60_000, b""))
    return events_of(calls)


def test_a_callee_answers_the_257th_call_with_busy() -> None:
    bob = Calls()
    flood(bob, range(1, CALLS_OPEN_MAX + 1))
    assert flood(bob, range(CALLS_OPEN_MAX + 1, CALLS_OPEN_MAX + 2)) == []
    message = f"more than {CALLS_OPEN_MAX} open calls"
    assert bob.data_to_send() == encode_error(CALLS_OPEN_MAX + 1, ErrorCode.BUSY, message)


def test_calls_whose_answers_nobody_reads_stay_open() -> None:
    bob = Calls()
    for event in flood(bob, range(1, CALLS_OPEN_MAX + 1)):
        assert isinstance(event, RequestReceived)
        bob.callee.send_error(event.call, ErrorCode.UNKNOWN_METHOD, "what?")
    assert flood(bob, range(1000, 1001)) == []
    while bob.data_to_send():
        pass
    assert len(flood(bob, range(2000, 2001))) == 1


def a_ping(number: int) -> bytes:
    return encode_ping(number)


def a_request(number: int) -> bytes:
    return encode_request(number, "test.call", 60_000, b"")


def a_stream_request(number: int) -> bytes:
    return encode_stream_request(number, "test.call", 60_000, 1, b"")


@pytest.mark.parametrize("provoke", [a_ping, a_request, a_stream_request])
def test_a_peer_that_sends_and_never_reads_is_cut_off(provoke: Callable[[int], bytes]) -> None:
    bob = Calls()
    with pytest.raises(RemoteProtocolError) as caught:  # noqa: PT012 - any of the feeds may raise
        for number in range(1, FORCED_ANSWERS_MAX + CALLS_OPEN_MAX + 2):
            bob.receive_data(provoke(number))
            events_of(bob)
    assert caught.value.rule == "4.2"
    assert bob.queued_bytes < 1000, "only the goodbye"


def test_a_peer_whose_calls_time_out_unread_is_cut_off() -> None:
    bob = Calls()
    with pytest.raises(RemoteProtocolError) as caught:  # noqa: PT012 - any of the feeds may raise
        for number in range(1, FORCED_ANSWERS_MAX + 2):
            bob.receive_data(encode_request(number, "test.call", 1, b""))
            events_of(bob, now=number)
            assert events_of(bob, now=number + 0.5) == [DeadlinePassed(number)]
    assert caught.value.rule == "4.2"


def test_a_passed_over_call_number_is_treated_as_ended() -> None:
    bob = Calls()
    bob.receive_data(encode_request(10, "test.call", 1000, b"") + encode_cancel(5))
    assert len(events_of(bob)) == 1
    with pytest.raises(RemoteProtocolError):
        flood(bob, range(5, 6))


def test_a_callee_out_of_time_says_so_and_drops_the_items_that_wait() -> None:
    ann, bob = Calls(), Calls()
    call = stream(ann, timeout_s=2.0)
    pass_on(ann, bob)
    bob.callee.send_item(call, b"stale")
    assert events_of(bob, now=2.0) == [DeadlinePassed(call)]
    (error,) = pass_on(bob, ann, now=1.5)
    assert isinstance(error, ErrorReceived)
    assert (error.call, error.code) == (call, ErrorCode.DEADLINE_PASSED)
