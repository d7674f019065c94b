"""The longest messages between agent and worker fit into the memory that a worker may have."""

import sys
from pathlib import Path

import pytest
import trio
from tests.wasm_tasks.packages import command, package, reactor
from tests.wasm_tasks.sandbox.hostile import FD_READ, FD_WRITE
from tests.wasm_tasks.sandbox.processes import WORKER, children

from fogbank_wasm_tasks.limits import (
    INPUT_BYTES_MAX,
    MEMORY_BYTES_MAX,
    OUTPUT_BYTES_MAX,
    PAGE_BYTES,
)
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.requests import Accepted, VerifyRequest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="a worker's memory is limited there"),
]

RUNS = 2
"""As many inputs and outputs as would not fit, were they kept until later."""

USE_ALL_MEMORY = (
    f"(drop (memory.grow (i32.const {MEMORY_BYTES_MAX // PAGE_BYTES - 1})))"
    f"(memory.fill (i32.const 0) (i32.const 7) (i32.const {MEMORY_BYTES_MAX}))"
)
COPY = command(
    USE_ALL_MEMORY + f"(i32.store (i32.const 0) (i32.const {PAGE_BYTES}))"
    f"(i32.store (i32.const 4) (i32.const {INPUT_BYTES_MAX}))"
    "(drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))"
    "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))",
    fields=FD_READ + FD_WRITE,
)
VERIFIER = reactor(
    "i64.const 0",
    alloc=f"(i32.sub (i32.const {MEMORY_BYTES_MAX}) (i32.mul (local.get 0) (i32.const 2)))",
    fields='(func (export "verify") (param i32 i32 i32 i32) (result i32) i32.const 1)',
    memory=str(MEMORY_BYTES_MAX // PAGE_BYTES),
)


async def test_the_longest_inputs_and_outputs_pass_through_one_worker(tmp_path: Path) -> None:
    data = bytes(range(256)) * (INPUT_BYTES_MAX // 256)
    request = RunRequest(input=data, fuel_max=10**9, wall_s_max=600)
    copy, verifier = package(COPY), package(VERIFIER)

    async with trio.open_nursery() as nursery:
        sandbox = Sandbox(tmp_path, workers=1)
        await nursery.start(sandbox.run)
        for _ in range(RUNS):
            report = await sandbox.execute(copy, request)
            assert isinstance(report.outcome, Ok)
            assert report.output == data
            assert report.peak_memory_bytes == MEMORY_BYTES_MAX
        worker = children(WORKER)
        asked = VerifyRequest(run=request, claimed=bytes(OUTPUT_BYTES_MAX))
        assert (await sandbox.verify(verifier, asked)).verdict == Accepted()
        assert children(WORKER) == worker
        nursery.cancel_scope.cancel()
