"""The agent survives every hostile module, and goes on serving honest runs beside them."""

import gc
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.wasm_tasks.assembler import ECHO
from tests.wasm_tasks.packages import package
from tests.wasm_tasks.sandbox.hostile import CORPUS as STAYING
from tests.wasm_tasks.sandbox.hostile import Hostile
from tests.wasm_tasks.sandbox.hostile_charging import CHARGING
from tests.wasm_tasks.sandbox.hostile_refused import REFUSED

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox

CORPUS = [*STAYING, *CHARGING]
HONEST_RUNS_BESIDE = 5
RSS_GROWTH_MAX_KIB = 50 * 1024


async def complaint_about(sandbox: Sandbox, hostile: Hostile) -> str | None:
    """Run ``hostile`` and return what is wrong with its outcome, or None."""
    fields: dict[str, Any] = {"input": b"", "fuel_max": 10**7, **hostile.request}
    report = await sandbox.execute(package(hostile.module), RunRequest(**fields))
    if hostile.fuel not in (None, report.fuel):
        return f"{hostile.name}: {report.fuel} fuel, {hostile.fuel} expected"
    if hostile.outcome is Ok:
        match report.outcome:
            case Ok(_, size) if size == hostile.output_size:
                return None
            case _:
                return f"{hostile.name}: {report}"
    return None if report.outcome == hostile.outcome else f"{hostile.name}: {report}"


def complaint_about_refused(name: str, module: bytes, words: str) -> str | None:
    """Open a package of ``module`` as an agent does, which must refuse it."""
    try:
        package(module)
    except RemoteProtocolError as error:
        return None if words in str(error) else f"{name}: {error}"
    return f"{name}: not refused"


def forget_peak() -> None:
    """Let the kernel measure the peak of this process's memory from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def read_peak_kib() -> int:
    (line,) = [
        each
        for each in Path("/proc/self/status").read_text().splitlines()
        if each.startswith("VmHWM:")
    ]
    return int(line.split()[1])


async def serve_honestly(sandbox: Sandbox, echo: Package) -> None:
    for number in range(HONEST_RUNS_BESIDE):
        text = f"honest run {number}".encode()
        report = await sandbox.execute(echo, RunRequest(input=text, fuel_max=100))
        assert (report.output, report.fuel) == (text, 10)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads its memory through /proc")
async def test_each_hostile_module_comes_to_its_stated_end_beside_honest_runs(
    tmp_path: Path,
) -> None:
    complaints: list[str | None] = []
    echo = package(ECHO)
    gc.collect()
    forget_peak()
    before_kib = read_peak_kib()

    async def attack(hostile: Hostile) -> None:
        complaints.append(await complaint_about(sandbox, hostile))

    async with trio.open_nursery() as nursery:
        sandbox = Sandbox(tmp_path, workers=2)
        await nursery.start(sandbox.run)
        for hostile in CORPUS:
            async with trio.open_nursery() as both:
                both.start_soon(attack, hostile)
                both.start_soon(serve_honestly, sandbox, echo)
        nursery.cancel_scope.cancel()
    complaints += [complaint_about_refused(name, *each) for name, each in REFUSED.items()]

    assert [each for each in complaints if each] == []
    assert len(complaints) == len(CORPUS) + len(REFUSED)
    assert read_peak_kib() - before_kib < RSS_GROWTH_MAX_KIB
