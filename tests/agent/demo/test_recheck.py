"""Computing tiles once more, in a real sandbox."""

from pathlib import Path
from struct import pack

import pytest

from fogbank_agent.demo.recheck import Piece, wrong_pieces
from fogbank_agent.demo.tasks import life_package
from fogbank_protocol.identity import Identity
from fogbank_wasm_tasks.examples import module_bytes
from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, cut, tile_input
from fogbank_wasm_tasks.package import pack_module

CELLS = "6400000051000000057236006cc13fd8057236006cc13fd8057236006cc13fd8"
"""A hundred generations on: what was there is still."""


@pytest.mark.slow
def test_a_tile_that_nobody_computed_is_wrong(tmp_path: Path) -> None:
    author = Identity.from_seed(bytes(32))
    package = pack_module(module_bytes("path_tracer"), name="tracer", version="1", author=author)
    picture = Picture(8, 8, seed=1, samples=1, bounces=2)
    checked: list[None] = []

    pieces = [
        Piece(package, tile_input(picture, tile), bytes(tile.output_bytes))
        for tile in cut(picture, 4)
    ]
    wrong = wrong_pieces(pieces, tmp_path, on_checked=lambda: checked.append(None))

    assert wrong == len(checked) == 4


@pytest.mark.slow
def test_cells_are_computed_again_whatever_their_steps_were(tmp_path: Path) -> None:
    package, data = life_package(0), pack("<5I", 1, 5, 100, 1, 3)
    cells = bytes.fromhex(CELLS)
    right, wrong = Piece(package, data, cells), Piece(package, data, cells + b"0")
    assert wrong_pieces([right, wrong], tmp_path, on_checked=lambda: None) == 1
