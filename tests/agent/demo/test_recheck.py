"""Computing tiles once more, in a real sandbox."""

from pathlib import Path

import pytest

from fogbank_agent.demo.recheck import wrong_tiles
from fogbank_protocol.identity import Identity
from fogbank_wasm_tasks.examples import module_bytes
from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, cut
from fogbank_wasm_tasks.package import pack_module


@pytest.mark.slow
def test_a_tile_that_nobody_computed_is_wrong(tmp_path: Path) -> None:
    author = Identity.from_seed(bytes(32))
    package = pack_module(module_bytes("path_tracer"), name="tracer", version="1", author=author)
    picture = Picture(8, 8, seed=1, samples=1, bounces=2)
    checked: list[None] = []

    wrong = wrong_tiles(
        package,
        picture,
        {tile: bytes(tile.output_bytes) for tile in cut(picture, 4)},
        tmp_path,
        on_checked=lambda: checked.append(None),
    )

    assert wrong == len(checked) == 4
