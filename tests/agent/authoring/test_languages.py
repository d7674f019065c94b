"""Real programs of each language: they start, get what the host gives, and are the same everywhere.

Each program of ``programs`` is built as an author's is, by the compiler of its language; where that
is missing the test is left out.
"""

import re
import subprocess
from pathlib import Path
from shutil import copyfile, which

import pytest

from fogbank_agent.authoring.building import build
from fogbank_agent.authoring.manifest_file import read_manifest
from fogbank_agent.authoring.packing import open_task
from fogbank_agent.authoring.starting import start
from fogbank_agent.authoring.toolchains import build_step
from fogbank_agent.authoring.trial import BOTH_TARGETS, local_sandboxes
from fogbank_agent.errors import MachineError
from fogbank_wasm_tasks.outcome import Exited, Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import RunReport, RunRequest

pytestmark = pytest.mark.slow

PROGRAMS = Path(__file__).parent / "programs"
MAIN = {
    "c": ("probe.c", "main.c"),
    "zig": ("probe.zig", "main.zig"),
    "rust": ("probe.rs", "src/main.rs"),
    "go": ("probe.go", "main.go"),
    "assemblyscript": ("probe.ts", "main.ts"),
}
RANDOM = 5
DEBIAN = "c with Debian's clang"
LIBRARY = Path("/usr/include/wasm32-wasi")


@pytest.fixture(scope="module", params=[*MAIN, DEBIAN])
def task(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Return the program of a language, built; skip where its compiler is not."""
    folder = tmp_path_factory.mktemp("task")
    module = (
        build_with_clang(folder) if request.param == DEBIAN else build_it(folder, request.param)
    )
    return open_task(module.read_bytes(), "probe")


def build_it(folder: Path, language: str) -> Path:
    start(folder, "probe", language)
    manifest = read_manifest(folder)
    try:
        build_step(manifest, folder)
    except MachineError as missing:
        pytest.skip(str(missing))
    program, main = MAIN[language]
    copyfile(PROGRAMS / program, folder / main)
    return build(manifest, folder)


def build_with_clang(folder: Path) -> Path:
    clang = which("clang")
    if clang is None or not LIBRARY.is_dir():
        pytest.skip("clang and wasi-libc are not installed: apt install clang lld wasi-libc")
    module = folder / "probe.wasm"
    command = [clang, "--target=wasm32-wasi", "-O2", "-o", str(module)]
    command.append(str(PROGRAMS / "probe.c"))
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if "libclang_rt.builtins" in finished.stderr:
        pytest.skip("clang's library is not installed: apt install libclang-rt-dev-wasm32")
    assert finished.returncode == 0, finished.stderr
    return module


def order(data: bytes, seed: int = 7) -> RunRequest:
    return RunRequest(
        input=data,
        fuel_max=10**9,
        arguments=("one", "two words"),
        environment=[("EMPTY", ""), ("PLACE", "here")],
        seed=seed,
    )


def told(report: RunReport) -> tuple[object, bytes, int, bytes]:
    return report.outcome, report.output, report.fuel, report.diagnostics


def check_lines(output: bytes) -> None:
    lines = output.decode().splitlines()
    assert lines[:RANDOM] + lines[RANDOM + 1 :] == [
        "arguments [task] [one] [two words]",
        "environment [here] []",
        "input 3 294",
        "year 2020",
        "slept 2",
        "file refused",
        "terminal no",
    ]
    assert re.fullmatch("random [0-9a-f]{16}", lines[RANDOM])


async def test_a_program_gets_all_that_the_host_gives_the_same_everywhere(task: Package) -> None:
    # In one test, because a module of two megabytes is compiled once for each sandbox.
    async with local_sandboxes(BOTH_TARGETS) as sandboxes:
        native, portable = sandboxes.values()
        first, again, other, ended = [
            await native.execute(task, each)
            for each in (order(b"abc"), order(b"abc"), order(b"abc", seed=8), order(b""))
        ]
        elsewhere = [await portable.execute(task, each) for each in (order(b"abc"), order(b""))]

    assert isinstance(first.outcome, Ok), first
    check_lines(first.output)
    assert first.diagnostics == b"told on the side\n"
    assert told(again) == told(first)
    assert ended.outcome == Exited(3)
    assert [told(each) for each in elsewhere] == [told(first), told(ended)]
    # Another seed gives other random bytes, and nothing else differs.
    lines, others = first.output.splitlines(), other.output.splitlines()
    assert [at for at, line in enumerate(lines) if others[at] != line] == [RANDOM]
