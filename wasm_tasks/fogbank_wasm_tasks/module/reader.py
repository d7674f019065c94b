"""Reads the primitive values of WebAssembly's binary format from hostile bytes."""

from fogbank_protocol.errors import RemoteProtocolError

from ..limits import NAME_BYTES_MAX

RULE = "7.2"


def refuse(message: str) -> RemoteProtocolError:
    """Return the error for a module that breaks section 7.2."""
    return RemoteProtocolError(f"module refused: {message}", rule=RULE)


class Reader:
    """A position in ``data`` that moves forward to ``end`` and never past it."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int, end: int) -> None:
        """Read ``data`` from ``position`` up to, not including, ``end``."""
        self.data = data
        self.position = position
        self.end = end

    @property
    def is_done(self) -> bool:
        """Tell whether all has been read."""
        return self.position == self.end

    def byte(self) -> int:
        """Read one byte."""
        if self.position >= self.end:
            raise refuse("truncated")
        value = self.data[self.position]
        self.position += 1
        return value

    def bytes(self, count: int) -> bytes:
        """Read ``count`` bytes."""
        if count > self.end - self.position:
            raise refuse("truncated")
        value = self.data[self.position : self.position + count]
        self.position += count
        return value

    def u32(self) -> int:
        """Read an unsigned LEB128 of at most 32 bits and 5 bytes."""
        value = 0
        for shift in (0, 7, 14, 21, 28):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >> 32:
                    raise refuse("an integer is too large")
                return value
        raise refuse("an integer is too long")

    def signed(self, bits: int) -> int:
        """Read a signed LEB128 of at most ``bits`` bits."""
        value = 0
        for shift in range(0, bits, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte & 0x40:
                    value -= 1 << (shift + 7)
                if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
                    raise refuse("an integer is too large")
                return value
        raise refuse("an integer is too long")

    def count(self, largest: int, what: str) -> int:
        """Read how many elements follow, each of at least one byte, and at most ``largest``."""
        count = self.u32()
        if count > largest:
            raise refuse(f"{count} {what}, at most {largest} allowed")
        if count > self.end - self.position:
            raise refuse("truncated")
        return count

    def name(self) -> str:
        """Read a name of at most ``NAME_BYTES_MAX`` bytes."""
        length = self.u32()
        if length > NAME_BYTES_MAX:
            raise refuse(f"a name of {length} bytes, at most {NAME_BYTES_MAX} allowed")
        try:
            return self.bytes(length).decode("utf-8")
        except UnicodeDecodeError:
            raise refuse("a name is not UTF-8") from None

    def part(self, length: int) -> "Reader":
        """Return a reader of the next ``length`` bytes, and step over them."""
        if length > self.end - self.position:
            raise refuse("truncated")
        start = self.position
        self.position += length
        return Reader(self.data, start, self.position)
