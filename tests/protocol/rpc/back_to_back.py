"""Two ends of calls in one test: feeding one with what the other says."""

from fogbank_protocol.rpc.calls import Calls
from fogbank_protocol.rpc.events import (
    Event,
    Frame,
    NeedData,
)
from fogbank_protocol.rpc.frames import (
    encode_request,
    encode_stream_request,
)
from fogbank_protocol.rpc.received_frames import LENGTH_BYTES, decode_frame, read_length


def events_of(calls: Calls, now: float = 0.0) -> list[Event]:
    events: list[Event] = []
    while not isinstance(event := calls.next_event(now), NeedData):
        events.append(event)
    return events


def pass_on(sender: Calls, receiver: Calls, now: float = 0.0) -> list[Event]:
    """Deliver all that ``sender`` has queued and return what the receiver makes of it."""
    while data := sender.data_to_send():
        receiver.receive_data(data)
    return events_of(receiver, now)


def request(calls: Calls, body: bytes = b"", *, timeout_s: float = 5.0, now: float = 0.0) -> int:
    return calls.caller.send_request("test.call", body, timeout_s=timeout_s, now=now)


def stream(calls: Calls, *, credit: int = 8, timeout_s: float = 5.0, now: float = 0.0) -> int:
    return calls.caller.send_stream_request(
        "test.stream", b"", credit=credit, timeout_s=timeout_s, now=now
    )


def with_open_calls() -> Calls:
    """Return a side that has asked 1 (request) and 2 (stream), and was asked 1 and 2 alike."""
    calls = Calls()
    request(calls)
    stream(calls, credit=1)
    calls.data_to_send()
    calls.receive_data(encode_request(1, "test.call", 1000, b""))
    calls.receive_data(encode_stream_request(2, "test.call", 1000, 1, b""))
    assert len(events_of(calls)) == 2
    return calls


def decode_whole(data: bytes) -> Frame | None:
    """Return the frame of ``data`` with its length in front; None when bytes are missing."""
    length = read_length(data, 0)
    if length is None or len(data) < LENGTH_BYTES + length:
        return None
    return decode_frame(data[LENGTH_BYTES:])
