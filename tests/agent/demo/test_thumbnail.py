"""Pictures as files and as letters."""

from pathlib import Path

from PIL import Image

from fogbank_agent.demo.thumbnail import thumbnail, write_png

RED_OVER_BLUE = bytes([255, 0, 0] * 2 + [0, 0, 255] * 2)


def test_the_same_pixels_give_the_same_file(tmp_path: Path) -> None:
    one, two = tmp_path / "one.png", tmp_path / "two.png"

    for path in (one, two):
        write_png(path, 2, 2, RED_OVER_BLUE)

    assert one.read_bytes() == two.read_bytes()
    with Image.open(one) as image:
        assert image.tobytes() == RED_OVER_BLUE


def test_a_letter_is_two_pixels() -> None:
    text = thumbnail(2, 2, RED_OVER_BLUE, columns=2)

    assert text.plain == "▀▀\n"
    assert {str(span.style) for span in text.spans} == {"#ff0000 on #0000ff"}
