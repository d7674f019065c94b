"""Modules that are refused before anything compiles them, with words of the refusal."""

from tests.wasm_tasks.assembler import (
    HEADER,
    MEMORY,
    body,
    command,
    export,
    function_type,
    import_function,
    section,
    u32,
    vector,
)

_TYPES = section(1, vector(function_type()))
_EMPTY_BODY = body(b"")


def _functions(count: int) -> bytes:
    return (
        HEADER
        + _TYPES
        + section(3, u32(count) + bytes(count))
        + section(10, u32(count) + _EMPTY_BODY * count)
    )


def _exports(count: int) -> bytes:
    return (
        HEADER
        + _TYPES
        + section(3, vector(b"\0"))
        + section(7, vector(*(export(f"e{each}", 0, 0) for each in range(count))))
        + section(10, vector(_EMPTY_BODY))
    )


REFUSED = {
    "200,000 functions": (_functions(200_000), "200000 functions"),
    "50,000 exports": (_exports(50_000), "50000 exports"),
    "80,000 nested loops": (command(b"\x03\x40" * 40_000 + b"\x0b" * 40_000), "nest deeper"),
    "5,000 loops in turn": (command(b"\x03\x40\x0b" * 5_000), "more than 4096 loops"),
    "an addition of 50,000 numbers": (
        command(b"\x41\0" + b"\x41\1\x6a" * 50_000 + b"\x1a"),
        "a function of 150",
    ),
    "four billion locals": (
        command(local_groups=vector(u32(2**32 - 1) + b"\x7b")),
        "more than 49000 locals",
    ),
    "a branch table of 70,000 targets": (
        command(b"\x41\0\x0e" + u32(70_000) + bytes(70_001)),
        "br_table with more than",
    ),
    "a table of four billion elements": (
        HEADER + section(4, vector(b"\x70\0" + u32(2**32 - 1))),
        "a table of 4294967295 elements",
    ),
    "a memory of more than there can be": (
        HEADER + section(5, vector(b"\0" + u32(65_537))),
        "malformed limits",
    ),
    "data segments of a gigabyte": (
        HEADER + MEMORY + section(11, vector(b"\0\x41\0\x0b" + u32(1 << 30))),
        "bytes of data",
    ),
    "a section longer than the module": (HEADER + b"\x01" + u32(2**32 - 1), "truncated"),
    "more types than bytes": (HEADER + section(1, u32(4_000)), "truncated"),
    "a body longer than its section": (
        HEADER + _TYPES + section(3, vector(b"\0")) + section(10, b"\x01\x7f\0\x0b"),
        "truncated",
    ),
    "the name of the counter": (
        HEADER
        + section(6, vector(b"\x7e\1\x42\0\x0b"))
        + section(7, vector(export("fogbank:counter", 3, 0))),
        "begins with fogbank:",
    ),
    "a function that no host has": (
        HEADER + _TYPES + section(2, vector(import_function("env", "system", 0))),
        "not on the list",
    ),
    "threads": (command(b"\xfe\x03\0"), "threads"),
}
"""Module and words, by name."""
