"""The bundled tasks do and cost the same when rewritten, host and all."""

import struct
from pathlib import Path

import pytest
from tests.wasm_tasks.metering.injection.whole_tasks import are_equal, play

from fogbank_wasm_tasks.examples import MODULE_NAMES, module_bytes
from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, Tile, tile_input

SAMPLES = Path(__file__).parents[4] / "wasm_tasks" / "fogbank_wasm_tasks" / "examples"
LOG = (SAMPLES / "sensor_statistics" / "samples" / "balcony.csv").read_bytes()[:4096]
TILE = tile_input(Picture(width=16, height=16, seed=1, samples=2, bounces=2), Tile(0, 0, 8, 8))
INPUTS = {
    "cellular_automaton": struct.pack("<5I", 1, 7, 20, 1, 8),
    "image_filter": b"P6 8 8 255 " + bytes(range(192)),
    "matrix_product": struct.pack("<33I", 4, *range(32)),
    "path_tracer": TILE,
    "satisfiability": b"p cnf 3 3\n1 2 0\n-1 3 0\n-2 -3 0\n",
    "sensor_statistics": LOG,
}
ARGUMENTS = {"image_filter": ("edges",)}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULE_NAMES)
def test_a_bundled_task_does_and_costs_the_same_when_rewritten(name: str) -> None:
    done = play(module_bytes(name), INPUTS[name], *ARGUMENTS.get(name, ()))

    assert are_equal(done)
    assert done["plain"].output
    assert done["plain"].fuel > 500
