"""The tables of operators, against the compiler's own idea of them."""

import pytest
import wasmtime
from tests.wasm_tasks.assembler import command, u32

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.module.operators import BULK, PLAIN, VECTOR, Immediate


@pytest.fixture(scope="module", name="engine")
def make_engine() -> wasmtime.Engine:
    """Return an engine with the features of SPEC.md section 7.2 only."""
    config = wasmtime.Config()
    for feature in (
        "threads", "relaxed_simd", "multi_memory", "memory64", "gc", "exceptions",
        "function_references", "wide_arithmetic", "stack_switching",
    ):  # fmt: skip
        setattr(config, f"wasm_{feature}", False)
    return wasmtime.Engine(config)


IMMEDIATES = {
    Immediate.NONE: b"",
    Immediate.INDEX: b"\0",
    Immediate.TWO_INDICES: b"\0\0",
    Immediate.BLOCK_TYPE: b"\x40",
    Immediate.MEMORY_ARGUMENT: b"\0\0",
    Immediate.BRANCH_TABLE: b"\0\0",
    Immediate.I32: b"\0",
    Immediate.I64: b"\0",
    Immediate.F32: bytes(4),
    Immediate.F64: bytes(8),
    Immediate.TYPES: b"\x01\x7f",
    Immediate.REFERENCE_TYPE: b"\x70",
    Immediate.MEMORY_INDEX: b"\0",
    Immediate.MEMORY_ARGUMENT_LANE: b"\0\0\0",
    Immediate.LANE: b"\0",
    Immediate.SIXTEEN_BYTES: bytes(16),
    Immediate.INDEX_MEMORY_INDEX: b"\0\0",
    Immediate.TWO_MEMORY_INDICES: b"\0\0",
}


def engine_knows(engine: wasmtime.Engine, code: bytes, kind: Immediate) -> bool:
    """Tell whether the engine decodes ``code`` and its immediates: what follows must be seen.

    Types do not hold here, so the code stands where none is reached: then any operator fits.
    """
    # After the operator comes one that no version knows; a decoder that is in step finds it.
    module = command(b"\x00" + code + IMMEDIATES[kind] + b"\xff")
    try:
        wasmtime.Module.validate(engine, module)
    except wasmtime.WasmtimeError as error:
        return "0xff" in str(error) or any(
            text in str(error)
            # The operator itself was decoded and found wanting.
            for text in ("unknown", "type mismatch", "data count", "out of bounds", "undeclared")
            if "opcode" not in str(error) and "subopcode" not in str(error)
        )
    raise AssertionError("0xff is an operator now")


@pytest.mark.parametrize("number", range(256))
def test_each_vector_operator_is_known_to_both_or_to_none(
    engine: wasmtime.Engine, number: int
) -> None:
    kind = Immediate(VECTOR[number])
    code = b"\xfd" + u32(number)
    if kind is Immediate.REFUSED:
        assert not engine_knows(engine, code, Immediate.NONE)
    else:
        assert engine_knows(engine, code, kind)


@pytest.mark.parametrize("number", range(len(BULK) + 8))
def test_each_bulk_operator_is_known_to_both_or_to_none(
    engine: wasmtime.Engine, number: int
) -> None:
    code = b"\xfc" + u32(number)
    if number < len(BULK):
        assert engine_knows(engine, code, Immediate(BULK[number]))
    else:
        assert not engine_knows(engine, code, Immediate.NONE)


@pytest.mark.parametrize(
    "operator",
    [
        number
        # 0xFF itself is what the others are recognised by.
        for number in range(255)
        if PLAIN[number] not in (Immediate.BULK, Immediate.VECTOR, Immediate.ELSE, Immediate.END)
    ],
)
def test_each_plain_operator_is_known_to_both_or_to_none(
    engine: wasmtime.Engine, operator: int
) -> None:
    kind = Immediate(PLAIN[operator])
    if kind is Immediate.REFUSED:
        with pytest.raises(RemoteProtocolError):
            check_module(command(bytes([operator])))
        assert not engine_knows(engine, bytes([operator]), Immediate.NONE)
    else:
        assert engine_knows(engine, bytes([operator]), kind)
