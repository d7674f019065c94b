"""Modules that are read, modules that are refused, and runs with their fuel (SPEC.md section 7)."""

from typing import Any

from tests.wasm_tasks.assembler import (
    ECHO,
    F64,
    HEADER,
    I32,
    MEMORY,
    command,
    export,
    function_type,
    import_function,
    name,
    section,
    u32,
    vector,
)

WASI = "wasi_snapshot_preview1"


def build() -> dict[str, Any]:
    """Return the vectors: ``accept`` has runs with outcome and fuel, ``reject`` breaks 7.2."""
    return {
        "spec": "7.2",
        "accept": [
            _run("an echo", ECHO, "reactor", b"hello", [0], 10, b"hello"),
            _run("nothing", command(), "command", b"", [0], 1, b""),
            _run(
                "operators that cost", command(b"\x41\x01\x41\x02\x6a\x1a"), "command", b"", [0], 4
            ),
            _run(
                "operators that do not",
                command(b"\x01\x02\x40\x0b\x03\x40\x0b"),
                "command",
                b"",
                [0],
                1,
            ),
            _run(
                "five rounds of a loop",
                command(
                    b"\x03\x40\x20\0\x41\x01\x6a\x22\0\x41\x05\x49\x0d\0\x0b",
                    local_groups=b"\x01\x01\x7f",
                ),
                "command",
                b"",
                [0],
                36,
            ),
            _run(
                "unreachable", command(b"\x41\x01\x1a\x00"), "command", b"", [2, "unreachable"], 2
            ),
            _run(
                "a division by zero",
                command(b"\x41\x01\x41\0\x6d\x1a"),
                "command",
                b"",
                [2, "division_by_zero"],
                4,
            ),
            _run("an endless loop", command(b"\x03\x40\x0c\0\x0b"), "command", b"", [1], 1_000_000),
            _run(
                "a hundred bytes filled",
                command(b"\x41\0\x41\x01\x41\xe4\0\xfc\x0b\0"),
                "command",
                b"",
                [0],
                105,
            ),
            _run(
                "memory grown by ten pages", command(b"\x41\x0a\x40\0\x1a"), "command", b"", [0], 13
            ),
        ],
        "reject": _reject_cases(),
    }


def _reject_cases() -> list[dict[str, str]]:
    type_section = section(1, vector(function_type()))
    return [
        _reject("nothing", b""),
        _reject("not WebAssembly", b"\x7fELF" + bytes(60)),
        _reject("another version", b"\0asm\x02\0\0\0"),
        _reject("a component", b"\0asm\x0d\0\x01\0"),
        _reject("cut short", ECHO[:-1]),
        _reject("sections out of order", ECHO + MEMORY),
        _reject("threads", command(b"\xfe\x03\0")),
        _reject("shared memory", HEADER + section(5, vector(b"\x03\x01\x01"))),
        _reject("memory64", HEADER + section(5, vector(b"\x04\x01"))),
        _reject("two memories", HEADER + section(5, vector(b"\0\x01", b"\0\x01"))),
        _reject("memory index 1", command(b"\x3f\x01\x1a")),
        _reject("GC", command(b"\xfb\0\0")),
        _reject("a type of GC", HEADER + section(1, vector(b"\x5f\0"))),
        _reject("exceptions", command(b"\x06\x40\x0b")),
        _reject("a tag", HEADER + section(13, vector(b"\0\0"))),
        _reject("relaxed SIMD", command(b"\xfd\x80\x02")),
        _reject("stack switching", command(b"\xe0\0")),
        _reject("a refused feature that is never reached", command(b"\x00\xfe\x03\0")),
        _reject(
            "an import off the list",
            HEADER + type_section + section(2, vector(import_function("env", "system", 0))),
        ),
        _reject(
            "an import of another type",
            HEADER
            + section(1, vector(function_type([F64], [I32])))
            + section(2, vector(import_function(WASI, "random_get", 0))),
        ),
        _reject(
            "an imported memory",
            HEADER + section(2, vector(name("env") + name("memory") + b"\x02\0\x01")),
        ),
        _reject("1025 nested blocks", command(b"\x02\x40" * 1025 + b"\x0b" * 1025)),
        _reject("else outside of an if", command(b"\x05")),
        _reject("a block left open", command(b"\x02\x40")),
        _reject("a table of 10,001 elements", HEADER + section(4, vector(b"\x70\0" + u32(10_001)))),
        _reject("five tables", HEADER + section(4, vector(*[b"\x70\0\x01"] * 5))),
        _reject(
            "65 exports",
            HEADER + MEMORY + section(7, vector(*(export(str(i), 2, 0) for i in range(65)))),
        ),
        _reject("a reserved name", HEADER + MEMORY + section(7, vector(export("fogbank:x", 2, 0)))),
        _reject(
            "two exports of one name",
            HEADER + MEMORY + section(7, vector(export("m", 2, 0), export("m", 2, 0))),
        ),
        _reject("49,001 locals", command(local_groups=vector(u32(49_001) + I32))),
        _reject("an operator number that is not shortest", command(b"\xfc\x8b\x00\x00")),
        _reject(
            "more data than allowed",
            HEADER + MEMORY + section(11, vector(b"\x01" + u32(16 * 1024 * 1024 + 1))),
        ),
    ]


def _run(
    name: str,
    module: bytes,
    shape: str,
    input_data: bytes,
    outcome: list[int | str],
    fuel: int,
    output: bytes = b"",
) -> dict[str, Any]:
    """Return a run with ``fuel_max`` 1,000,000; outcome [0] stands for ok with this output."""
    return {
        "name": name,
        "hex": module.hex(),
        "shape": shape,
        "input": input_data.hex(),
        "fuel_max": 1_000_000,
        "outcome": outcome,
        "output": output.hex(),
        "fuel": fuel,
    }


def _reject(name: str, module: bytes) -> dict[str, str]:
    return {"name": name, "hex": module.hex(), "rule": "7.2"}
