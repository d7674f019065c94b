"""The path tracer, run by plain Wasmtime."""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import cast

import pytest
import wasmtime

from fogbank_wasm_tasks.examples import module_bytes
from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, Tile, cut, joined, tile_input

PICTURE = Picture(width=48, height=32, seed=1, samples=4, bounces=8)

PICTURE_SHA256 = "aedc59a96490d4b09fb3f8191d0d5aa38313ee319dceab316f65d0014bed8605"
"""Of the RGB bytes: changes only with the scene."""


@cache
def compiled() -> tuple[wasmtime.Engine, wasmtime.Module]:
    engine = wasmtime.Engine()
    return engine, wasmtime.Module(engine, module_bytes("path_tracer"))


@pytest.fixture(scope="module", autouse=True)
def _freed_before_the_interpreter_ends() -> Iterator[None]:
    yield
    compiled.cache_clear()


def run(data: bytes) -> bytes:
    """Run the task in a fresh instance, as SPEC.md section 7.3 has it for a reactor."""
    engine, module = compiled()
    store = wasmtime.Store(engine)
    exports = wasmtime.Instance(store, module, []).exports(store)
    memory = cast("wasmtime.Memory", exports["memory"])
    pointer = cast("wasmtime.Func", exports["alloc"])(store, len(data))
    memory.write(store, data, pointer)
    result: int = cast("wasmtime.Func", exports["run"])(store, pointer, len(data))
    start, length = (result >> 32) & 0xFFFFFFFF, result & 0xFFFFFFFF
    return bytes(memory.read(store, start, start + length))


def test_the_picture_is_the_one_that_was_looked_at() -> None:
    pixels = run(tile_input(PICTURE, Tile(0, 0, PICTURE.width, PICTURE.height)))

    assert sha256(pixels).hexdigest() == PICTURE_SHA256


@pytest.mark.parametrize("side", [7, 16])
def test_a_picture_does_not_depend_on_how_it_was_cut(side: int) -> None:
    outputs = {tile: run(tile_input(PICTURE, tile)) for tile in cut(PICTURE, side)}

    assert sha256(joined(PICTURE, outputs)).hexdigest() == PICTURE_SHA256


def test_another_seed_gives_another_grain_of_the_same_scene() -> None:
    whole = Tile(0, 0, PICTURE.width, PICTURE.height)
    other = Picture(PICTURE.width, PICTURE.height, seed=2, samples=4, bounces=8)

    one, two = run(tile_input(PICTURE, whole)), run(tile_input(other, whole))

    assert one != two
    assert sum(abs(a - b) for a, b in zip(one, two, strict=True)) < 16 * len(one)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(0, 2, id="another version"),
        pytest.param(2, 0, id="no width"),
        pytest.param(3, 8193, id="too high"),
        pytest.param(4, 48, id="outside"),
        pytest.param(6, 49, id="wider than the picture"),
        pytest.param(7, 0xFFFFFFFF, id="a height that wraps"),
        pytest.param(8, 0, id="no samples"),
        pytest.param(9, 65, id="too many bounces"),
    ],
)
def test_an_input_that_is_no_tile_traps(place: int, value: int) -> None:
    data = bytearray(tile_input(PICTURE, Tile(0, 0, 8, 8)))
    data[place * 4 : place * 4 + 4] = value.to_bytes(4, "little")

    with pytest.raises(wasmtime.Trap):
        run(bytes(data))


def test_a_tile_of_more_pixels_than_the_output_has_room_for_traps() -> None:
    wide = Picture(width=300, height=300, seed=1, samples=1, bounces=1)

    with pytest.raises(wasmtime.Trap):
        run(tile_input(wide, Tile(0, 0, 300, 300)))


@pytest.mark.parametrize("length", [0, 39, 41])
def test_an_input_of_another_length_traps(length: int) -> None:
    with pytest.raises(wasmtime.Trap):
        run(bytes(length))
