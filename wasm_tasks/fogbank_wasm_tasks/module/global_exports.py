"""Shows the host the mutable globals of a step task (SPEC.md section 7.9)."""

from collections.abc import Iterator
from typing import Final

from .constants import read_constant
from .reader import Reader
from .reserved import GLOBAL
from .shape import RESULT, SET_UP, STEP
from .types import read_value_type

_HEADER: Final = b"\0asm\x01\0\0\0"
_GLOBALS: Final = 6
_EXPORTS: Final = 7
_GLOBAL_KIND: Final = b"\3"
_STEP_TASK: Final = frozenset((SET_UP, STEP, RESULT))


def export_globals(module: bytes) -> bytes:
    """Return ``module``, which passed ``check_module``, with its mutable globals exported.

    Only a module that could be a step task is changed: nobody looks at the globals of others.
    """
    sections = list(_sections(module))
    contents = dict(sections)
    exports = contents.get(_EXPORTS, b"\0")
    if not set(_names(exports)) >= _STEP_TASK:
        return module
    added = list(_entries(contents.get(_GLOBALS, b"\0")))
    reader = Reader(exports, 0, len(exports))
    count = reader.u32() + len(added)
    extended = _encode_u32(count) + exports[reader.position :] + b"".join(added)
    changed = bytearray(_HEADER)
    for section, content in sections:
        shown = extended if section == _EXPORTS else content
        changed += bytes([section]) + _encode_u32(len(shown)) + shown
    return bytes(changed)


def _sections(module: bytes) -> Iterator[tuple[int, bytes]]:
    reader = Reader(module, len(_HEADER), len(module))
    while not reader.is_done:
        section = reader.byte()
        yield section, reader.bytes(reader.u32())


def _names(exports: bytes) -> Iterator[str]:
    reader = Reader(exports, 0, len(exports))
    for _ in range(reader.u32()):
        yield reader.name()
        reader.byte()
        reader.u32()


def _entries(content: bytes) -> Iterator[bytes]:
    reader = Reader(content, 0, len(content))
    place = 0
    for index in range(reader.u32()):
        read_value_type(reader)
        is_mutable = reader.byte() == 1
        read_constant(reader)
        if is_mutable:
            name = f"{GLOBAL}{place}".encode("ascii")
            yield _encode_u32(len(name)) + name + _GLOBAL_KIND + _encode_u32(index)
            place += 1


def _encode_u32(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
