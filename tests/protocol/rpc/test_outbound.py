"""What waits to be written: order, bounds, and turns."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.limits import LANE_BYTES_MAX, STREAM_BYTES_MAX
from fogbank_protocol.rpc.outbound import Lane, Outbound, StreamLanes

LANES = ("urgent", "answers", "requests", "one_ways")


def frame(lane: int, number: int, size: int) -> bytes:
    """Return a frame that says where it was put, as the ``number``-th of all."""
    return b"<%d:%d:" % (lane, number) + b"." * size + b">"


def lanes_and_numbers(data: bytes) -> list[tuple[int, int]]:
    parts = [part.split(b":") for part in data.split(b">")[:-1]]
    return [(int(lane.lstrip(b"<")), int(number)) for lane, number, _ in parts]


# Lanes 0 to 3 are those of LANES, 4 to 6 three streams.
puts = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40_000)), max_size=40)


@given(puts, st.integers(1, 200_000))
def test_every_frame_leaves_once_whole_and_in_the_order_of_its_lane(
    frames: list[tuple[int, int]], bytes_max: int
) -> None:
    outbound = Outbound()
    put: dict[int, list[int]] = {lane: [] for lane in range(7)}
    for number, (lane, size) in enumerate(frames):
        if lane < len(LANES):
            getattr(outbound, LANES[lane]).put(frame(lane, number, size))
        else:
            outbound.streams.put(lane, frame(lane, number, size))
        put[lane].append(number)
    total = outbound.queued_bytes
    taken: list[tuple[int, int]] = []
    assert outbound.is_empty == (not frames)
    while data := outbound.take(bytes_max):
        taken += lanes_and_numbers(data)
        total -= len(data)
        assert outbound.queued_bytes == total
        assert outbound.is_empty == (total == 0)
        if put[0]:
            assert taken[0] == (0, put[0][0]), "the urgent lane goes first"
    assert total == 0
    for lane, numbers in put.items():
        assert [number for of, number in taken if of == lane] == numbers
    assert len(outbound.streams) == outbound.streams.ended == 0


@given(st.integers(1, 200_000), st.integers(0, 100_000))
def test_a_write_is_no_longer_than_asked_but_for_its_last_frame(bytes_max: int, size: int) -> None:
    outbound = Outbound()
    for lane in (outbound.answers, outbound.one_ways):
        for number in range(6):
            lane.put(frame(1, number, size))
    outbound.streams.put(9, frame(4, 9, size))
    while data := outbound.take(bytes_max):
        assert len(data) < bytes_max + len(frame(1, 0, size))


def test_every_lane_gets_its_turn_in_every_write() -> None:
    outbound = Outbound()
    for number in range(100):
        for lane in (outbound.answers, outbound.requests, outbound.one_ways):
            lane.put(frame(1, number, 10_000))
        outbound.streams.put(number % 2, frame(4, number, 10_000))
    of_answers, of_streams = outbound.answers.queued_bytes, outbound.streams.queued_bytes
    outbound.take(131_072)
    assert of_answers - outbound.answers.queued_bytes > 131_072 / 8
    assert of_streams - outbound.streams.queued_bytes > 131_072 / 8


def test_frames_longer_than_a_write_do_not_shut_the_others_out() -> None:
    outbound = Outbound()
    for _ in range(20):
        for lane in (outbound.answers, outbound.requests, outbound.one_ways):
            lane.put(bytes(200_000))
        outbound.streams.put(1, bytes(200_000))
    for _ in range(8):
        outbound.take(131_072)
    lanes = (outbound.answers, outbound.requests, outbound.one_ways, outbound.streams)
    assert [lane.queued_bytes for lane in lanes] == [18 * 200_000] * 4


def test_streams_take_turns_frame_by_frame() -> None:
    streams = StreamLanes()
    for call in (7, 8, 9):
        for number in range(3):
            streams.put(call, frame(call, number, 0))
    taken = lanes_and_numbers(b"".join(streams.take() for _ in range(9)))
    assert taken == [(call, number) for number in range(3) for call in (7, 8, 9)]


def test_a_lane_has_room_up_to_its_bound_and_for_one_frame_of_any_size() -> None:
    lane = Lane()
    assert lane.has_room(LANE_BYTES_MAX * 2)
    lane.put(bytes(LANE_BYTES_MAX - 10))
    assert lane.has_room(10)
    assert not lane.has_room(11)


def test_a_stream_has_less_room_than_all_streams() -> None:
    streams = StreamLanes()
    streams.put(1, bytes(STREAM_BYTES_MAX))
    assert not streams.has_room(1, 1)
    assert streams.has_room(2, STREAM_BYTES_MAX)
    for call in (2, 3, 4):
        streams.put(call, bytes(STREAM_BYTES_MAX))
    assert not streams.has_room(5, 1)
    streams.drop(3)
    assert streams.has_room(5, 1)


def test_a_closed_queue_says_goodbye_and_nothing_else() -> None:
    outbound = Outbound()
    outbound.answers.put(b"answer")
    outbound.streams.put(1, b"item")
    outbound.close(b"goodbye")
    outbound.answers.put(b"answer")
    outbound.urgent.put(b"ping")
    outbound.streams.put(1, b"item")
    outbound.streams.put_last(2, b"end")
    assert outbound.take(1000) == b"goodbye"
    assert outbound.queued_bytes == 0
    assert outbound.take(1000) == b""
