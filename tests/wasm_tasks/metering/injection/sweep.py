"""Makes one module in which every operator that is no control flow runs, each a few times.

What an operator takes and gives is not written here: the engine's validator is asked, by trying.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import pack
from typing import Final

import wasmtime
from tests.wasm_tasks.assembler import HEADER, body, export, function_type, section, u32, vector

from fogbank_wasm_tasks.module.operators import BULK, PLAIN, VECTOR, Immediate

IMMEDIATES: Final = {
    Immediate.NONE: b"",
    Immediate.INDEX: b"\0",
    Immediate.TWO_INDICES: b"\0\0",
    Immediate.MEMORY_ARGUMENT: b"\0\0",
    Immediate.I32: b"\x05",
    Immediate.I64: b"\x05",
    Immediate.F32: pack("<f", 1.5),
    Immediate.F64: pack("<d", 1.5),
    Immediate.TYPES: b"\x01\x7f",
    Immediate.REFERENCE_TYPE: b"\x70",
    Immediate.MEMORY_INDEX: b"\0",
    Immediate.MEMORY_ARGUMENT_LANE: b"\0\0\0",
    Immediate.LANE: b"\0",
    Immediate.SIXTEEN_BYTES: bytes(range(16)),
    Immediate.INDEX_MEMORY_INDEX: b"\0\0",
    Immediate.TWO_MEMORY_INDICES: b"\0\0",
}
"""What follows an operator here."""

_I32, _I64, _F32, _F64, _V128, _FUNCREF = b"\x7f", b"\x7e", b"\x7d", b"\x7c", b"\x7b", b"\x70"
_VALUES: Final = {
    # Small and positive, so that nothing traps: addresses, divisors and lengths are among them.
    _I32: [b"\x41" + u32(each) for each in (5, 2, 1)],
    _I64: [b"\x42" + u32(each) for each in (5, 2, 1)],
    _F32: [b"\x43" + pack("<f", each) for each in (1.5, 100.25, 0.5)],
    _F64: [b"\x44" + pack("<d", each) for each in (1.5, 100.25, 0.5)],
    _V128: [b"\xfd\x0c" + pack("<4f", *each) for each in ((1, 2, 3, 4), (0.5, 9, 8, 7), (1,) * 4)],
    _FUNCREF: [b"\xd0\x70", b"\xd2\0", b"\xd0\x70"],
}
_STORES: Final = {
    _I32: b"\x36\0\0", _I64: b"\x37\0\0", _F32: b"\x38\0\0", _F64: b"\x39\0\0",
    _V128: b"\xfd\x0b\0\0", _FUNCREF: b"\x1a\x1a",
}  # fmt: skip
_TIMES: Final = 3
_PARAMETERS_MAX: Final = 3
_RESULTS_ADDRESS: Final = 8_192
_CONTROL_LAST: Final = 0x13
_NOP: Final = 1


@dataclass(frozen=True)
class Operator:
    """An operator with what follows it."""

    code: bytes
    parameters: Sequence[bytes]
    """The types of what it takes, the last on top of the stack."""

    result: bytes | None


def operators() -> Iterator[bytes]:
    """Give each operator that is accepted and is no control flow, with what follows it."""
    for number, kind in enumerate(PLAIN):
        if Immediate(kind) in IMMEDIATES and (number > _CONTROL_LAST or number == _NOP):
            yield bytes([number]) + IMMEDIATES[Immediate(kind)]
    for prefix, table in ((b"\xfc", BULK), (b"\xfd", VECTOR)):
        for number, kind in enumerate(table):
            if Immediate(kind) in IMMEDIATES:
                yield prefix + u32(number) + IMMEDIATES[Immediate(kind)]


def ask(engine: wasmtime.Engine, code: bytes) -> Operator:
    """Find out what the operator ``code`` takes and gives."""
    known: list[bytes] = []
    while len(known) <= _PARAMETERS_MAX:
        values = b"".join(_VALUES[each][0] for each in known)
        if _is_valid(engine, values + code):
            return Operator(code, known, None)
        for result in _VALUES:
            store = _VALUES[_I32][0] + values + code + _STORES[result]
            if _is_valid(engine, store):
                return Operator(code, known, result)
        # After ``unreachable`` what is missing below fits: the next type from the top is found.
        fits = [
            each
            for each in _VALUES
            if _is_valid(engine, b"\0" + _VALUES[each][0] + values + code + b"\0")
        ]
        known.insert(0, fits[0])
    raise AssertionError(f"nothing fits the operator {code.hex()}")


def _is_valid(engine: wasmtime.Engine, code: bytes) -> bool:
    try:
        wasmtime.Module.validate(engine, _module(code))
    except wasmtime.WasmtimeError:
        return False
    return True


def sweep(found: Sequence[Operator]) -> bytes:
    """Return a module whose ``run`` does each operator ``_TIMES`` times and stores the results."""
    code = bytearray()
    address = _RESULTS_ADDRESS
    for operator in found:
        for time in range(_TIMES):
            values = b"".join(
                _VALUES[each][(time + place) % _TIMES]
                for place, each in enumerate(operator.parameters)
            )
            if operator.result is None:
                code += values + operator.code
                continue
            code += b"\x41" + _signed(address) + values + operator.code + _STORES[operator.result]
            address += 16
    return _module(bytes(code))


def _signed(value: int) -> bytes:
    # One more bit than the number has, for its sign.
    return u32(value) if value.bit_length() % 7 else u32(value | 1 << value.bit_length())


def _module(code: bytes) -> bytes:
    return (
        HEADER
        + section(1, vector(function_type()))
        + section(3, vector(b"\0"))
        + section(4, vector(b"\x70\0\x10"))
        + section(5, vector(b"\x01\x01\x20"))
        + section(6, vector(_I32 + b"\x01\x41\0\x0b"))
        + section(7, vector(export("memory", 2, 0), export("run", 0, 0)))
        + section(9, vector(b"\x01\0" + vector(*[b"\0"] * 12)))
        + section(12, u32(1))
        + section(10, vector(body(code, vector(b"\x01" + _I32))))
        + section(11, vector(b"\x01" + vector(*[b"\x2a"] * 64)))
    )
