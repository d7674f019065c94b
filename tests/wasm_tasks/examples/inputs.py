"""A small input for each example task, with which it does all of its work once."""

import struct
from pathlib import Path
from typing import Final

from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, Tile, tile_input

_EXAMPLES: Final = Path(__file__).parents[3] / "wasm_tasks" / "fogbank_wasm_tasks" / "examples"
_LOG: Final = _EXAMPLES / "sensor_statistics" / "samples" / "balcony.csv"
_PICTURE: Final = Picture(width=16, height=16, seed=1, samples=2, bounces=2)

INPUTS: Final = {
    "cellular_automaton": struct.pack("<5I", 1, 7, 20, 1, 8),
    "image_filter": b"P6 8 8 255 " + bytes(range(192)),
    "matrix_product": struct.pack("<33I", 4, *range(32)),
    "path_tracer": tile_input(_PICTURE, Tile(0, 0, 8, 8)),
    "satisfiability": b"p cnf 3 3\n1 2 0\n-1 3 0\n-2 -3 0\n",
    "sensor_statistics": _LOG.read_bytes()[:4096],
}
ARGUMENTS: Final = {"image_filter": ("edges",)}
