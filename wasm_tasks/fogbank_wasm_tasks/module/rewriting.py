"""Changes to a module that need no look into its functions."""

from typing import Final

from .reader import Reader
from .reserved import START_FUNCTION

_HEADER_BYTES: Final = 8
_EXPORTS: Final = 7
_START: Final = 8
_FUNCTION: Final = b"\0"


def export_start(module: bytes) -> bytes:
    """Return ``module``, which passed ``check_module``, with its start function exported instead.

    The host calls it right after making the instance.  So no code of the run is executed while
    engines initialise an instance, which each of them meters in its own way, and fuel begins with
    the first operator (SPEC.md section 7.5).
    """
    sections = _split(module)
    start = next((content for section, content in sections if section == _START), None)
    if start is None:
        return module
    rewritten = bytearray(module[:_HEADER_BYTES])
    for section, content in sections:
        if section == _START:
            continue
        if section == _EXPORTS:
            content = _add_export(content, start)
        rewritten += bytes([section]) + encode_u32(len(content)) + content
    return bytes(rewritten)


def _split(module: bytes) -> list[tuple[int, bytes]]:
    reader = Reader(module, _HEADER_BYTES, len(module))
    sections: list[tuple[int, bytes]] = []
    while not reader.is_done:
        section = reader.byte()
        sections.append((section, reader.bytes(reader.u32())))
    return sections


def _add_export(content: bytes, function_index: bytes) -> bytes:
    reader = Reader(content, 0, len(content))
    count = reader.u32()
    name = START_FUNCTION.encode("ascii")
    entry = encode_u32(len(name)) + name + _FUNCTION + function_index
    return encode_u32(count + 1) + content[reader.position :] + entry


def encode_u32(value: int) -> bytes:
    """Return the shortest unsigned LEB128 of ``value``."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
