"""What is refused before compiling, by name (SPEC.md section 7.2)."""

from collections.abc import Callable

import pytest
import wasmtime
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.wasm_tasks.assembler import (
    ECHO,
    F64,
    HEADER,
    I32,
    MEMORY,
    body,
    command,
    export,
    function_type,
    import_function,
    name,
    section,
    sized,
    u32,
    vector,
)
from tests.wasm_tasks.packages import translate

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.module.facts import ExternKind, FunctionType, PageLimits, ValueType

WASI = "wasi_snapshot_preview1"


def refusal(module: bytes) -> str:
    """Return why ``module`` is refused."""
    with pytest.raises(RemoteProtocolError) as caught:
        check_module(module)
    assert caught.value.rule == "7.2"
    return str(caught.value)


def is_refused(module: bytes) -> bool:
    """Tell whether ``module`` is refused: by the right rule, then."""
    try:
        check_module(module)
    except RemoteProtocolError:
        return bool(refusal(module))
    return False


def with_import(module: str, field: str, type_entry: bytes) -> bytes:
    return (
        HEADER
        + section(1, vector(type_entry))
        + section(2, vector(import_function(module, field, 0)))
    )


def test_the_facts_of_a_module_are_read() -> None:
    facts = check_module(ECHO)

    assert facts.imports == ()
    assert facts.memory == PageLimits(1, None)
    assert facts.exports["run"].kind is ExternKind.FUNCTION
    assert facts.functions[1] == FunctionType((ValueType.I32, ValueType.I32), (ValueType.I64,))
    assert facts.operators == 2 + 8


@pytest.mark.parametrize(
    ("code", "feature"),
    [
        (b"\xfe\x00\0\0", "threads"),
        (b"\xfb\x00", "GC"),
        (b"\x06\x40\x0b", "exceptions"),
        (b"\x08\x00", "exceptions"),
        (b"\x1f\x40\x00\x0b", "exceptions"),
        (b"\xfd\x80\x02", "relaxed SIMD"),
        (b"\xfd\xaf\x02", "relaxed SIMD"),
        (b"\xfd\x9a\x01", "unknown SIMD operator"),
        (b"\xfc\x13", "wide arithmetic"),
        (b"\xfc\x17", "unknown operator"),
        (b"\xe3\0\0", "stack switching"),
        (b"\x14\0", "typed function references"),
        (b"\xd0\x6e", "typed function references or GC"),
        (b"\x3f\x01", "multi-memory"),
        (b"\x41\0\x28\x40\x00\x00", "multi-memory"),
        (b"\xfc\x0a\x00\x01", "multi-memory"),
        (b"\xff", "unknown operator 0xFF"),
        (b"\x02\x50\x0b", "unknown block type"),
    ],
)
def test_a_feature_of_an_operator_is_refused_by_name(code: bytes, feature: str) -> None:
    assert feature in refusal(command(code))


@pytest.mark.parametrize(
    ("sections", "feature"),
    [
        (section(5, vector(b"\x03\x01\x01")), "shared memory"),
        (section(5, vector(b"\x04\x01")), "memory64"),
        (section(5, vector(b"\x08\x01\x00")), "custom page sizes"),
        (section(5, vector(b"\0\x01", b"\0\x01")), "multi-memory"),
        (section(4, vector(b"\x70\x02\x01\x01")), "threads"),
        (section(4, vector(b"\x63\x70\x00\x01")), "typed function references or GC"),
        (section(1, vector(b"\x5f\0")), "GC"),
        (section(1, vector(b"\x4e\x01\x60\0\0")), "GC"),
        (section(13, vector(b"\0\0")), "exceptions"),
        (section(14, b"\0"), "string references"),
        (section(6, vector(I32 + b"\0\x41\x01\x41\x01\x6a\x0b")), "extended constant"),
    ],
)
def test_a_feature_of_a_section_is_refused_by_name(sections: bytes, feature: str) -> None:
    assert feature in refusal(HEADER + sections)


def test_a_component_is_refused_by_name() -> None:
    assert "component" in refusal(b"\0asm\x0d\0\x01\0")


@pytest.mark.parametrize("start", [b"", b"\0asm", b"MZ" * 50, b"\0asm\x02\0\0\0", b"(module)"])
def test_what_is_not_webassembly_is_refused(start: bytes) -> None:
    assert "not WebAssembly" in refusal(start)


def test_an_import_off_the_list_is_refused_by_name() -> None:
    assert "env.system is not on the list" in refusal(with_import("env", "system", function_type()))


def test_an_import_of_another_type_is_refused() -> None:
    module = with_import(WASI, "random_get", function_type([F64], [I32]))

    assert "(f64) -> (i32), but is (i32 i32) -> (i32)" in refusal(module)


@pytest.mark.parametrize("kind", [b"\x01\x70\0\x01", b"\x02\0\x01", b"\x03\x7f\0", b"\x04\0\0"])
def test_an_import_of_something_else_than_a_function_is_refused(kind: bytes) -> None:
    module = HEADER + section(2, vector(name("env") + name("memory") + kind))

    assert "is not a function" in refusal(module)


def test_the_name_of_a_refused_import_cannot_paint_the_terminal() -> None:
    message = refusal(with_import("\x1b[31m", "\n" * 50, function_type()))

    assert message.isprintable()
    assert len(message) < 250


def nested(depth: int) -> bytes:
    return command(b"\x02\x40" * depth + b"\x0b" * depth)


def loops(count: int) -> bytes:
    return command(b"\x03\x40\x0b" * count)


def locals_(count: int) -> bytes:
    return command(local_groups=vector(u32(count) + I32))


def exports(count: int) -> bytes:
    return HEADER + MEMORY + section(7, vector(*(export(str(i), 2, 0) for i in range(count))))


def functions(count: int) -> bytes:
    return (
        HEADER
        + section(1, vector(function_type()))
        + section(3, u32(count) + b"\0" * count)
        + section(10, u32(count) + body(b"") * count)
    )


def body_of(size: int) -> bytes:
    return command(b"\x01" * (size - 2))


def data_of(size: int) -> bytes:
    # The same bytes twice: sixteen MiB do not fit into four, so sizes are claimed.
    return HEADER + MEMORY + section(11, vector(b"\x01" + u32(size)))


def table_of(elements: int) -> bytes:
    return HEADER + section(4, vector(b"\x70\0" + u32(elements)))


def tables(count: int) -> bytes:
    return HEADER + section(4, vector(*[b"\x70\0\x01"] * count))


def types(count: int) -> bytes:
    return HEADER + section(1, vector(*[function_type()] * count))


def parameters(count: int) -> bytes:
    return HEADER + section(1, vector(function_type([I32] * count)))


def globals_(count: int) -> bytes:
    return HEADER + section(6, vector(*[I32 + b"\0\x41\0\x0b"] * count))


def branch_targets(count: int) -> bytes:
    return command(b"\x41\0\x0e" + u32(count) + b"\0" * (count + 1))


def name_of(length: int) -> bytes:
    return HEADER + MEMORY + section(7, vector(export("x" * length, 2, 0)))


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (nested, 1_024),
        (loops, 4_096),
        (locals_, 49_000),
        (exports, 64),
        (functions, 20_000),
        (body_of, 131_072),
        (table_of, 10_000),
        (tables, 4),
        (types, 4_096),
        (parameters, 999),
        (globals_, 10_000),
        (branch_targets, 65_536),
        (name_of, 256),
    ],
)
def test_a_bound_holds_to_the_last_one(make: Callable[[int], bytes], most: int) -> None:
    check_module(make(most))

    refusal(make(most + 1))


def test_a_module_is_as_large_as_four_mebibytes() -> None:
    padding = 4 * 1024 * 1024 - len(ECHO) - 1 - 4 - 2
    module = ECHO + section(0, name("x") + bytes(padding))
    assert len(module) == 4 * 1024 * 1024
    check_module(module)

    assert "4194304 allowed" in refusal(module + b"\0")


def test_more_data_than_allowed_is_refused_even_when_it_is_only_claimed() -> None:
    assert "bytes of data" in refusal(data_of(16 * 1024 * 1024 + 1))


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(command(b"\x05"), id="else outside of an if"),
        pytest.param(command(b"\x04\x40\x05\x05\x0b"), id="two elses"),
        pytest.param(command(b"\x0b"), id="operators after the end"),
        pytest.param(command(b"\x02\x40"), id="a block left open"),
        pytest.param(command(b"\x41\x80\x80\x80\x80\x80\0\x1a"), id="a constant of six bytes"),
        pytest.param(command(b"\x1c\x02\x7f\x7f"), id="select of two types"),
        pytest.param(command(b"\xfd\x0c\0\0"), id="a vector cut short"),
        pytest.param(ECHO + MEMORY, id="sections out of order"),
        pytest.param(HEADER + section(5, vector(b"\0\x01") + b"\0"), id="a section too long"),
        pytest.param(HEADER + section(3, vector(b"\0")), id="a type that does not exist"),
        pytest.param(HEADER + section(7, vector(export("m", 2, 0))), id="an export of nothing"),
        pytest.param(HEADER + section(7, vector(export("m", 5, 0))), id="an unknown export"),
        pytest.param(HEADER + section(8, b"\0"), id="a start function that does not exist"),
        pytest.param(HEADER + section(12, b"\x01"), id="a data count without data"),
        pytest.param(HEADER + section(0, b"\x05ab"), id="a custom section without a name"),
        pytest.param(HEADER + section(0, b"\x01\xff"), id="a name that is not UTF-8"),
        pytest.param(HEADER + section(5, vector(b"\x01\x02\x01")), id="limits upside down"),
        pytest.param(HEADER + b"\x05\xff\xff\xff\xff\xff\x01", id="a length of six bytes"),
        pytest.param(HEADER + b"\x05\xff\xff\xff\xff\x1f", id="a length beyond 32 bits"),
        pytest.param(
            HEADER
            + section(1, vector(function_type()))
            + section(3, vector(b"\0", b"\0"))
            + section(10, vector(body(b""))),
            id="fewer bodies than functions",
        ),
        pytest.param(
            HEADER + section(1, vector(function_type())) + section(3, vector(b"\0")),
            id="a function without a body",
        ),
        pytest.param(
            HEADER + MEMORY + section(7, vector(export("m", 2, 0), export("m", 2, 0))),
            id="two exports of one name",
        ),
        pytest.param(
            HEADER + MEMORY + section(7, vector(export("fogbank:start", 2, 0))),
            id="an export of a reserved name",
        ),
    ],
)
def test_a_malformed_module_is_refused(module: bytes) -> None:
    refusal(module)


def test_every_truncation_is_refused() -> None:
    for length in range(len(ECHO)):
        # Cut after its header or after its types it is a smaller module.
        assert is_refused(ECHO[:length]) or length in (8, 22)


SPECIMEN = translate(
    """(module
    (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1 3) (table 4 funcref) (global (mut f64) (f64.const 1.5))
    (data (i32.const 4) "data") (data $passive "passive") (elem (i32.const 0) func 0 1)
    (elem funcref (ref.null func) (ref.func 1)) (start 1)
    (func (local i32 i64 v128)
      block loop br_if 1 (i32.const 0) (if (then nop) (else br 0)) end end
      (block (br_table 0 0 0 (local.get 0)))
      (drop (i8x16.extract_lane_s 3 (v128.load offset=300 (i32.const 0))))
      (v128.store8_lane 2 (i32.const 9) (v128.const i32x4 1 2 3 4))
      (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 2)) (data.drop $passive)
      (memory.copy (i32.const 0) (i32.const 0) (i32.const 2))
      (table.set (i32.const 0) (ref.func 1))
      (drop (select (result i64) (i64.const -9) (i64.const 7) (i32.const 1)))
      (drop (i32.trunc_sat_f64_u (f64.const 3))) (call_indirect (i32.const 1)) (return_call 1))
    (func (export "_start")))""".replace("br_if 1 (i32.const 0)", "(br_if 1 (i32.const 0))")
)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_mutated_module_is_accepted_or_refused_and_nothing_else(
    engine: wasmtime.Engine, data: st.DataObject
) -> None:
    module = bytearray(data.draw(st.sampled_from([SPECIMEN, ECHO])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(8, len(module) - 1))
        match data.draw(st.sampled_from(["set", "insert", "delete"])):
            case "set":
                module[place] = data.draw(st.integers(0, 255))
            case "insert":
                module.insert(place, data.draw(st.integers(0, 255)))
            case _:
                del module[place]
    # Nothing that the engine would take with a feature of ours is refused for its form alone:
    # what we refuse must be refused by the engine too, or break a bound or the list of imports.
    if is_refused(bytes(module)) and _is_valid(engine, bytes(module)):
        assert _refusal_is_ours(bytes(module))


def _is_valid(engine: wasmtime.Engine, module: bytes) -> bool:
    try:
        wasmtime.Module.validate(engine, module)
    except wasmtime.WasmtimeError:
        return False
    return True


def _refusal_is_ours(module: bytes) -> bool:
    message = refusal(module)
    return any(
        word in message
        for word in (
            "import",
            "at most",
            "more than",
            "extended",
            "deeper",
            "unknown section",
            "kind",
        )
    )


@pytest.fixture(scope="module", name="engine")
def make_engine() -> wasmtime.Engine:
    """Return an engine with the features of SPEC.md section 7.2 only."""
    config = wasmtime.Config()
    for feature in ("threads", "relaxed_simd", "multi_memory", "memory64", "gc", "exceptions"):
        setattr(config, f"wasm_{feature}", False)
    config.wasm_function_references = False
    return wasmtime.Engine(config)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
@example(sized(b"\x01" * 70))
def test_random_bytes_after_the_header_are_accepted_or_refused(data: bytes) -> None:
    is_refused(HEADER + data)
