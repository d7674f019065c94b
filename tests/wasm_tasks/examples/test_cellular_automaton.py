"""The cellular automaton against a plain one."""

import struct

import pytest
from tests.wasm_tasks.examples.sandboxed import run

from fogbank_wasm_tasks.outcome import Trap


def order(seed: int, generations: int, words: int, rows: int, version: int = 1) -> bytes:
    return struct.pack("<5I", version, seed, generations, words, rows)


def grid_of(output: bytes, words: int, rows: int) -> list[list[int]]:
    cells = output[8:]
    width = words * 64
    return [
        [cells[(row * width + at) // 8] >> at % 8 & 1 for at in range(width)] for row in range(rows)
    ]


def next_of(grid: list[list[int]]) -> list[list[int]]:
    rows, width = len(grid), len(grid[0])
    return [
        [
            int(
                (alive := _neighbours(grid, row, at, rows, width)) == 3
                or (alive == 2 and grid[row][at] == 1)
            )
            for at in range(width)
        ]
        for row in range(rows)
    ]


def _neighbours(grid: list[list[int]], row: int, at: int, rows: int, width: int) -> int:
    return sum(
        grid[(row + down) % rows][(at + right) % width]
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
        if down or right
    )


@pytest.mark.parametrize(("words", "rows"), [(1, 3), (1, 8), (2, 5)])
def test_a_generation_follows_from_the_one_before(words: int, rows: int) -> None:
    grid = grid_of(run("cellular_automaton", order(7, 0, words, rows)).output, words, rows)

    for generation in range(1, 5):
        output = run("cellular_automaton", order(7, generation, words, rows)).output
        grid = next_of(grid)
        assert grid_of(output, words, rows) == grid
        assert struct.unpack("<2I", output[:8]) == (generation, sum(map(sum, grid)))


@pytest.mark.parametrize(
    "data",
    [
        order(1, 1, 1, 3, version=2),
        order(1, 1, 0, 3),
        order(1, 1, 17, 3),
        order(1, 1, 1, 2),
        order(1, 1, 1, 1025),
        b"",
        order(1, 1, 1, 3) + b"\0",
    ],
)
def test_an_input_that_is_no_order_traps(data: bytes) -> None:
    assert run("cellular_automaton", data).ending == Trap("unreachable")
