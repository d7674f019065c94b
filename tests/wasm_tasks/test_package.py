"""Packages: what is packed opens again, and nothing else does (SPEC.md section 7.1)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wasm_tasks.assembler import ECHO, command
from tests.wasm_tasks.packages import AUTHOR, translate

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import NO_NETWORK, Identity
from fogbank_protocol.signed import sign
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.package import PACKAGE, hash_module, open_package, pack_module

STRANGER = Identity.from_seed(b"s" * 32)


def pack(module: bytes = ECHO, **fields: Any) -> bytes:
    merged: dict[str, Any] = {"name": "echo", "version": "1.0", "author": AUTHOR, **fields}
    return pack_module(module, **merged)


def test_what_is_packed_opens_again() -> None:
    data = pack(description="says it again", royalty_ppm=25_000, memory_bytes_max=1 << 20)

    package = open_package(data)

    assert package.module == ECHO
    assert package.package_id == blob_id(data)
    manifest = package.manifest
    assert (manifest.name, manifest.version, manifest.shape) == ("echo", "1.0", Shape.REACTOR)
    assert manifest.author == AUTHOR.node_id
    assert (manifest.royalty_ppm, manifest.memory_bytes_max) == (25_000, 1 << 20)
    assert manifest.description == "says it again"


def test_the_same_package_has_the_same_bytes() -> None:
    assert pack() == pack()


def test_a_command_is_recognised_by_its_start() -> None:
    assert open_package(pack(command())).manifest.shape is Shape.COMMAND


def test_a_module_of_neither_shape_is_refused() -> None:
    with pytest.raises(
        RemoteProtocolError,
        match="neither alloc and run, nor alloc, init, step and result, nor _start",
    ):
        pack(translate('(module (memory (export "memory") 1))'))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('(module (memory 1) (func (export "_start")))', "does not export its memory"),
        ('(module (func (export "_start") (export "memory")))', "does not export its memory"),
        (
            '(module (memory (export "memory") 1) (func (export "_start") (param i32)))',
            r"_start is \(i32\) -> \(\), \(\) -> \(\) needed",
        ),
        (
            '(module (memory (export "memory") 1) (global (export "_start") i32 (i32.const 0)))',
            "exports no function _start",
        ),
        (
            '(module (memory (export "memory") 1) (func (export "alloc") (param i32) (result i32)'
            ' local.get 0) (func (export "run") (param i32 i32) (result i32) local.get 0))',
            "run is",
        ),
        (
            '(module (memory (export "memory") 1) (func (export "alloc") (param i32) (result i32)'
            ' local.get 0) (func (export "run") (param i32 i32) (result i64) i64.const 0)'
            ' (func (export "_initialize") (param i32)))',
            "_initialize is",
        ),
        ('(module (memory (export "memory") 4097) (func (export "_start")))', "4097 pages"),
    ],
)
def test_a_module_without_what_its_shape_needs_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason) as caught:
        pack(translate(text))
    assert caught.value.rule == "7.3"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Echo"},
        {"name": "-echo"},
        {"name": "e" * 65},
        {"name": ""},
        {"version": ""},
        {"version": "1 0"},
        {"version": "1" * 33},
        {"royalty_ppm": 1_000_001},
        {"memory_bytes_max": 268_435_457},
        {"output_bytes_max": 67_108_865},
        {"description": "x" * 1_025},
        {"description": "ü" * 513},
    ],
)
def test_an_author_is_told_which_field_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        pack(**fields)


def manifest_fields() -> list[Value]:
    return [
        1, "echo", "1.0", AUTHOR.node_id, hash_module(ECHO), len(ECHO), "reactor",
        1 << 20, 1 << 20, 0, "",
    ]  # fmt: skip


def resigned(fields: Value, signer: Identity = AUTHOR, module: bytes = ECHO) -> bytes:
    signed = sign(PACKAGE, NO_NETWORK, signer, fields)
    return encode(["fogpkg", signed.body, signed.signature, module])


def with_field(place: int, value: Value) -> Callable[[], bytes]:
    def build() -> bytes:
        fields = manifest_fields()
        fields[place] = value
        return resigned(fields)

    return build


REJECTED: list[tuple[str, Callable[[], bytes], str]] = [
    ("another version of the format", with_field(0, 2), "7.1"),
    ("a version that is a boolean", with_field(0, True), "7.1"),
    ("an upper-case name", with_field(1, "Echo"), "7.1"),
    ("a name with a line feed", with_field(1, "echo\n"), "7.1"),
    ("a short author", with_field(3, bytes(31)), "7.1"),
    ("another module's hash", with_field(4, bytes(32)), "7.1"),
    ("another module's size", with_field(5, len(ECHO) + 1), "7.1"),
    ("an unknown shape", with_field(6, "daemon"), "7.1"),
    ("a shape that the module has not", with_field(6, "command"), "7.3"),
    ("less memory than the module begins with", with_field(7, 65_535), "7.3"),
    ("too much memory", with_field(7, 268_435_457), "7.1"),
    ("a royalty that is a boolean", with_field(9, False), "7.1"),
    ("a field too many", lambda: resigned([*manifest_fields(), 0]), "7.1"),
    ("a field too few", lambda: resigned(manifest_fields()[:-1]), "7.1"),
    ("no manifest", lambda: resigned(7), "7.1"),
    ("another signer", lambda: resigned(manifest_fields(), STRANGER), "2.3"),
    ("another module", lambda: resigned(manifest_fields(), module=command()), "7.1"),
    ("another magic", lambda: encode(["fogpkh", *_parts()[1:]]), "7.1"),
    ("a short signature", lambda: encode([*_parts()[:2], bytes(63), ECHO]), "2.3"),
    ("a fifth element", lambda: encode([*_parts(), 0]), "7.1"),
    ("no array", lambda: encode("fogpkg"), "7.1"),
    ("a trailing byte", lambda: pack() + b"\0", "2.1"),
    ("nothing", lambda: b"", "2.1"),
]


def _parts() -> list[Value]:
    parts = decode(pack())
    assert isinstance(parts, list)
    return parts


@pytest.mark.parametrize(
    ("build", "rule"), [pytest.param(build, rule, id=name) for name, build, rule in REJECTED]
)
def test_a_wrong_package_file_is_refused(build: Callable[[], bytes], rule: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        open_package(build())
    assert caught.value.rule == rule


def test_a_package_file_beyond_the_bound_is_refused_unread() -> None:
    with pytest.raises(RemoteProtocolError, match="4259840 allowed"):
        open_package(bytes(4_259_841))


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(pack()) - 1), bit=st.integers(0, 7))
def test_every_flipped_bit_is_noticed(place: int, bit: int) -> None:
    data = bytearray(pack())
    data[place] ^= 1 << bit

    with pytest.raises(RemoteProtocolError):
        open_package(bytes(data))
