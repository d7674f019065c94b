"""The sandbox with real workers."""

import os
import platform
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import trio
from tests.wasm_tasks.assembler import ECHO, command
from tests.wasm_tasks.packages import command as command_text
from tests.wasm_tasks.packages import package, reactor, wasi
from tests.wasm_tasks.sandbox.hostile import RANDOM_GET, nested_blocks
from tests.wasm_tasks.sandbox.processes import COMPILER, WORKER, children, wait_until

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_wasm_tasks.errors import SandboxBusy
from fogbank_wasm_tasks.limits import FUEL_MAX, RUNS_QUEUED_MAX
from fogbank_wasm_tasks.outcome import HostFault, HostFaultKind, Ok, OutOfFuel, Trap
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]

LOOP = command(b"\x03\x40\x0c\0\x0b")
FOREVER = RunRequest(input=b"", fuel_max=FUEL_MAX, wall_s_max=60)


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


async def wait_until_running(sandbox: Sandbox) -> None:
    """Wait until there is a worker for a run that does not end: starting, or at it."""
    await wait_until(lambda: sandbox.running and children(WORKER))


async def test_a_run_is_reported_with_its_output_and_its_name(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        report = await sandbox.execute(package(ECHO), order())

    assert report.outcome == Ok(blob_id(b"hello"), 5)
    assert (report.output, report.fuel, report.peak_memory_bytes) == (b"hello", 10, 65_536)


async def test_a_package_file_will_do(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        report = await sandbox.execute(package(ECHO).data, order(b"file"))
        assert report.output == b"file"

        with pytest.raises(RemoteProtocolError):
            await sandbox.execute(b"no package", order())


async def test_no_worker_is_started_before_it_is_needed_and_none_is_left(tmp_path: Path) -> None:
    async with running(tmp_path, workers=3) as sandbox:
        assert children(WORKER) == []
        await sandbox.execute(package(ECHO), order())
        first = children(WORKER)
        assert len(first) == 1

        await sandbox.execute(package(ECHO), order())
        assert children(WORKER) == first
    assert children(WORKER) == []


async def test_runs_of_several_modules_go_on_side_by_side(tmp_path: Path) -> None:
    answers: dict[int, bytes] = {}

    async def run_one(number: int) -> None:
        constant = package(reactor(f"i64.const {number}"))
        answers[number] = (await sandbox.execute(constant, order())).output

    async with running(tmp_path, workers=2) as sandbox, trio.open_nursery() as nursery:
        for number in range(12):
            nursery.start_soon(run_one, number)

    assert answers == {number: bytes(number) for number in range(12)}


async def test_large_inputs_and_outputs_pass(tmp_path: Path) -> None:
    size = 20 * 1024 * 1024
    text = reactor(
        "local.get 0 i64.extend_i32_u i64.const 32 i64.shl local.get 1 i64.extend_i32_u i64.or",
        memory="400",
    )
    data = os.urandom(size)

    async with running(tmp_path) as sandbox:
        report = await sandbox.execute(package(text), order(data))

    assert report.output == data
    assert report.outcome == Ok(blob_id(data), size)


async def test_a_run_that_takes_too_long_is_this_machine_s_fault(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        report = await sandbox.execute(package(LOOP), order(fuel_max=FUEL_MAX, wall_s_max=0.2))
        assert report.outcome == HostFault(HostFaultKind.TIME_LIMIT)
        assert report.fuel == 0

        assert (await sandbox.execute(package(ECHO), order())).output == b"hello"


async def test_cancelling_a_run_kills_its_worker_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sandbox.execute, package(LOOP), FOREVER)
            await wait_until_running(sandbox)
            cancelled_at = trio.current_time()
            nursery.cancel_scope.cancel()

        # Not a matter of speed but of being killed: the run itself would go on for a minute.
        assert trio.current_time() - cancelled_at < 5
        assert children(WORKER) == []
        assert sandbox.running == 0
        assert (await sandbox.execute(package(ECHO), order())).output == b"hello"


async def test_a_worker_that_dies_is_a_host_fault_and_is_replaced(tmp_path: Path) -> None:
    outcomes: list[Any] = []

    async def run_loop() -> None:
        outcomes.append((await sandbox.execute(package(LOOP), FOREVER)).outcome)

    async with running(tmp_path) as sandbox:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_loop)
            await wait_until_running(sandbox)
            os.kill(children(WORKER)[0], signal.SIGKILL)
        assert outcomes == [HostFault(HostFaultKind.WORKER_DIED)]

        assert (await sandbox.execute(package(ECHO), order())).output == b"hello"


async def test_an_idle_worker_is_stopped(tmp_path: Path) -> None:
    async with running(tmp_path, idle_s_max=0.1) as sandbox:
        await sandbox.execute(package(ECHO), order())
        await wait_until(lambda: not children(WORKER))

        assert (await sandbox.execute(package(ECHO), order())).output == b"hello"


async def test_only_so_many_runs_may_wait(tmp_path: Path) -> None:
    loop = package(LOOP)
    async with running(tmp_path) as sandbox, trio.open_nursery() as nursery:
        await sandbox.prepare(loop)
        for _ in range(1 + RUNS_QUEUED_MAX):
            nursery.start_soon(sandbox.execute, loop, FOREVER)
        await wait_until(lambda: sandbox.waiting == RUNS_QUEUED_MAX)

        with pytest.raises(SandboxBusy):
            await sandbox.execute(loop, FOREVER)
        nursery.cancel_scope.cancel()


async def test_stopping_the_sandbox_ends_its_runs_as_host_faults(tmp_path: Path) -> None:
    outcomes: list[Any] = []

    async def run_loop(sandbox: Sandbox) -> None:
        outcomes.append((await sandbox.execute(package(LOOP), FOREVER)).outcome)

    async with trio.open_nursery() as nursery, running(tmp_path) as sandbox:
        nursery.start_soon(run_loop, sandbox)
        await wait_until_running(sandbox)

    assert outcomes == [HostFault(HostFaultKind.WORKER_DIED)]
    assert children(WORKER) == []


async def test_progress_is_told_by_runs_that_call_the_host(tmp_path: Path) -> None:
    told: list[int] = []
    text = command_text(
        "loop (drop (call $random_get (i32.const 0) (i32.const 8))) br 0 end", fields=RANDOM_GET
    )

    with trio.CancelScope() as until_told_twice:

        def hear(fuel: int) -> None:
            told.append(fuel)
            if len(told) == 2:
                until_told_twice.cancel()

        async with running(tmp_path) as sandbox:
            await sandbox.execute(package(text), FOREVER, on_progress=hear)

    assert len(told) >= 2
    assert told == sorted(told)
    assert told[0] > 1_000


async def test_what_a_run_prints_is_kept_for_its_author(tmp_path: Path) -> None:
    text = command_text(
        "(i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 4))"
        "(drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))",
        fields=wasi("fd_write", "(param i32 i32 i32 i32) (result i32)")
        + '(data (i32.const 16) "oops")',
    )

    async with running(tmp_path) as sandbox:
        report = await sandbox.execute(package(text), order())

    assert (report.output, report.diagnostics) == (b"", b"oops")


async def test_the_stricter_limit_of_package_and_order_holds(tmp_path: Path) -> None:
    grow = reactor("i32.const 1 memory.grow i64.extend_i32_s i64.const 9 i64.and")

    async with running(tmp_path) as sandbox:
        two_pages = package(grow, memory_bytes_max=2 * 65_536)
        assert len((await sandbox.execute(two_pages, order())).output) == 1
        one_page = order(memory_bytes_max=65_536)
        assert len((await sandbox.execute(two_pages, one_page)).output) == 9
        short = package(ECHO, output_bytes_max=4)
        assert not isinstance((await sandbox.execute(short, order())).outcome, Ok)


async def test_an_order_of_less_memory_than_the_module_begins_with_is_refused(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as sandbox:
        with pytest.raises(RemoteProtocolError) as caught:
            await sandbox.execute(package(ECHO), order(memory_bytes_max=65_535))
    assert caught.value.rule == "7.5"


async def test_a_module_that_does_not_validate_is_the_author_s_fault(tmp_path: Path) -> None:
    # An addition of nothing: fine to read, but not to compile.
    wrong = package(command(b"\x6a\x1a"))

    async with running(tmp_path) as sandbox:
        for _ in range(2):
            with pytest.raises(RemoteProtocolError, match="does not validate") as caught:
                await sandbox.execute(wrong, order())
            assert caught.value.rule == "7.2"
        assert children(WORKER) == children(COMPILER) == []


async def test_a_module_that_takes_too_long_to_compile_is_given_up_once(tmp_path: Path) -> None:
    bomb = package(nested_blocks(b"\x03\x40", 16, 256))

    async with running(tmp_path, compile_s_max=0.1) as sandbox:
        report = await sandbox.execute(bomb, order())
        assert report.outcome == HostFault(HostFaultKind.COMPILE_LIMIT)
        assert children(COMPILER) == []

        # Remembered: not even a worker is started for it.
        report = await sandbox.execute(bomb, order())
        assert report.outcome == HostFault(HostFaultKind.COMPILE_LIMIT)
    assert not list(tmp_path.glob("*.native"))


async def test_a_module_is_compiled_once_for_all_who_want_it_and_all_lives(tmp_path: Path) -> None:
    echo = package(ECHO)
    async with running(tmp_path, workers=2) as sandbox, trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(sandbox.execute, echo, order())
        await wait_until(lambda: children(COMPILER))
        assert len(children(COMPILER)) == 1
    made = {path: path.stat().st_ino for path in tmp_path.glob("*.native")}
    assert len(made) == 1

    async with running(tmp_path) as sandbox:
        assert (await sandbox.execute(echo, order())).output == b"hello"
    assert {path: path.stat().st_ino for path in tmp_path.glob("*.native")} == made


async def test_damaged_native_code_is_made_anew(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        await sandbox.prepare(package(ECHO))
    (file,) = tmp_path.glob("*.native")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)

    async with running(tmp_path) as sandbox:
        assert (await sandbox.execute(package(ECHO), order())).output == b"hello"
    assert file.read_bytes() != data


async def test_a_trap_is_billed_exactly_though_the_first_code_does_not_know_its_fuel(
    tmp_path: Path,
) -> None:
    # A loop of three rounds that divides by 2, 1 and 0; the segment of a round weighs 9.
    code = b"\x41\x02\x21\0\x03\x40\x41\x01\x20\0\x6e\x1a\x20\0\x41\x01\x6b\x21\0\x41\x01\x0d\0\x0b"
    module = command(code, local_groups=b"\x01\x01\x7f")
    async with running(tmp_path) as sandbox:
        report = await sandbox.execute(package(module), order())

    assert (report.outcome, report.fuel) == (Trap("division_by_zero"), 3 + 3 * 9)


async def test_out_of_fuel_is_the_same_on_every_run(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        reports = [await sandbox.execute(package(LOOP), order(fuel_max=777)) for _ in range(3)]

    assert {(report.outcome, report.fuel) for report in reports} == {(OutOfFuel(), 777)}


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "aarch64"), reason="no filter for this processor"
)
async def test_a_worker_has_shut_itself_in(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        protection = await sandbox.check()
        worker = children(WORKER)[0]
        status = Path(f"/proc/{worker}/status").read_text()
        descriptors = len(list(Path(f"/proc/{worker}/fd").iterdir())) if os.getuid() == 0 else 0

    assert protection.no_new_privileges
    assert protection.seccomp
    assert protection.network_closed
    assert protection.files_closed
    assert protection.programs_closed
    assert protection.memory_limited
    # The kernel's word for the same.
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert descriptors <= 5


async def test_using_a_sandbox_that_does_not_run_is_our_own_fault(tmp_path: Path) -> None:
    with pytest.raises(LocalProtocolError):
        await Sandbox(tmp_path, workers=1).execute(package(ECHO), order())
    with pytest.raises(LocalProtocolError):
        Sandbox(tmp_path, workers=0)


AGENT = dedent(
    """
    import sys, trio
    from pathlib import Path
    from fogbank_wasm_tasks.package import open_package
    from fogbank_wasm_tasks.run import RunRequest
    from fogbank_wasm_tasks.sandbox.pool import Sandbox

    async def main():
        package = open_package(Path(sys.argv[1]).read_bytes())
        async with trio.open_nursery() as nursery:
            sandbox = Sandbox(Path(sys.argv[2]), workers=1)
            await nursery.start(sandbox.run)
            await sandbox.prepare(package)
            assert "wasmtime" not in sys.modules
            print("runs", flush=True)
            await sandbox.execute(package, RunRequest(input=b"", fuel_max=2**42 - 1))

    trio.run(main)
    """
)


async def test_a_worker_does_not_outlive_an_agent_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "loop.fogpkg"
    file.write_bytes(package(LOOP).data)
    agent = await trio.lowlevel.open_process(
        [sys.executable, "-c", AGENT, str(file), str(tmp_path / "native")], stdout=subprocess.PIPE
    )
    assert agent.stdout is not None
    assert (await agent.stdout.receive_some()).startswith(b"runs")
    await wait_until(lambda: children(WORKER, agent.pid))
    workers = children(WORKER, agent.pid)

    agent.kill()
    await agent.wait()

    await wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    await agent.stdout.aclose()


WITHOUT_EXECUTABLE_MEMORY = dedent(
    """
    import ctypes, sys, trio
    from pathlib import Path
    from fogbank_wasm_tasks.errors import SandboxUnavailable
    from fogbank_wasm_tasks.sandbox.pool import Sandbox

    PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
    if ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
        sys.exit(77)

    async def main():
        async with trio.open_nursery() as nursery:
            sandbox = Sandbox(Path(sys.argv[1]), workers=1)
            await nursery.start(sandbox.run)
            try:
                await sandbox.check()
            except SandboxUnavailable as error:
                print(error)
            nursery.cancel_scope.cancel()

    trio.run(main)
    """
)


def test_a_machine_that_forbids_executable_memory_is_told_so(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXECUTABLE_MEMORY, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if found.returncode == 77:
        pytest.skip("this kernel cannot forbid it")

    assert "MemoryDenyWriteExecute" in found.stdout, found.stderr
