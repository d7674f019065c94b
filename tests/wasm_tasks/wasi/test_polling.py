"""Waiting takes no time, but lets the run's clock pass (SPEC.md section 7.4)."""

from tests.wasm_tasks.wasi.test_host import END, World

from fogbank_wasm_tasks.wasi.clock import START_NS
from fogbank_wasm_tasks.wasi.errno import Errno

EVENTS = 4_096
STORED = 8_192
CLOCK, READ, WRITE = 0, 1, 2
SECOND = 10**9


def subscribe(
    user_data: int, kind: int, subject: int, timeout_ns: int = 0, flags: int = 0
) -> bytes:
    entry = bytearray(48)
    entry[0:8] = user_data.to_bytes(8, "little")
    entry[8] = kind
    entry[16:20] = subject.to_bytes(4, "little")
    entry[24:32] = timeout_ns.to_bytes(8, "little")
    entry[40:42] = flags.to_bytes(2, "little")
    return bytes(entry)


def poll(world: World, *subscriptions: bytes) -> list[tuple[int, int, int, int, int]]:
    """Return (user data, error, kind, size, flags) of each event."""
    world.memory.write(0, b"".join(subscriptions))
    assert world.call("poll_oneoff", 0, EVENTS, len(subscriptions), STORED) == Errno.SUCCESS
    found: list[tuple[int, int, int, int, int]] = []
    for place in range(world.memory.u32(STORED)):
        data = world.memory.read(EVENTS + 32 * place, 32)
        fields = (data[0:8], data[8:10], data[10:11], data[16:24], data[24:26])
        user_data, errno, kind, size, flags = (int.from_bytes(each, "little") for each in fields)
        found.append((user_data, errno, kind, size, flags))
    return found


def now(world: World) -> int:
    world.call("clock_time_get", 1, 0, 16_384)
    return world.memory.u64(16_384) - START_NS - world.meter.fuel_used


def test_a_sleep_lets_the_time_pass_at_once() -> None:
    world = World()

    assert poll(world, subscribe(7, CLOCK, 1, 2 * SECOND)) == [(7, 0, CLOCK, 0, 0)]
    assert now(world) == 2 * SECOND


def test_the_first_of_several_clocks_ends_the_wait() -> None:
    world = World()

    events = poll(
        world,
        subscribe(1, CLOCK, 1, 3 * SECOND),
        subscribe(2, CLOCK, 0, SECOND),
        subscribe(3, CLOCK, 1, SECOND),
    )

    assert [event[0] for event in events] == [2, 3]
    assert now(world) == SECOND


def test_an_absolute_time_that_is_over_has_come() -> None:
    world = World()

    assert [event[0] for event in poll(world, subscribe(1, CLOCK, 0, 5, flags=1))] == [1]
    assert now(world) == 0


def test_an_absolute_time_is_slept_until() -> None:
    world = World()

    poll(world, subscribe(1, CLOCK, 1, START_NS + 5 * SECOND, flags=1))

    # The fuel used when it was looked at is part of that time.
    assert now(world) == 5 * SECOND - 1_000


def test_streams_that_are_ready_end_the_wait_before_time_passes() -> None:
    world = World(b"abc")

    events = poll(
        world,
        subscribe(1, CLOCK, 1, SECOND),
        subscribe(2, READ, 0),
        subscribe(3, WRITE, 1),
        subscribe(4, WRITE, 0),
        subscribe(5, READ, 9),
        subscribe(6, 3, 0),
        subscribe(7, CLOCK, 4),
    )

    assert events == [
        (2, 0, READ, 3, 0),
        (3, 0, WRITE, 65_536, 0),
        (4, 8, WRITE, 0, 0),
        (5, 8, READ, 0, 0),
        (6, 28, 3, 0, 0),
        (7, 28, CLOCK, 0, 0),
    ]
    assert now(world) == 0


def test_the_end_of_input_is_a_hang_up() -> None:
    assert poll(World(), subscribe(1, READ, 0)) == [(1, 0, READ, 0, 1)]


def test_nothing_or_too_much_cannot_be_waited_for() -> None:
    world = World()

    assert world.call("poll_oneoff", 0, 0, 0, STORED) == Errno.INVAL
    assert world.call("poll_oneoff", 0, 0, 1_025, STORED) == Errno.INVAL


def test_bad_pointers_have_no_effect() -> None:
    world = World()
    world.memory.write(0, subscribe(1, CLOCK, 1, SECOND))

    assert world.call("poll_oneoff", END - 47, EVENTS, 1, STORED) == Errno.FAULT
    assert world.call("poll_oneoff", 0, END - 31, 1, STORED) == Errno.FAULT
    assert world.call("poll_oneoff", 0, EVENTS, 1, END - 3) == Errno.FAULT
    assert now(world) == 0


def test_sleeping_for_ever_again_and_again_stops_the_clock_at_its_end() -> None:
    world = World()
    for _ in range(3):
        poll(world, subscribe(1, CLOCK, 1, 2**64 - 1))

    world.call("clock_time_get", 0, 0, 0)
    assert world.memory.u64(0) == 2**64 - 1


def test_each_subscription_after_the_first_is_charged_also_when_the_call_fails() -> None:
    world = World()

    assert world.cost("poll_oneoff", 0, EVENTS, 1, STORED) == 1_000
    assert world.cost("poll_oneoff", 0, EVENTS, 10, STORED) == 1_000 + 9 * 500
    assert world.cost("poll_oneoff", 0, END, 10, STORED) == 1_000 + 9 * 500
    assert world.cost("poll_oneoff", 0, EVENTS, 0, STORED) == 1_000
    assert world.cost("poll_oneoff", 0, EVENTS, 1_025, STORED) == 1_000
