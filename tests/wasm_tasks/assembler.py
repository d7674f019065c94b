"""Puts modules together byte by byte, right ones and wrong ones."""

from collections.abc import Sequence

HEADER = b"\0asm\x01\0\0\0"

I32, I64, F32, F64 = b"\x7f", b"\x7e", b"\x7d", b"\x7c"


def u32(value: int) -> bytes:
    """Return the unsigned LEB128 of ``value``."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def vector(*items: bytes) -> bytes:
    """Return a count and the ``items``."""
    return u32(len(items)) + b"".join(items)


def sized(content: bytes) -> bytes:
    """Return a length and the ``content``."""
    return u32(len(content)) + content


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + sized(content)


def function_type(parameters: Sequence[bytes] = (), results: Sequence[bytes] = ()) -> bytes:
    return b"\x60" + vector(*parameters) + vector(*results)


def name(text: str) -> bytes:
    return sized(text.encode("utf-8"))


def import_function(module: str, field: str, type_index: int) -> bytes:
    return name(module) + name(field) + b"\0" + u32(type_index)


def export(text: str, kind: int, index: int) -> bytes:
    return name(text) + bytes([kind]) + u32(index)


def body(code: bytes, local_groups: bytes = b"\0") -> bytes:
    """Return a function body of ``code`` without its final end."""
    return sized(local_groups + code + b"\x0b")


MEMORY = section(5, vector(b"\0\x01"))
"""A memory of one page."""


def command(
    code: bytes = b"",
    *,
    local_groups: bytes = b"\0",
    before_code: bytes = b"",
    after_code: bytes = b"",
) -> bytes:
    """Return a command whose ``_start`` is ``code``, with sections around the code section."""
    return (
        HEADER
        + section(1, vector(function_type()))
        + section(3, vector(b"\0"))
        + MEMORY
        + section(7, vector(export("memory", 2, 0), export("_start", 0, 0)))
        + before_code
        + section(10, vector(body(code, local_groups)))
        + after_code
    )


ECHO = (
    HEADER
    + section(1, vector(function_type([I32], [I32]), function_type([I32, I32], [I64])))
    + section(3, vector(b"\0", b"\x01"))
    + MEMORY
    + section(7, vector(export("memory", 2, 0), export("alloc", 0, 0), export("run", 0, 1)))
    + section(
        10,
        vector(
            # i32.const 1024
            body(b"\x41\x80\x08"),
            # local.get 0, extend, i64.const 32, shl, local.get 1, extend, or
            body(b"\x20\0\xad\x42\x20\x86\x20\x01\xad\x84"),
        ),
    )
)
"""A reactor whose output is its input; it uses 10 fuel."""
