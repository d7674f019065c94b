"""``poll_oneoff``: waiting, which takes no time (SPEC.md section 7.4)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from .clock import ClockId, RunClock
from .errno import Errno
from .memory import GuestMemory, check_range

_SUBSCRIPTION_BYTES: Final = 48
_EVENT_BYTES: Final = 32
_SIZE_BYTES: Final = 4
_CLOCK: Final = 0
_READABLE: Final = 1
_WRITABLE: Final = 2
_ABSOLUTE: Final = 1
_HANG_UP: Final = 1
_WRITABLE_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class _Event:
    """What happened to the subscription that carries ``user_data``."""

    user_data: bytes
    kind: int
    errno: Errno = Errno.SUCCESS
    available: int = 0
    flags: int = 0

    def encode(self) -> bytes:
        data = (
            self.user_data
            + self.errno.to_bytes(2, "little")
            + self.kind.to_bytes(1, "little")
            + bytes(5)
            + self.available.to_bytes(8, "little")
            + self.flags.to_bytes(2, "little")
        )
        return data.ljust(_EVENT_BYTES, b"\0")


@dataclass(frozen=True, slots=True)
class _Timer:
    """A subscription to a clock: how many nanoseconds are left."""

    user_data: bytes
    left_ns: int


def poll(
    memory: GuestMemory,
    clock: RunClock,
    readable: Mapping[int, int],
    writable: Collection[int],
    *,
    addresses: tuple[int, int, int],
    count: int,
) -> Errno:
    """Answer what is ready; when only clocks are waited for, let their time pass.

    ``readable`` has the bytes left of each stream that can be read.  ``addresses`` are those of
    the subscriptions, of the events, and of the number of events; ``count`` is at least 1.
    """
    subscriptions, events, stored = addresses
    table = memory.read(subscriptions, count * _SUBSCRIPTION_BYTES)
    check_range(memory, events, count * _EVENT_BYTES)
    check_range(memory, stored, _SIZE_BYTES)
    happened: list[_Event] = []
    timers: list[_Timer] = []
    for start in range(0, len(table), _SUBSCRIPTION_BYTES):
        found = _look(table[start : start + _SUBSCRIPTION_BYTES], clock, readable, writable)
        if isinstance(found, _Event):
            happened.append(found)
        else:
            timers.append(found)
    passed_ns = 0 if happened else min(timer.left_ns for timer in timers)
    clock.sleep(passed_ns)
    happened += [_Event(timer.user_data, _CLOCK) for timer in timers if timer.left_ns <= passed_ns]
    memory.write(events, b"".join(event.encode() for event in happened))
    memory.write(stored, len(happened).to_bytes(_SIZE_BYTES, "little"))
    return Errno.SUCCESS


def _look(
    entry: bytes, clock: RunClock, readable: Mapping[int, int], writable: Collection[int]
) -> _Event | _Timer:
    user_data, kind = entry[:8], entry[8]
    # The descriptor, or the number of the clock.
    subject = int.from_bytes(entry[16:20], "little")
    match kind:
        case 0:
            return _look_at_clock(entry, clock, subject)
        case 1 if subject in readable:
            left = readable[subject]
            return _Event(user_data, _READABLE, available=left, flags=0 if left else _HANG_UP)
        case 2 if subject in writable:
            return _Event(user_data, _WRITABLE, available=_WRITABLE_BYTES)
        case 1 | 2:
            return _Event(user_data, kind, Errno.BADF)
        case _:
            return _Event(user_data, kind, Errno.INVAL)


def _look_at_clock(entry: bytes, clock: RunClock, number: int) -> _Event | _Timer:
    user_data = entry[:8]
    if number not in set(ClockId):
        return _Event(user_data, _CLOCK, Errno.INVAL)
    timeout_ns = int.from_bytes(entry[24:32], "little")
    if int.from_bytes(entry[40:42], "little") & _ABSOLUTE:
        timeout_ns = max(timeout_ns - clock.now(ClockId(number)), 0)
    return _Timer(user_data, timeout_ns)
