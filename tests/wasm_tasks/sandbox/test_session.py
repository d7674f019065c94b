"""Sessions in real workers: an instance that remembers (SPEC.md section 7.14)."""

import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from tests.wasm_tasks.assembler import command
from tests.wasm_tasks.packages import package, reactor, wasi
from tests.wasm_tasks.sandbox.processes import WORKER, children, wait_until

from fogbank_protocol.errors import LocalProtocolError
from fogbank_wasm_tasks.limits import CALL_BYTES_MAX, FUEL_MAX
from fogbank_wasm_tasks.outcome import HostFault, HostFaultKind, Ok, OutOfFuel, Trap
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.sandbox.session import Session, SessionOver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]

COUNTER = package(
    reactor(
        # Adds the length of each input to a global, and answers with the sum in one byte.
        "(global.set $sum (i32.add (global.get $sum) (local.get 1)))"
        "(if (i32.eq (local.get 1) (i32.const 13)) (then unreachable))"
        "(if (i32.eq (local.get 1) (i32.const 14)) (then (loop (br 0))))"
        "(i32.store8 (i32.const 8) (global.get $sum))"
        "(i64.or (i64.shl (i64.const 8) (i64.const 32)) (i64.const 1))",
        fields="(global $sum (mut i32) (i32.const 100))",
    )
)
STREAMS = package(
    reactor(
        # The first byte of the answer is random, the next eight are the time.
        "(drop (call $random_get (i32.const 8) (i32.const 1)))"
        "(drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 9)))"
        "(i64.or (i64.shl (i64.const 8) (i64.const 32)) (i64.const 9))",
        fields=wasi("random_get", "(param i32 i32) (result i32)")
        + wasi("clock_time_get", "(param i32 i64 i32) (result i32)"),
    )
)

NO_REACTOR = package(command(b""))
REQUEST = RunRequest(input=b"", fuel_max=10**6)


@asynccontextmanager
async def session(
    folder: Path, task: Package = COUNTER, fuel_max: int = 10**6
) -> AsyncGenerator[tuple[Sandbox, Session]]:
    async with trio.open_nursery() as nursery:
        sandbox = Sandbox(folder, workers=1)
        await nursery.start(sandbox.run)
        request = RunRequest(input=b"", fuel_max=fuel_max)
        async with sandbox.open_session(task, request) as opened:
            yield sandbox, opened
        nursery.cancel_scope.cancel()


async def test_calls_find_the_state_that_earlier_ones_left(tmp_path: Path) -> None:
    async with session(tmp_path, fuel_max=60) as (_, opened):
        begun = await opened.begin(10)
        reports = [await opened.call(bytes(length), 10) for length in (1, 2, 0, 5)]
    assert (begun.output, begun.fuel) == (b"", 0)
    assert [report.output[0] for report in reports] == [101, 103, 103, 108]
    # Fuel is given anew for each call.
    assert len({report.fuel for report in reports}) == 1
    assert 0 < reports[0].fuel <= 60 < sum(report.fuel for report in reports)
    assert all(isinstance(report.outcome, Ok) for report in reports)


async def test_the_random_stream_goes_on_and_the_clock_begins_anew(tmp_path: Path) -> None:
    async with session(tmp_path, STREAMS) as (_, opened):
        await opened.begin(10)
        outputs = [(await opened.call(b"", 10)).output for _ in range(4)]
    assert len({output[:1] for output in outputs}) > 1
    assert len({output[1:] for output in outputs}) == 1


@pytest.mark.parametrize(
    ("length", "outcome", "fuel"),
    [(13, Trap("unreachable"), None), (14, OutOfFuel(), 10**6)],
)
async def test_a_call_that_fails_ends_the_session(
    tmp_path: Path, length: int, outcome: object, fuel: int | None
) -> None:
    async with session(tmp_path) as (_, opened):
        await opened.begin(10)
        await opened.call(b"x", 10)
        with pytest.raises(SessionOver) as over:
            await opened.call(bytes(length), 10)
        assert over.value.outcome == outcome
        assert fuel is None or over.value.fuel == fuel
        assert not opened.is_alive
        with pytest.raises(SessionOver):
            await opened.call(b"x", 10)


async def test_a_worker_that_is_killed_between_calls_is_seen(tmp_path: Path) -> None:
    async with session(tmp_path) as (_, opened):
        await opened.begin(10)
        assert opened.is_alive
        [worker] = children(WORKER)
        os.kill(worker, signal.SIGKILL)
        await wait_until(lambda: not opened.is_alive)
        with pytest.raises(SessionOver) as over:
            await opened.call(b"x", 10)
        assert over.value.outcome == HostFault(HostFaultKind.WORKER_DIED)


async def test_a_call_that_takes_too_long_ends_the_session(tmp_path: Path) -> None:
    async with session(tmp_path, fuel_max=FUEL_MAX) as (_, opened):
        await opened.begin(10)
        with pytest.raises(SessionOver) as over:
            await opened.call(bytes(14), 0.05)
        assert over.value.outcome == HostFault(HostFaultKind.TIME_LIMIT)


async def test_a_session_holds_up_no_run_and_its_worker_ends_with_it(tmp_path: Path) -> None:
    async with session(tmp_path) as (sandbox, opened):
        await opened.begin(10)
        [kept] = children(WORKER)
        report = await sandbox.execute(COUNTER, RunRequest(input=b"xx", fuel_max=10**6))
        assert report.output == bytes([102])
        with pytest.raises(LocalProtocolError):
            await opened.call(bytes(CALL_BYTES_MAX + 1), 10)
        with pytest.raises(LocalProtocolError):
            async with sandbox.open_session(
                package(command(b"")), RunRequest(input=b"", fuel_max=1)
            ):
                pass
    await wait_until(lambda: kept not in children(WORKER))
