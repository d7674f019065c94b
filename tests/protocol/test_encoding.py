"""The canonical encoding: vectors, properties, and bombs (SPEC.md section 2.1)."""

import json
import tracemalloc
from pathlib import Path
from typing import Any, cast

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors.write_encoding import from_json, nested

from fogbank_protocol.encoding import Value, decode, decode_untyped, encode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.limits import ENCODED_DEPTH_MAX, ENCODED_ELEMENTS_MAX

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/encoding.json").read_text("utf-8"))

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, (1 << 64) - 1)
    | st.binary(max_size=300)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=20),
    max_leaves=30,
)


def as_lists(value: Value) -> Value:
    if isinstance(value, (list, tuple)):
        return [as_lists(item) for item in value]
    return value


def decode_or_none(data: bytes) -> Value:
    try:
        return decode(data)
    except RemoteProtocolError:
        return None


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepted_vector_means_its_value_in_both_directions(case: dict[str, Any]) -> None:
    value, data = from_json(case["value"]), bytes.fromhex(case["hex"])
    assert decode(data) == value
    assert encode(value) == data


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejected_vector_breaks_its_rule(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode(bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


@given(values)
def test_every_value_comes_back_as_it_was(value: Value) -> None:
    assert decode(encode(value)) == value


@given(values)
def test_tuples_say_the_same_as_lists(value: Value) -> None:
    tupled = tuple(value) if isinstance(value, list) else value
    assert encode(tupled) == encode(value)


@given(st.binary(max_size=60))
def test_whatever_is_accepted_is_the_only_spelling_of_its_value(data: bytes) -> None:
    value = decode_or_none(data)
    if value is not None:
        assert encode(value) == data


@given(st.one_of(st.binary(max_size=60), values.map(encode)))
def test_read_without_types_a_value_is_canonical_all_the_same(data: bytes) -> None:
    expected = decode_or_none(data)
    try:
        value = decode_untyped(data, array_max=300)
    except RemoteProtocolError:
        assert expected is None
    else:
        assert msgpack.packb(value) == data
        if expected is not None:
            assert value == expected


def test_read_without_types_an_array_has_its_bound_and_a_bomb_its_memory() -> None:
    assert decode_untyped(encode([0] * 256), array_max=256) == [0] * 256
    with pytest.raises(RemoteProtocolError):
        decode_untyped(encode([0] * 257), array_max=256)
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError):
            decode_untyped(b"\xdc\x01\x00" * 2_700, array_max=256)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


@given(values, st.data())
def test_a_truncated_value_is_refused(value: Value, data: st.DataObject) -> None:
    whole = encode(value)
    end = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(RemoteProtocolError):
        decode(whole[:end])


@given(values, st.binary(min_size=1, max_size=3))
def test_trailing_bytes_are_refused(value: Value, rest: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode(encode(value) + rest)


@given(values, st.data())
def test_a_flipped_bit_gives_another_value_or_none(value: Value, data: st.DataObject) -> None:
    whole = bytearray(encode(value))
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    other = decode_or_none(bytes(whole))
    if other is not None:
        assert encode(other) == whole
        # True equals 1 in Python; what is encoded tells them apart.
        assert encode(other) != encode(value)


spellings = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.binary(max_size=40)
    | st.text(max_size=20)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=20)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(spellings)
def test_of_msgpack_only_the_allowed_types_are_accepted(thing: object) -> None:
    def is_allowed(thing: object) -> bool:
        if isinstance(thing, list):
            return all(is_allowed(item) for item in thing)
        if isinstance(thing, int):
            return thing >= 0
        return thing is None or isinstance(thing, bytes | str)

    data = cast("bytes", msgpack.packb(thing, use_bin_type=True))
    if is_allowed(thing):
        assert decode(data) == thing
    else:
        with pytest.raises(RemoteProtocolError):
            decode(data)


def test_the_limit_of_the_place_counts_before_anything_is_decoded() -> None:
    assert decode(b"\xc4\x02ab", bytes_max=4) == b"ab"
    with pytest.raises(RemoteProtocolError):
        decode(b"\xc4\x02ab", bytes_max=3)


@pytest.mark.parametrize(
    "bomb",
    [
        (b"\xdd" + (1 << 20).to_bytes(4, "big")) * 209_715,
        b"\xdd\x00\x00\xff\xff" * 200_000,
        b"\xdc\xff\xff" * 170,
        b"\xdc\xff\xff" + b"\x91" * 1_048_000,
        b"\xdd\x00\x10\x00\x00" + b"\x90" * (1 << 20),
        b"\x91" * (1 << 20),
        b"\xdf\x00\x0f\xff\xff" * 200_000,
        b"\xc6\xff\xff\xff\xff",
    ],
    ids=[
        "headers",
        "16-bit headers",
        "few headers",
        "nested",
        "empties",
        "deep",
        "maps",
        "promised bytes",
    ],
)
@pytest.mark.slow
def test_a_bomb_is_refused_without_much_memory(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError):
            decode(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024 + 20 * len(bomb)


def test_what_cannot_be_said_is_our_own_error() -> None:
    unsayable: list[Any] = [
        -1,
        1 << 64,
        1.0,
        {},
        {"a": 1},
        object(),
        "\ud800",
        [[-1]],
        nested(ENCODED_DEPTH_MAX + 1),
        [None] * (ENCODED_ELEMENTS_MAX + 1),
        bytearray(b"a"),
    ]
    for value in unsayable:
        with pytest.raises(LocalProtocolError):
            encode(value)


def test_the_largest_array_and_the_deepest_nesting_are_allowed() -> None:
    flat: Value = [None] * ENCODED_ELEMENTS_MAX
    empties: Value = [[]] * ENCODED_ELEMENTS_MAX
    for value in (flat, empties, nested(ENCODED_DEPTH_MAX)):
        assert decode(encode(value)) == value


def test_elements_are_counted_over_all_arrays() -> None:
    half: list[Value] = [None] * (ENCODED_ELEMENTS_MAX // 2)
    assert decode(encode([half, half[2:]])) == [half, half[2:]]
    with pytest.raises(LocalProtocolError):
        encode([half, half[1:]])
    too_many = b"\x92" + encode(half) + encode(half[1:])
    with pytest.raises(RemoteProtocolError):
        decode(too_many)
