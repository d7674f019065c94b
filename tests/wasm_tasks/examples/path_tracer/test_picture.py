"""Cutting and joining pictures."""

from struct import unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, Tile, cut, joined, tile_input


def picture_of(width: int, height: int) -> Picture:
    return Picture(width, height, seed=5, samples=2, bounces=3)


def pixels(tile: Tile) -> bytes:
    """Return the place of each pixel as its colour."""
    return bytes(
        part
        for y in range(tile.y, tile.y + tile.height)
        for x in range(tile.x, tile.x + tile.width)
        for part in (x, y, x ^ y)
    )


@given(width=st.integers(1, 40), height=st.integers(1, 40), side=st.integers(1, 50))
def test_tiles_join_to_the_picture_they_were_cut_from(width: int, height: int, side: int) -> None:
    picture = picture_of(width, height)

    whole = joined(picture, {tile: pixels(tile) for tile in cut(picture, side)})

    assert whole == pixels(Tile(0, 0, width, height))


def test_a_missing_tile_is_black() -> None:
    first, second = cut(picture_of(4, 2), 2)

    assert joined(picture_of(4, 2), {second: pixels(second)}) == bytes(
        [0, 0, 0, 0, 0, 0, 2, 0, 2, 3, 0, 3, 0, 0, 0, 0, 0, 0, 2, 1, 3, 3, 1, 2]
    )
    assert first == Tile(0, 0, 2, 2)


def test_an_output_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="has 11 bytes, not 12"):
        joined(picture_of(4, 2), {Tile(0, 0, 2, 2): bytes(11)})


def test_the_input_is_ten_numbers_in_the_order_of_the_readme() -> None:
    picture = Picture(width=300, height=200, seed=7, samples=16, bounces=5)

    packed = tile_input(picture, Tile(x=10, y=20, width=30, height=40))

    assert unpack("<10I", packed) == (1, 7, 300, 200, 10, 20, 30, 40, 16, 5)


@pytest.mark.parametrize(
    ("width", "height", "seed", "samples", "bounces"),
    [(0, 1, 0, 1, 1), (1, 8193, 0, 1, 1), (1, 1, 1 << 32, 1, 1), (1, 1, 0, 0, 1), (1, 1, 0, 1, 65)],
)
def test_a_picture_that_the_task_would_trap_on_is_refused(
    width: int, height: int, seed: int, samples: int, bounces: int
) -> None:
    with pytest.raises(ValueError, match="not"):
        Picture(width, height, seed, samples, bounces)


@pytest.mark.parametrize("side", [0, 257])
def test_a_tile_that_the_task_would_trap_on_is_not_cut(side: int) -> None:
    with pytest.raises(ValueError, match="a tile of"):
        cut(picture_of(4, 4), side)
