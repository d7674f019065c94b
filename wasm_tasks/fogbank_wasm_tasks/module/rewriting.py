"""Changes to a module that need no look into its functions."""

from collections.abc import Iterable
from typing import Final

from .reader import Reader
from .reserved import START_FUNCTION

_HEADER: Final = b"\0asm\x01\0\0\0"
_EXPORTS: Final = 7
_START: Final = 8
_FUNCTION: Final = b"\0"


def export_start(module: bytes) -> bytes:
    """Return ``module``, which passed ``check_module``, with its start function exported instead.

    The host calls it right after making the instance.  So no code of the run is executed while
    engines initialise an instance, which each of them meters in its own way, and fuel begins with
    the first operator (SPEC.md section 7.5).
    """
    sections = split(module)
    start = next((content for section, content in sections if section == _START), None)
    if start is None:
        return module
    return join(
        (section, _add_export(content, start) if section == _EXPORTS else content)
        for section, content in sections
        if section != _START
    )


def join(sections: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the module of these ``sections``, each its number and content."""
    module = bytearray(_HEADER)
    for section, content in sections:
        module += bytes([section]) + encode_u32(len(content)) + content
    return bytes(module)


def split(module: bytes) -> list[tuple[int, bytes]]:
    """Return the sections of ``module``, which passed ``check_module``: numbers and contents."""
    reader = Reader(module, len(_HEADER), len(module))
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
