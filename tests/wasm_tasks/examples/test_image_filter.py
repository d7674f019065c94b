"""The image filter in the real sandbox, recomputed here in another way."""

from collections.abc import AsyncGenerator, Callable, Sequence
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from statistics import median

import pytest
import trio
from PIL import Image

from fogbank_protocol.identity import Identity
from fogbank_wasm_tasks import examples
from fogbank_wasm_tasks.examples import module_bytes
from fogbank_wasm_tasks.outcome import Exited, Ok, Outcome
from fogbank_wasm_tasks.package import open_package, pack_module
from fogbank_wasm_tasks.run import RunReport, RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox

pytestmark = pytest.mark.slow

SAMPLES = files(examples) / "image_filter" / "samples"
SHAPES = (SAMPLES / "shapes.ppm").read_bytes()
Rows = list[list[int]]


class Filter:
    """Runs the task in one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        module = module_bytes("image_filter")
        author = Identity.from_seed(bytes(32))
        self._package = open_package(pack_module(module, name="f", version="1", author=author))

    async def report(self, picture: bytes, *filters: str) -> RunReport:
        request = RunRequest(input=picture, arguments=filters, fuel_max=10**10)
        return await self._sandbox.execute(self._package, request)

    async def outcome(self, picture: bytes, *filters: str) -> Outcome:
        return (await self.report(picture, *filters)).outcome

    async def picture(self, picture: bytes, *filters: str) -> Image.Image:
        report = await self.report(picture, *filters)
        assert isinstance(report.outcome, Ok), report
        return Image.open(BytesIO(report.output))


@pytest.fixture
async def run(tmp_path: Path) -> AsyncGenerator[Filter]:
    sandbox = Sandbox(tmp_path, workers=1)
    async with trio.open_nursery() as nursery:
        await nursery.start(sandbox.run)
        yield Filter(sandbox)
        nursery.cancel_scope.cancel()


def pgm(rows: Sequence[Sequence[int]]) -> bytes:
    head = f"P5 {len(rows[0])} {len(rows)} 255\n".encode()
    return head + b"".join(map(bytes, rows))


def rows_of(image: Image.Image) -> Rows:
    data = image.tobytes()
    return [list(data[y * image.width : (y + 1) * image.width]) for y in range(image.height)]


def near(rows: Rows, x: int, y: int) -> int:
    return rows[min(max(y, 0), len(rows) - 1)][min(max(x, 0), len(rows[0]) - 1)]


def each(rows: Rows, value: Callable[[int, int], int]) -> Rows:
    return [[value(x, y) for x in range(len(rows[0]))] for y in range(len(rows))]


def sobel(rows: Rows) -> Rows:
    def value(x: int, y: int) -> int:
        taps = [(-1, 1), (0, 2), (1, 1)]
        across = sum(w * (near(rows, x + 1, y + d) - near(rows, x - 1, y + d)) for d, w in taps)
        down = sum(w * (near(rows, x + d, y + 1) - near(rows, x + d, y - 1)) for d, w in taps)
        return min(255, (abs(across) + abs(down)) // 2)

    return each(rows, value)


def medians(rows: Rows) -> Rows:
    around = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    return each(rows, lambda x, y: int(median(near(rows, x + dx, y + dy) for dx, dy in around)))


def mean(rows: Rows, radius: int, dx: int, dy: int) -> Rows:
    steps = range(-radius, radius + 1)
    return each(
        rows,
        lambda x, y: (
            (sum(near(rows, x + dx * step, y + dy * step) for step in steps) + radius) // len(steps)
        ),
    )


def blur(rows: Rows, radius: int) -> Rows:
    for _ in range(3):
        rows = mean(mean(rows, radius, 1, 0), radius, 0, 1)
    return rows


PATTERN: Rows = [[(x * 31 + y * 57 + x * y * 13) % 256 for x in range(13)] for y in range(9)]


async def test_grey_filters_are_what_python_computes(run: Filter) -> None:
    picture = pgm(PATTERN)
    assert rows_of(await run.picture(picture, "edges")) == sobel(PATTERN)
    assert rows_of(await run.picture(picture, "despeckle")) == medians(PATTERN)
    assert rows_of(await run.picture(picture, "grey")) == PATTERN
    assert rows_of(await run.picture(picture, "blur:2")) == blur(PATTERN, 2)
    # Wider than the picture.
    assert rows_of(await run.picture(picture, "blur:64")) == blur(PATTERN, 64)


async def test_colours_are_filtered_channel_by_channel(run: Filter) -> None:
    given = Image.open(BytesIO(SHAPES))
    softened = await run.picture(SHAPES, "blur:3")
    sharper = await run.picture(SHAPES, "sharpen:3")
    assert (softened.mode, softened.size) == ("RGB", given.size)
    for channel in range(3):
        before, soft, sharp = (
            rows_of(each.getchannel(channel)) for each in (given, softened, sharper)
        )
        assert soft == blur(before, 3)
        assert sharp == each(
            before,
            lambda x, y, b=before, s=soft: min(255, max(0, 2 * b[y][x] - s[y][x])),  # type: ignore[misc]
        )


async def test_brightness_has_the_weights_of_bt_709(run: Filter) -> None:
    given = Image.open(BytesIO(SHAPES))
    red, green, blue = (given.getchannel(channel).tobytes() for channel in range(3))
    expected = bytes(
        (2126 * r + 7152 * g + 722 * b + 5000) // 10_000
        for r, g, b in zip(red, green, blue, strict=True)
    )
    assert (await run.picture(SHAPES, "grey")).tobytes() == expected


async def test_filters_follow_each_other_as_the_sample_says(run: Filter) -> None:
    report = await run.report(SHAPES, "despeckle", "edges")
    assert report.output == (SAMPLES / "shapes.edges.pgm").read_bytes()
    assert (await run.picture(SHAPES, "invert", "invert")).tobytes() == Image.open(
        BytesIO(SHAPES)
    ).tobytes()


@pytest.mark.parametrize(
    ("picture", "filters", "code"),
    [
        (SHAPES, [], 2),
        (SHAPES, ["polish"], 2),
        (SHAPES, ["blur"], 2),
        (SHAPES, ["blur:"], 2),
        (SHAPES, ["blur:0"], 2),
        (SHAPES, ["blur:65"], 2),
        (SHAPES, ["blur:4294967297"], 2),
        (SHAPES, ["greyish"], 2),
        (b"", ["grey"], 3),
        (b"P3 1 1 255\n0", ["grey"], 3),
        (b"P5 0 1 255\n", ["grey"], 3),
        (b"P5 1 1 65535\n\0\0", ["grey"], 3),
        (b"P5 99999999999 1 255\n", ["grey"], 3),
        (b"P5 8192 8192 255\n", ["grey"], 3),
        (SHAPES[:-1], ["grey"], 3),
    ],
)
async def test_what_it_cannot_do_ends_with_its_exit_code(
    run: Filter, picture: bytes, filters: list[str], code: int
) -> None:
    assert await run.outcome(picture, *filters) == Exited(code)
