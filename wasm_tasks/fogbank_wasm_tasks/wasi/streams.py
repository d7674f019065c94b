"""The three streams of a run (SPEC.md section 7.4)."""

from typing import Final

from ..limits import DIAGNOSTICS_BYTES_MAX, IOVECS_MAX
from ..metering.meter import Meter
from ..metering.weights import HOST_BUFFER_FUEL, HOST_BYTE_FUEL
from .endings import OutputTooLarge
from .errno import Errno
from .memory import GuestMemory, check_range

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2

_SIZE_BYTES: Final = 4
_IOVEC_BYTES: Final = 8
_FDSTAT_BYTES: Final = 24
_FILESTAT_BYTES: Final = 64
_RIGHT_READ: Final = 1 << 1
_RIGHT_WRITE: Final = 1 << 6
_RIGHT_POLL: Final = 1 << 27


class Streams:
    """Standard input, output and error, while they are open."""

    def __init__(self, input_data: bytes, output_bytes_max: int | None, meter: Meter) -> None:
        """Read ``input_data``; what is carried is charged to ``meter``.

        Without ``output_bytes_max`` standard output is diagnostics, as standard error is.
        """
        self.output = bytearray()
        self.diagnostics = bytearray()
        self._input = input_data
        self._position = 0
        self._output_bytes_max = output_bytes_max
        self._meter = meter
        self._open = {STDIN, STDOUT, STDERR}

    def is_open(self, descriptor: int) -> bool:
        """Tell whether ``descriptor`` is a stream that was not closed."""
        return descriptor in self._open

    @property
    def readable(self) -> dict[int, int]:
        """The bytes left of each stream that can be read."""
        return {STDIN: len(self._input) - self._position} if STDIN in self._open else {}

    @property
    def writable(self) -> set[int]:
        """The streams that can be written."""
        return self._open - {STDIN}

    def fd_close(self, memory: GuestMemory, descriptor: int) -> Errno:
        """Close a stream for good."""
        if descriptor not in self._open:
            return Errno.BADF
        self._open.remove(descriptor)
        return Errno.SUCCESS

    def fd_fdstat_get(self, memory: GuestMemory, descriptor: int, stat: int) -> Errno:
        """Tell what a stream is and what may be done with it."""
        if descriptor not in self._open:
            return Errno.BADF
        # Neither a terminal nor a file: what a pipe is.  A terminal would be written by lines.
        rights = _RIGHT_POLL | (_RIGHT_READ if descriptor == STDIN else _RIGHT_WRITE)
        found = bytes(8) + rights.to_bytes(8, "little") + bytes(8)
        assert len(found) == _FDSTAT_BYTES
        memory.write(stat, found)
        return Errno.SUCCESS

    def fd_filestat_get(self, memory: GuestMemory, descriptor: int, stat: int) -> Errno:
        """Tell what little there is to tell of a stream."""
        if descriptor not in self._open:
            return Errno.BADF
        one_link = (1).to_bytes(8, "little")
        memory.write(stat, (bytes(24) + one_link).ljust(_FILESTAT_BYTES, b"\0"))
        return Errno.SUCCESS

    def fd_read(
        self, memory: GuestMemory, descriptor: int, iovecs: int, count: int, read: int
    ) -> Errno:
        """Read the next bytes of the input into the buffers, as many as there are."""
        if descriptor not in self._open or descriptor != STDIN:
            return Errno.BADF
        if count > IOVECS_MAX:
            return Errno.INVAL
        self._charge_buffers(count)
        check_range(memory, read, _SIZE_BYTES)
        buffers = _read_iovecs(memory, iovecs, count)
        left = len(self._input) - self._position
        carried = min(left, sum(length for _, length in buffers))
        self._meter.charge(carried * HOST_BYTE_FUEL)
        end = self._position + carried
        for address, length in buffers:
            part = self._input[self._position : min(self._position + length, end)]
            memory.write(address, part)
            self._position += len(part)
        memory.write(read, carried.to_bytes(_SIZE_BYTES, "little"))
        return Errno.SUCCESS

    def fd_write(
        self, memory: GuestMemory, descriptor: int, iovecs: int, count: int, written: int
    ) -> Errno:
        """Append the buffers to the output or to the diagnostics."""
        if descriptor not in self._open or descriptor == STDIN:
            return Errno.BADF
        if count > IOVECS_MAX:
            return Errno.INVAL
        self._charge_buffers(count)
        check_range(memory, written, _SIZE_BYTES)
        buffers = _read_iovecs(memory, iovecs, count)
        carried = sum(length for _, length in buffers)
        if carried >= 1 << 32:
            return Errno.INVAL
        self._meter.charge(carried * HOST_BYTE_FUEL)
        sink, room = self._sink(descriptor, carried)
        for address, length in buffers:
            taken = min(length, room)
            sink += memory.read(address, taken)
            room -= taken
        memory.write(written, carried.to_bytes(_SIZE_BYTES, "little"))
        return Errno.SUCCESS

    def _charge_buffers(self, count: int) -> None:
        # Before they are looked at: an error in the last one costs the host as much as none.
        self._meter.charge(max(count - 1, 0) * HOST_BUFFER_FUEL)

    def _sink(self, descriptor: int, carried: int) -> tuple[bytearray, int]:
        """Return where bytes written go, and how many of them are kept."""
        if descriptor == STDERR or self._output_bytes_max is None:
            return self.diagnostics, DIAGNOSTICS_BYTES_MAX - len(self.diagnostics)
        if len(self.output) + carried > self._output_bytes_max:
            raise OutputTooLarge
        return self.output, carried


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
