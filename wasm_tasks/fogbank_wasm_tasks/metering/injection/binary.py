"""The integers, vectors and sections of WebAssembly's binary format, read from checked modules.

``module/reader.py`` reads hostile bytes; what comes here has passed it, and is not checked twice.
"""

from collections.abc import Iterable, Sequence


def read_unsigned(data: bytes, at: int) -> tuple[int, int]:
    """Return the unsigned integer at ``at`` and the place after it."""
    value = data[at]
    if value < 0x80:
        # Nearly all of them are so short.
        return value, at + 1
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def skip_integer(data: bytes, at: int) -> int:
    """Return the place after the integer at ``at``."""
    while data[at] >= 0x80:
        at += 1
    return at + 1


def encode_unsigned(value: int) -> bytes:
    """Return the shortest encoding of ``value``, not negative."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def encode_signed(value: int) -> bytes:
    """Return the shortest signed encoding of ``value``."""
    encoded = bytearray()
    while not -0x40 <= value < 0x40:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value & 0x7F)
    return bytes(encoded)


def encode_vector(items: Sequence[bytes]) -> bytes:
    """Return the number of ``items`` and then these."""
    return encode_unsigned(len(items)) + b"".join(items)


def with_length(content: bytes) -> bytes:
    """Return ``content`` behind its length."""
    return encode_unsigned(len(content)) + content


def encode_sections(sections: Iterable[tuple[int, bytes]]) -> bytes:
    """Return a module of these sections, each a number and its content, in this order."""
    header = b"\0asm\x01\0\0\0"
    return header + b"".join(bytes([number]) + with_length(content) for number, content in sections)
