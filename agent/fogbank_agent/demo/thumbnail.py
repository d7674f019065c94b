"""A picture in a terminal: two pixels a letter."""

from pathlib import Path

from PIL import Image
from rich.text import Text


def write_png(path: Path, width: int, height: int, pixels: bytes) -> None:
    """Write RGB ``pixels`` as a PNG file; the same pixels give the same file."""
    Image.frombytes("RGB", (width, height), pixels).save(path, format="PNG")


def thumbnail(width: int, height: int, pixels: bytes, *, columns: int) -> Text:
    """Return RGB ``pixels`` shrunk to ``columns`` letters, each an upper and a lower pixel."""
    rows = max(1, height * columns // width // 2)
    small = Image.frombytes("RGB", (width, height), pixels).resize((columns, 2 * rows))
    colours = small.tobytes()
    text = Text()
    for row in range(rows):
        for column in range(columns):
            above = _colour(colours, (2 * row * columns + column) * 3)
            below = _colour(colours, ((2 * row + 1) * columns + column) * 3)
            text.append("▀", f"{above} on {below}")
        text.append("\n")
    return text


def _colour(pixels: bytes, at: int) -> str:
    return "#" + pixels[at : at + 3].hex()
