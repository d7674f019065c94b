"""The host functions of a run (SPEC.md section 7.4).

Every run sees the same world: three streams, arguments, an environment, a clock that follows the
fuel, random bytes that follow from the seed; no files and no sockets.  All pointers of a call are
checked before it has any effect, and its bytes are charged before they are carried.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from ..limits import SUBSCRIPTIONS_MAX
from ..metering.meter import Meter
from ..metering.weights import HOST_BYTE_FUEL, HOST_CALL_FUEL, HOST_SUBSCRIPTION_FUEL
from .answers import ANSWERS, ANSWERS_OF_STREAMS
from .clock import ClockId, RunClock
from .endings import RunAborted, RunExited
from .errno import Errno
from .memory import AddressFault, GuestMemory, check_range
from .polling import poll
from .random_stream import RandomStream
from .streams import Streams

PROGRAM_NAME: Final = b"task"
"""What every program is told that it is called."""

_SIZE_BYTES: Final = 4
_TIME_BYTES: Final = 8

_RANDOM_PIECE_BYTES: Final = 65_536

_HostFunction = Callable[..., int | None]

_OF_STREAMS: Final[dict[str, _HostFunction]] = {
    "fd_close": Streams.fd_close,
    "fd_fdstat_get": Streams.fd_fdstat_get,
    "fd_filestat_get": Streams.fd_filestat_get,
    "fd_read": Streams.fd_read,
    "fd_write": Streams.fd_write,
}


class Host:
    """The world of one run."""

    def __init__(
        self,
        *,
        input_data: bytes,
        arguments: Sequence[str],
        environment: Sequence[tuple[str, str]],
        seed: int,
        output_bytes_max: int | None,
        meter: Meter,
    ) -> None:
        """Make the world that an order describes; its calls are charged to ``meter``.

        Without ``output_bytes_max`` standard output is diagnostics, as standard error is.
        """
        self._streams = Streams(input_data, output_bytes_max, meter)
        self._arguments = [
            PROGRAM_NAME + b"\0",
            *(each.encode("utf-8") + b"\0" for each in arguments),
        ]
        self._environment = [f"{name}={value}".encode() + b"\0" for name, value in environment]
        self._random = RandomStream(seed)
        self._meter = meter
        self._clock = RunClock(meter)

    @property
    def output(self) -> bytearray:
        """What was written to standard output."""
        return self._streams.output

    @property
    def diagnostics(self) -> bytearray:
        """The beginning of what was written to standard error."""
        return self._streams.diagnostics

    def call(self, name: str, memory: GuestMemory, arguments: Sequence[int]) -> int | None:
        """Answer one call of the host function ``name`` with unsigned ``arguments``.

        Returns the error number, or None for functions that answer nothing.

        Raises:
            FuelExhausted: the call costs more than is left.
            RunEnded: the call ends the run.
        """
        self._meter.charge(HOST_CALL_FUEL)
        try:
            if name in self._OWN:
                return self._OWN[name](self, memory, *arguments)
            if name in _OF_STREAMS:
                return _OF_STREAMS[name](self._streams, memory, *arguments)
        except AddressFault:
            return Errno.FAULT
        return self._answer_without_effect(name, arguments)

    def _answer_without_effect(self, name: str, arguments: Sequence[int]) -> Errno:
        if name in ANSWERS:
            return ANSWERS[name]
        if not self._streams.is_open(arguments[0]):
            return Errno.BADF
        return ANSWERS_OF_STREAMS[name]

    def _charge_bytes(self, count: int) -> None:
        self._meter.charge(count * HOST_BYTE_FUEL)

    def _args_get(self, memory: GuestMemory, table: int, data: int) -> Errno:
        return self._give(self._arguments, memory, table, data)

    def _args_sizes_get(self, memory: GuestMemory, count: int, size: int) -> Errno:
        return self._give_sizes(self._arguments, memory, count, size)

    def _environ_get(self, memory: GuestMemory, table: int, data: int) -> Errno:
        return self._give(self._environment, memory, table, data)

    def _environ_sizes_get(self, memory: GuestMemory, count: int, size: int) -> Errno:
        return self._give_sizes(self._environment, memory, count, size)

    def _give(self, texts: Sequence[bytes], memory: GuestMemory, table: int, data: int) -> Errno:
        joined = b"".join(texts)
        check_range(memory, table, len(texts) * _SIZE_BYTES)
        check_range(memory, data, len(joined))
        self._charge_bytes(len(joined))
        addresses = bytearray()
        address = data
        for text in texts:
            addresses += address.to_bytes(_SIZE_BYTES, "little")
            address += len(text)
        memory.write(table, bytes(addresses))
        memory.write(data, joined)
        return Errno.SUCCESS

    def _give_sizes(
        self, texts: Sequence[bytes], memory: GuestMemory, count: int, size: int
    ) -> Errno:
        check_range(memory, count, _SIZE_BYTES)
        check_range(memory, size, _SIZE_BYTES)
        memory.write(count, len(texts).to_bytes(_SIZE_BYTES, "little"))
        memory.write(size, sum(map(len, texts)).to_bytes(_SIZE_BYTES, "little"))
        return Errno.SUCCESS

    def _clock_res_get(self, memory: GuestMemory, clock: int, resolution: int) -> Errno:
        if clock not in set(ClockId):
            return Errno.INVAL
        memory.write(resolution, (1).to_bytes(_TIME_BYTES, "little"))
        return Errno.SUCCESS

    def _clock_time_get(self, memory: GuestMemory, clock: int, precision: int, time: int) -> Errno:
        if clock not in set(ClockId):
            return Errno.INVAL
        memory.write(time, self._clock.now(ClockId(clock)).to_bytes(_TIME_BYTES, "little"))
        return Errno.SUCCESS

    def _poll_oneoff(
        self, memory: GuestMemory, subscriptions: int, events: int, count: int, stored: int
    ) -> Errno:
        if not 1 <= count <= SUBSCRIPTIONS_MAX:
            return Errno.INVAL
        # Before they are looked at: an error in the last one costs the host as much as none.
        self._meter.charge((count - 1) * HOST_SUBSCRIPTION_FUEL)
        return poll(
            memory,
            self._clock,
            self._streams.readable,
            self._streams.writable,
            addresses=(subscriptions, events, stored),
            count=count,
        )

    def _proc_exit(self, memory: GuestMemory, code: int) -> None:
        raise RunExited(code)

    def _random_get(self, memory: GuestMemory, buffer: int, length: int) -> Errno:
        check_range(memory, buffer, length)
        self._charge_bytes(length)
        end = buffer + length
        # By pieces: all of a large memory's random bytes would not fit beside it.
        for start in range(buffer, end, _RANDOM_PIECE_BYTES):
            memory.write(start, self._random.take(min(_RANDOM_PIECE_BYTES, end - start)))
        return Errno.SUCCESS

    def _abort(self, memory: GuestMemory, message: int, file: int, line: int, column: int) -> None:
        raise RunAborted

    # Not kept by each host, as methods bound to it: that would be a circle, and what a run read and
    # wrote would stay in memory for long after it.
    _OWN: ClassVar[dict[str, _HostFunction]] = {
        "args_get": _args_get,
        "args_sizes_get": _args_sizes_get,
        "environ_get": _environ_get,
        "environ_sizes_get": _environ_sizes_get,
        "clock_res_get": _clock_res_get,
        "clock_time_get": _clock_time_get,
        "poll_oneoff": _poll_oneoff,
        "proc_exit": _proc_exit,
        "random_get": _random_get,
        "abort": _abort,
    }
