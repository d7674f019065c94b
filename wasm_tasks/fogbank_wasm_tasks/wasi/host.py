"""The host functions of a run (SPEC.md section 7.4).

Every run sees the same world: three streams, arguments, an environment, a clock that follows the
fuel, random bytes that follow from the seed; no files and no sockets.  All pointers of a call are
checked before it has any effect, and its bytes are charged before they are carried.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from ..limits import DIAGNOSTICS_BYTES_MAX, IOVECS_MAX, SUBSCRIPTIONS_MAX
from ..metering.meter import Meter
from ..metering.weights import (
    HOST_BUFFER_FUEL,
    HOST_BYTE_FUEL,
    HOST_CALL_FUEL,
    HOST_SUBSCRIPTION_FUEL,
)
from .clock import ClockId, RunClock
from .endings import OutputTooLarge, RunAborted, RunExited
from .errno import Errno
from .memory import AddressFault, GuestMemory, check_range
from .polling import poll
from .random_stream import RandomStream

PROGRAM_NAME: Final = b"task"
"""What every program is told that it is called."""

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2

_SIZE_BYTES: Final = 4
_TIME_BYTES: Final = 8
_IOVEC_BYTES: Final = 8
_FDSTAT_BYTES: Final = 24
_FILESTAT_BYTES: Final = 64
_RIGHT_READ: Final = 1 << 1
_RIGHT_WRITE: Final = 1 << 6
_RIGHT_POLL: Final = 1 << 27

_HostFunction = Callable[..., int | None]


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
        self.output = bytearray()
        self.diagnostics = bytearray()
        self._input = input_data
        self._input_position = 0
        self._arguments = [
            PROGRAM_NAME + b"\0",
            *(each.encode("utf-8") + b"\0" for each in arguments),
        ]
        self._environment = [f"{name}={value}".encode() + b"\0" for name, value in environment]
        self._random = RandomStream(seed)
        self._output_bytes_max = output_bytes_max
        self._meter = meter
        self._clock = RunClock(meter)
        self._open = {STDIN, STDOUT, STDERR}
        self._functions: dict[str, _HostFunction] = {
            "args_get": partial(self._give, self._arguments),
            "args_sizes_get": partial(self._give_sizes, self._arguments),
            "environ_get": partial(self._give, self._environment),
            "environ_sizes_get": partial(self._give_sizes, self._environment),
            "clock_res_get": self._clock_res_get,
            "clock_time_get": self._clock_time_get,
            "fd_close": self._fd_close,
            "fd_fdstat_get": self._fd_fdstat_get,
            "fd_filestat_get": self._fd_filestat_get,
            "fd_read": self._fd_read,
            "fd_write": self._fd_write,
            "poll_oneoff": self._poll_oneoff,
            "proc_exit": self._proc_exit,
            "random_get": self._random_get,
            "abort": self._abort,
        }

    def call(self, name: str, memory: GuestMemory, arguments: Sequence[int]) -> int | None:
        """Answer one call of the host function ``name`` with unsigned ``arguments``.

        Returns the error number, or None for functions that answer nothing.

        Raises:
            FuelExhausted: the call costs more than is left.
            RunEnded: the call ends the run.
        """
        self._meter.charge(HOST_CALL_FUEL)
        function = self._functions.get(name)
        if function is None:
            return self._answer_without_effect(name, arguments)
        try:
            return function(memory, *arguments)
        except AddressFault:
            return Errno.FAULT

    def _answer_without_effect(self, name: str, arguments: Sequence[int]) -> Errno:
        if name in _ANSWERS:
            return _ANSWERS[name]
        if arguments[0] not in self._open:
            return Errno.BADF
        return _ANSWERS_OF_STREAMS[name]

    def _charge_bytes(self, count: int) -> None:
        self._meter.charge(count * HOST_BYTE_FUEL)

    def _charge_entries(self, count: int, each: int) -> None:
        # Before they are looked at: an error in the last one costs the host as much as none.
        self._meter.charge(max(count - 1, 0) * each)

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

    def _fd_close(self, memory: GuestMemory, descriptor: int) -> Errno:
        if descriptor not in self._open:
            return Errno.BADF
        self._open.remove(descriptor)
        return Errno.SUCCESS

    def _fd_fdstat_get(self, memory: GuestMemory, descriptor: int, stat: int) -> Errno:
        if descriptor not in self._open:
            return Errno.BADF
        # Neither a terminal nor a file: what a pipe is.  A terminal would be written by lines.
        rights = _RIGHT_POLL | (_RIGHT_READ if descriptor == STDIN else _RIGHT_WRITE)
        found = bytes(8) + rights.to_bytes(8, "little") + bytes(8)
        assert len(found) == _FDSTAT_BYTES
        memory.write(stat, found)
        return Errno.SUCCESS

    def _fd_filestat_get(self, memory: GuestMemory, descriptor: int, stat: int) -> Errno:
        if descriptor not in self._open:
            return Errno.BADF
        one_link = (1).to_bytes(8, "little")
        memory.write(stat, (bytes(24) + one_link).ljust(_FILESTAT_BYTES, b"\0"))
        return Errno.SUCCESS

    def _fd_read(
        self, memory: GuestMemory, descriptor: int, iovecs: int, count: int, read: int
    ) -> Errno:
        if descriptor not in self._open or descriptor != STDIN:
            return Errno.BADF
        if count > IOVECS_MAX:
            return Errno.INVAL
        self._charge_entries(count, HOST_BUFFER_FUEL)
        check_range(memory, read, _SIZE_BYTES)
        buffers = _read_iovecs(memory, iovecs, count)
        left = len(self._input) - self._input_position
        carried = min(left, sum(length for _, length in buffers))
        self._charge_bytes(carried)
        end = self._input_position + carried
        for address, length in buffers:
            part = self._input[self._input_position : min(self._input_position + length, end)]
            memory.write(address, part)
            self._input_position += len(part)
        memory.write(read, carried.to_bytes(_SIZE_BYTES, "little"))
        return Errno.SUCCESS

    def _fd_write(
        self, memory: GuestMemory, descriptor: int, iovecs: int, count: int, written: int
    ) -> Errno:
        if descriptor not in self._open or descriptor == STDIN:
            return Errno.BADF
        if count > IOVECS_MAX:
            return Errno.INVAL
        self._charge_entries(count, HOST_BUFFER_FUEL)
        check_range(memory, written, _SIZE_BYTES)
        buffers = _read_iovecs(memory, iovecs, count)
        carried = sum(length for _, length in buffers)
        if carried >= 1 << 32:
            return Errno.INVAL
        self._charge_bytes(carried)
        sink, room = self._sink(descriptor, carried)
        for address, length in buffers:
            taken = min(length, room)
            sink += memory.read(address, taken)
            room -= taken
        memory.write(written, carried.to_bytes(_SIZE_BYTES, "little"))
        return Errno.SUCCESS

    def _sink(self, descriptor: int, carried: int) -> tuple[bytearray, int]:
        """Return where bytes written go, and how many of them are kept."""
        if descriptor == STDERR or self._output_bytes_max is None:
            return self.diagnostics, DIAGNOSTICS_BYTES_MAX - len(self.diagnostics)
        if len(self.output) + carried > self._output_bytes_max:
            raise OutputTooLarge
        return self.output, carried

    def _poll_oneoff(
        self, memory: GuestMemory, subscriptions: int, events: int, count: int, stored: int
    ) -> Errno:
        if not 1 <= count <= SUBSCRIPTIONS_MAX:
            return Errno.INVAL
        self._charge_entries(count, HOST_SUBSCRIPTION_FUEL)
        readable = {STDIN: len(self._input) - self._input_position} if STDIN in self._open else {}
        writable = self._open - {STDIN}
        return poll(
            memory,
            self._clock,
            readable,
            writable,
            addresses=(subscriptions, events, stored),
            count=count,
        )

    def _proc_exit(self, memory: GuestMemory, code: int) -> None:
        raise RunExited(code)

    def _random_get(self, memory: GuestMemory, buffer: int, length: int) -> Errno:
        check_range(memory, buffer, length)
        self._charge_bytes(length)
        memory.write(buffer, self._random.take(length))
        return Errno.SUCCESS

    def _abort(self, memory: GuestMemory, message: int, file: int, line: int, column: int) -> None:
        raise RunAborted


def _read_iovecs(memory: GuestMemory, address: int, count: int) -> list[tuple[int, int]]:
    """Return address and length of each buffer, all of which lie inside ``memory``."""
    table = memory.read(address, count * _IOVEC_BYTES)
    buffers = [
        (
            int.from_bytes(table[start : start + 4], "little"),
            int.from_bytes(table[start + 4 : start + 8], "little"),
        )
        for start in range(0, len(table), _IOVEC_BYTES)
    ]
    for buffer, length in buffers:
        check_range(memory, buffer, length)
    return buffers


_ANSWERS: Final = {
    **dict.fromkeys(
        (
            "path_create_directory",
            "path_filestat_get",
            "path_filestat_set_times",
            "path_link",
            "path_open",
            "path_readlink",
            "path_remove_directory",
            "path_rename",
            "path_symlink",
            "path_unlink_file",
            # A program looks for directories it was given until it hears this.
            "fd_prestat_get",
            "fd_prestat_dir_name",
        ),
        Errno.BADF,
    ),
    "proc_raise": Errno.NOSYS,
    "sched_yield": Errno.SUCCESS,
}
"""What functions answer that look at none of their arguments."""

_ANSWERS_OF_STREAMS: Final = {
    "fd_advise": Errno.SPIPE,
    "fd_allocate": Errno.NOTSUP,
    "fd_datasync": Errno.SUCCESS,
    "fd_fdstat_set_flags": Errno.SUCCESS,
    "fd_fdstat_set_rights": Errno.NOTSUP,
    "fd_filestat_set_size": Errno.INVAL,
    "fd_filestat_set_times": Errno.NOTSUP,
    "fd_pread": Errno.SPIPE,
    "fd_pwrite": Errno.SPIPE,
    "fd_readdir": Errno.NOTDIR,
    "fd_renumber": Errno.NOTSUP,
    "fd_seek": Errno.SPIPE,
    "fd_sync": Errno.SUCCESS,
    "fd_tell": Errno.SPIPE,
    "sock_accept": Errno.NOTSOCK,
    "sock_recv": Errno.NOTSOCK,
    "sock_send": Errno.NOTSOCK,
    "sock_shutdown": Errno.NOTSOCK,
}
"""What functions answer whose first argument is an open stream; another one is a BADF."""
