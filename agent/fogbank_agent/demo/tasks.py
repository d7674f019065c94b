"""The two tasks of the demonstration, as packages of one author."""

from hashlib import blake2b
from struct import pack

from fogbank_protocol.identity import SEED_BYTES, Identity
from fogbank_wasm_tasks.examples import module_bytes
from fogbank_wasm_tasks.package import pack_module

from ..limits import DEMO_GENERATIONS, DEMO_ROYALTY_PPM

WORDS, ROWS = 4, 256
"""The size of the world of cells, in words of 64 and rows."""


def picture_package(seed: int) -> bytes:
    """Return the task that renders a tile of a picture."""
    return _package("path_tracer", "Renders a tile of a picture", seed)


def life_package(seed: int) -> bytes:
    """Return the task that computes generations of Conway's Game of Life, step by step."""
    return _package("cellular_automaton", "Computes generations of the Game of Life", seed)


def life_input(seed: int) -> bytes:
    """Return the input of the long calculation."""
    return pack("<5I", 1, picture_seed(seed), DEMO_GENERATIONS, WORDS, ROWS)


def picture_seed(seed: int) -> int:
    """Return the 32 bits from which what is computed follows."""
    digest = blake2b(b"fogbank demo picture\0" + seed.to_bytes(8, "big"), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def _package(module: str, description: str, seed: int) -> bytes:
    digest = blake2b(b"fogbank demo author\0" + seed.to_bytes(8, "big"), digest_size=SEED_BYTES)
    return pack_module(
        module_bytes(module),
        name=module.replace("_", "-"),
        version="1",
        author=Identity.from_seed(digest.digest()),
        description=description,
        royalty_ppm=DEMO_ROYALTY_PPM,
    )
