"""Batches of runs with real workers: each run is as if it were alone."""

import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.wasm_tasks.assembler import ECHO
from tests.wasm_tasks.packages import package, reactor
from tests.wasm_tasks.sandbox.hostile import nested_blocks
from tests.wasm_tasks.sandbox.processes import WORKER, children, wait_until

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.limits import FUEL_MAX, PIPE_BYTES, REPORTS_WAITING_MAX
from fogbank_wasm_tasks.outcome import HostFault, HostFaultKind, Ok, Outcome, OutOfFuel, Trap
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import RunReport, RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]

# What a run does is its input's first letter; most letters are echoed with all that follows.
MOODY = package(
    reactor(
        """(local $mood i32)
        (local.set $mood (i32.load8_u (local.get 0)))
        (if (i32.eq (local.get $mood) (i32.const 76)) (then (loop br 0)))
        (if (i32.eq (local.get $mood) (i32.const 68))
            (then (drop (i32.div_u (i32.const 1) (i32.sub (local.get 1) (local.get 1))))))
        (if (i32.eq (local.get $mood) (i32.const 71)) (then
            (drop (memory.grow (i32.const 10)))
            (return (i64.extend_i32_u (memory.size)))))
        (if (i32.eq (local.get $mood) (i32.const 79)) (then (return (i64.const 5000))))
        (if (i32.eq (local.get $mood) (i32.const 80)) (then (return (i64.const 65537))))
        (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))
                (i64.extend_i32_u (local.get 1)))"""
    )
)
LOOP, DIVIDE, GROW, LONG_OUTPUT, POINT_OUTSIDE = b"L", b"D", b"G", b"O", b"P"


def order(text: bytes = b"hello", **fields: Any) -> RunRequest:
    merged: dict[str, Any] = {"fuel_max": 10**6, **fields}
    return RunRequest(input=text, **merged)


@asynccontextmanager
async def running(folder: Path, **fields: Any) -> AsyncGenerator[Sandbox]:
    async with trio.open_nursery() as nursery:
        merged: dict[str, Any] = {"workers": 1, **fields}
        sandbox = Sandbox(folder, **merged)
        await nursery.start(sandbox.run)
        yield sandbox
        nursery.cancel_scope.cancel()


async def run_all(
    sandbox: Sandbox, task: Package, requests: Sequence[RunRequest]
) -> list[RunReport]:
    """Return the reports of ``requests``, in their order."""
    found: dict[int, RunReport] = {}
    async with sandbox.execute_many(task, requests) as reports:
        async for index, report in reports:
            assert index not in found
            found[index] = report
    assert sorted(found) == list(range(len(requests)))
    return [found[index] for index in range(len(requests))]


def echoed(text: bytes) -> Outcome:
    return Ok(blob_id(text), len(text))


async def test_a_batch_says_what_each_run_alone_would_say(tmp_path: Path) -> None:
    requests = [
        order(b"a"),
        order(b"b", fuel_max=5),
        order(DIVIDE),
        order(LOOP),
        order(GROW),
        order(GROW, memory_bytes_max=65_536),
        order(LONG_OUTPUT, output_bytes_max=4_999),
        order(LONG_OUTPUT, output_bytes_max=5_000),
        order(POINT_OUTSIDE),
        order(b"c"),
    ]
    async with running(tmp_path, workers=2) as sandbox:
        together = await run_all(sandbox, MOODY, requests * 7)
        alone = [await sandbox.execute(MOODY, request) for request in requests]

    facts = [
        (each.outcome, each.output, each.fuel, each.peak_memory_bytes, each.diagnostics)
        for each in (*alone, *together)
    ]
    assert facts == facts[: len(requests)] * 8
    assert [each.outcome for each in alone] == [
        echoed(b"a"),
        OutOfFuel(),
        Trap("division_by_zero"),
        OutOfFuel(),
        Ok(blob_id(bytes(11)), 11),
        echoed(b"\0"),
        Trap("output_too_large"),
        Ok(alone[7].outcome.output_id, 5_000) if isinstance(alone[7].outcome, Ok) else None,
        Trap("result_out_of_bounds"),
        echoed(b"c"),
    ]


async def test_every_run_of_a_batch_has_a_fresh_instance(tmp_path: Path) -> None:
    counting = reactor(
        "(i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))"
        "(global.set 0 (i32.add (global.get 0) (i32.const 1)))"
        "(drop (table.grow 0 (ref.null func) (i32.const 1)))"
        "(i64.extend_i32_u (i32.add (table.size 0) (i32.add (global.get 0)"
        "  (i32.add (i32.load8_u (i32.const 0)) (i32.load8_u (i32.const 60000))))))"
        "(i32.store8 (i32.const 60000) (i32.const 9))",
        fields="(global (mut i32) (i32.const 0)) (table 1 funcref)",
    )
    async with running(tmp_path) as sandbox:
        reports = await run_all(sandbox, package(counting), [order()] * 300)

    assert {len(report.output) for report in reports} == {4}


async def test_a_run_that_takes_too_long_costs_only_itself(tmp_path: Path) -> None:
    texts = [b"%d" % number for number in range(200)]
    requests = [order(text) for text in texts]
    requests[70] = order(LOOP, fuel_max=FUEL_MAX, wall_s_max=0.3)
    async with running(tmp_path) as sandbox:
        reports = await run_all(sandbox, MOODY, requests)

    assert reports[70].outcome == HostFault(HostFaultKind.TIME_LIMIT)
    assert reports[70].fuel == 0
    assert [each.output for each in reports[:70]] == texts[:70]
    assert [each.output for each in reports[71:]] == texts[71:]


async def test_a_run_that_kills_its_worker_costs_only_itself(tmp_path: Path) -> None:
    texts = [b"%d" % number for number in range(100)]
    requests = [order(text) for text in texts]
    requests[50] = order(LOOP, fuel_max=FUEL_MAX)
    found: dict[int, RunReport] = {}
    async with (
        running(tmp_path) as sandbox,
        sandbox.execute_many(MOODY, requests) as reports,
    ):
        for _ in range(50):
            index, report = await anext(reports)
            found[index] = report
        assert sorted(found) == list(range(50))
        os.kill(children(WORKER)[0], signal.SIGKILL)
        async for index, report in reports:
            found[index] = report

    assert found.pop(50).outcome == HostFault(HostFaultKind.WORKER_DIED)
    assert {index: report.output for index, report in found.items()} == {
        index: text for index, text in enumerate(texts) if index != 50
    }


async def test_reports_come_before_the_batch_is_over(tmp_path: Path) -> None:
    send, receive = trio.open_memory_channel[RunRequest](1)
    async with (
        running(tmp_path) as sandbox,
        send,
        sandbox.execute_many(package(ECHO), receive) as reports,
    ):
        for number in range(5):
            await send.send(order(bytes([number])))
            index, report = await anext(reports)
            assert (index, report.output) == (number, bytes([number]))
        await send.aclose()
        assert [each async for each in reports] == []


async def test_others_are_served_while_a_batch_goes_on(tmp_path: Path) -> None:
    def forever() -> Iterator[RunRequest]:
        while True:
            yield order()

    async with (
        running(tmp_path) as sandbox,
        sandbox.execute_many(package(ECHO), forever()) as reports,
        trio.open_nursery() as nursery,
    ):

        async def take() -> None:
            async for _ in reports:
                pass

        nursery.start_soon(take)
        for number in range(3):
            text = bytes([number])
            assert (await sandbox.execute(MOODY, order(text))).output == text
        assert (await run_all(sandbox, MOODY, [order(b"x")] * 9))[8].output == b"x"
        nursery.cancel_scope.cancel()


async def test_leaving_a_batch_of_short_runs_keeps_the_worker(tmp_path: Path) -> None:
    # Time enough on the slowest machine for the few runs that were sent ahead.
    async with running(tmp_path, cancel_grace_s=60.0) as sandbox:
        await sandbox.execute(package(ECHO), order())
        workers = children(WORKER)
        async with sandbox.execute_many(package(ECHO), [order()] * 50_000) as reports:
            await anext(reports)

        assert sandbox.running == 0
        assert (await sandbox.execute(package(ECHO), order(b"after"))).output == b"after"
        assert children(WORKER) == workers


async def test_leaving_a_batch_of_long_runs_kills_the_worker(tmp_path: Path) -> None:
    requests = [order(), order(LOOP, fuel_max=FUEL_MAX)]
    async with running(tmp_path) as sandbox:
        async with sandbox.execute_many(MOODY, requests) as reports:
            await anext(reports)
            await wait_until(lambda: sandbox.running)

        assert sandbox.running == 0
        assert children(WORKER) == []
        assert (await sandbox.execute(MOODY, order(b"after"))).output == b"after"


async def test_no_more_runs_are_begun_than_reports_are_taken(tmp_path: Path) -> None:
    taken = 0

    def source() -> Iterator[RunRequest]:
        nonlocal taken
        for _ in range(4 * REPORTS_WAITING_MAX):
            taken += 1
            yield order()

    async with (
        running(tmp_path) as sandbox,
        sandbox.execute_many(package(ECHO), source()) as reports,
    ):
        await wait_until(lambda: taken > REPORTS_WAITING_MAX and not sandbox.running)
        assert taken < 2 * REPORTS_WAITING_MAX
        assert len([each async for each in reports]) == 4 * REPORTS_WAITING_MAX


async def test_inputs_and_outputs_larger_than_the_pipe_pass(tmp_path: Path) -> None:
    echo = "local.get 0 i64.extend_i32_u i64.const 32 i64.shl local.get 1 i64.extend_i32_u i64.or"
    text = reactor(echo, memory="40")
    sizes = [10, 3 * PIPE_BYTES, 100, PIPE_BYTES // 2, PIPE_BYTES // 2, 20, 4 * PIPE_BYTES] * 5
    inputs = [os.urandom(size) for size in sizes]
    async with running(tmp_path) as sandbox:
        with trio.fail_after(60):
            reports = await run_all(sandbox, package(text), [order(each) for each in inputs])

    assert [each.output for each in reports] == inputs


async def test_large_outputs_of_small_inputs_pass(tmp_path: Path) -> None:
    text = reactor("i64.const 2000000", memory="40")
    async with running(tmp_path) as sandbox:
        with trio.fail_after(60):
            reports = await run_all(sandbox, package(text), [order()] * 60)

    assert {len(each.output) for each in reports} == {2_000_000}


async def test_a_request_that_cannot_be_run_fails_the_batch_after_what_was_run(
    tmp_path: Path,
) -> None:
    requests = [order(), order(), order(memory_bytes_max=1)]
    seen: list[int] = []
    async with running(tmp_path) as sandbox:
        async with sandbox.execute_many(package(ECHO), requests) as reports:
            with pytest.raises(RemoteProtocolError) as caught:
                seen.extend([index async for index, _ in reports])
        assert caught.value.rule == "7.5"
        assert (await sandbox.execute(package(ECHO), order())).output == b"hello"


async def test_each_run_of_a_module_that_takes_too_long_to_compile_is_a_fault(
    tmp_path: Path,
) -> None:
    bomb = package(nested_blocks(b"\x03\x40", 16, 256))
    async with running(tmp_path, compile_s_max=0.1) as sandbox:
        reports = await run_all(sandbox, bomb, [order()] * 3)

    assert {each.outcome for each in reports} == {HostFault(HostFaultKind.COMPILE_LIMIT)}


async def test_a_source_may_wait(tmp_path: Path) -> None:
    async def source() -> AsyncIterator[RunRequest]:
        for number in range(100):
            await trio.lowlevel.checkpoint()
            yield order(b"%d" % number)

    async with (
        running(tmp_path, workers=2) as sandbox,
        sandbox.execute_many(package(ECHO), source()) as reports,
    ):
        found = {index: report.output async for index, report in reports}

    assert found == {number: b"%d" % number for number in range(100)}


async def test_what_its_user_raises_leaves_a_batch_as_it_is(tmp_path: Path) -> None:
    async def use(sandbox: Sandbox) -> None:
        async with sandbox.execute_many(package(ECHO), [order()] * 3) as reports:
            await anext(reports)
            raise LookupError

    async with running(tmp_path) as sandbox:
        with pytest.raises(LookupError):
            await use(sandbox)
        assert (await sandbox.execute(package(ECHO), order())).output == b"hello"


async def test_what_its_source_raises_comes_after_the_reports_that_there_are(
    tmp_path: Path,
) -> None:
    seen: list[int] = []

    async def source() -> AsyncIterator[RunRequest]:
        yield order()
        await wait_until(lambda: bool(seen))
        raise LookupError

    async def use(sandbox: Sandbox) -> None:
        async with sandbox.execute_many(package(ECHO), source()) as reports:
            async for index, _ in reports:
                seen.append(index)

    async with running(tmp_path) as sandbox:
        with pytest.raises(LookupError):
            await use(sandbox)
    assert seen == [0]


async def test_runs_leave_nothing_behind_in_their_worker(tmp_path: Path) -> None:
    def resident() -> int:
        (worker,) = children(WORKER)
        pages = int(Path(f"/proc/{worker}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    requests = [order(mood) for mood in (b"a", LOOP, GROW, POINT_OUTSIDE, b"b")]
    requests = [order(each.input, fuel_max=300) for each in requests]
    async with running(tmp_path) as sandbox:
        await run_all(sandbox, MOODY, requests * 200)
        before = resident()
        await run_all(sandbox, MOODY, requests * 1_000)
        after = resident()

    # A leak of the smallest thing that a run makes would be 5,000 times a hundred bytes.
    assert after - before < 400_000
