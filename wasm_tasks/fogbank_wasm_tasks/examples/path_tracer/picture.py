"""The path tracer's input and output: cutting a picture into tiles and joining them.

Pure; README.md beside it has the layout of the input.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct

_INPUT = Struct("<10I")
_INPUT_VERSION = 1

INPUT_BYTES = _INPUT.size
IMAGE_SIDE_MAX = 8192
TILE_PIXELS_MAX = 65_536
SAMPLES_MAX = 4096
BOUNCES_MAX = 64
BYTES_PER_PIXEL = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """What to render.  The same picture has the same pixels however it is cut."""

    width: int
    """Pixels, 1 to ``IMAGE_SIDE_MAX``."""
    height: int
    """Pixels, 1 to ``IMAGE_SIDE_MAX``."""
    seed: int
    """Of the random numbers, 32 bits: it decides the grain, not the scene."""
    samples: int
    """Paths per pixel, 1 to ``SAMPLES_MAX``."""
    bounces: int
    """Of a path at most, 1 to ``BOUNCES_MAX``."""

    def __post_init__(self) -> None:
        """Refuse with ``ValueError`` what the task would trap on."""
        for name, value, least, most in (
            ("width", self.width, 1, IMAGE_SIDE_MAX),
            ("height", self.height, 1, IMAGE_SIDE_MAX),
            ("seed", self.seed, 0, 0xFFFFFFFF),
            ("samples", self.samples, 1, SAMPLES_MAX),
            ("bounces", self.bounces, 1, BOUNCES_MAX),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name} is {value}, not {least} to {most}")


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a picture, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def output_bytes(self) -> int:
        """How many bytes the task answers with."""
        return self.width * self.height * BYTES_PER_PIXEL


def cut(picture: Picture, side: int) -> list[Tile]:
    """Cut ``picture`` into squares of ``side`` pixels, row by row, the last ones smaller."""
    if not 1 <= side * side <= TILE_PIXELS_MAX:
        raise ValueError(f"a tile of {side} by {side} pixels has not 1 to {TILE_PIXELS_MAX}")
    return [
        Tile(x, y, min(side, picture.width - x), min(side, picture.height - y))
        for y in range(0, picture.height, side)
        for x in range(0, picture.width, side)
    ]


def tile_input(picture: Picture, tile: Tile) -> bytes:
    """Return the input of the run that renders ``tile``."""
    return _INPUT.pack(
        _INPUT_VERSION,
        picture.seed,
        picture.width,
        picture.height,
        tile.x,
        tile.y,
        tile.width,
        tile.height,
        picture.samples,
        picture.bounces,
    )


def joined(picture: Picture, outputs: Mapping[Tile, bytes]) -> bytes:
    """Return the picture's RGB bytes, rows from the top; a tile not in ``outputs`` is black.

    Raises ``ValueError`` for an output of the wrong size.
    """
    row_bytes = picture.width * BYTES_PER_PIXEL
    pixels = bytearray(row_bytes * picture.height)
    for tile, output in outputs.items():
        if len(output) != tile.output_bytes:
            raise ValueError(f"{tile} has {len(output)} bytes, not {tile.output_bytes}")
        span = tile.width * BYTES_PER_PIXEL
        for row in range(tile.height):
            start = (tile.y + row) * row_bytes + tile.x * BYTES_PER_PIXEL
            pixels[start : start + span] = output[row * span : (row + 1) * span]
    return bytes(pixels)
