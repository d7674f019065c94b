"""The agent survives every hostile module, and goes on serving honest runs beside them."""

import gc
import resource
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.wasm_tasks.assembler import ECHO
from tests.wasm_tasks.packages import package
from tests.wasm_tasks.sandbox.hostile import CORPUS, Hostile

from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox

RSS_GROWTH_MAX_KIB = 50 * 1024


async def complaint_about(sandbox: Sandbox, hostile: Hostile) -> str | None:
    """Run ``hostile`` and return what is wrong with its outcome, or None."""
    fields: dict[str, Any] = {"input": b"", "fuel_max": 10**7, **hostile.request}
    report = await sandbox.execute(package(hostile.module), RunRequest(**fields))
    if hostile.outcome is Ok:
        match report.outcome:
            case Ok(_, size) if size == hostile.output_size:
                return None
            case _:
                return f"{hostile.name}: {report}"
    return None if report.outcome == hostile.outcome else f"{hostile.name}: {report}"


async def echo_until(done: trio.Event, sandbox: Sandbox, echo: Package) -> int:
    count = 0
    while not done.is_set():
        text = f"honest run {count}".encode()
        report = await sandbox.execute(echo, RunRequest(input=text, fuel_max=100))
        assert (report.output, report.fuel) == (text, 10)
        count += 1
    return count


@pytest.mark.slow
async def test_each_hostile_module_comes_to_its_stated_end_beside_honest_runs(
    tmp_path: Path,
) -> None:
    complaints: list[str | None] = []
    honest: list[int] = []
    done = trio.Event()
    echo = package(ECHO)
    gc.collect()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def attack() -> None:
        for hostile in CORPUS:
            complaints.append(await complaint_about(sandbox, hostile))
        done.set()

    async def serve() -> None:
        honest.append(await echo_until(done, sandbox, echo))

    async with trio.open_nursery() as nursery:
        sandbox = Sandbox(tmp_path, workers=2)
        await nursery.start(sandbox.run)
        async with trio.open_nursery() as both:
            both.start_soon(attack)
            both.start_soon(serve)
        nursery.cancel_scope.cancel()

    assert [each for each in complaints if each] == []
    assert len(complaints) == len(CORPUS)
    assert honest[0] > len(CORPUS)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    assert grown_kib < RSS_GROWTH_MAX_KIB
