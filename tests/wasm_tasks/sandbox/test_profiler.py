"""Profiles of whole runs, in a child of their own."""

import pytest
from tests.wasm_tasks.packages import command, package, reactor, wasi

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.outcome import Exited, HostFault, HostFaultKind, Ok, OutOfFuel, Trap
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.profile import Profile, ShareKind
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.profiler import profile

pytestmark = pytest.mark.slow

WRITER = package(
    command(
        "(call $count) (call $count) (drop (call $fd_write (i32.const 1) (i32.const 0) "
        "(i32.const 1) (i32.const 32))) (call $proc_exit (i32.const 0))",
        fields=wasi("fd_write", "(param i32 i32 i32 i32) (result i32)")
        + wasi("proc_exit", "(param i32)")
        + "(func $count) (func $never)"
        + '(data (i32.const 0) "\\40\\00\\00\\00\\05\\00\\00\\00")',
    )
)


def request(fuel_max: int = 10**7, wall_s_max: float = 60.0) -> RunRequest:
    return RunRequest(input=b"", fuel_max=fuel_max, wall_s_max=wall_s_max)


def shares(found: Profile) -> dict[str, tuple[int, int]]:
    assert sum(share.fuel for share in found.shares) == found.report.fuel
    return {share.name: (share.fuel, share.calls) for share in found.shares}


async def test_all_fuel_of_a_run_is_somewhere_the_hosts_too() -> None:
    found = await profile(WRITER, request())
    assert isinstance(found.report.outcome, Ok)
    assert found.report.output == bytes(5)
    assert shares(found) == {
        "wasi_snapshot_preview1.fd_write": (1_005, 1),
        "wasi_snapshot_preview1.proc_exit": (1_000, 1),
        "_start": (10, 1),
        "count": (2, 2),
    }
    [start] = [share for share in found.shares if share.name == "_start"]
    assert (start.kind, start.index, start.exports) == (ShareKind.FUNCTION, 4, ["_start"])


async def test_names_that_the_caller_knows_are_used() -> None:
    assert "adder" in shares(await profile(WRITER, request(), names={2: "adder"}))
    assert "function 2" in shares(await profile(WRITER, request(), names={}))


@pytest.mark.parametrize(
    ("task", "fuel_max", "outcome"),
    [
        (WRITER, 1_500, OutOfFuel()),
        (WRITER, 3, OutOfFuel()),
        (package(command("(loop (br 0))")), 10_000, OutOfFuel()),
        (
            package(command("(drop (i32.div_u (i32.const 1) (i32.const 0)))")),
            99,
            Trap("division_by_zero"),
        ),
        (package(command("unreachable")), 99, Trap("unreachable")),
        (package(command("(call 0)")), 10**7, Trap("call_depth")),
        (package(reactor("(i64.const -1)")), 99, Trap("result_out_of_bounds")),
        (package(reactor("(i64.const 0)", alloc="unreachable")), 99, Trap("unreachable")),
        (
            package(command("(call 0 (i32.const 7))", fields=wasi("proc_exit", "(param i32)"))),
            5_000,
            Exited(7),
        ),
    ],
)
async def test_however_a_run_ends_its_shares_sum_to_its_fuel(
    task: Package, fuel_max: int, outcome: object
) -> None:
    found = await profile(task, request(fuel_max))
    assert found.report.outcome == outcome
    assert shares(found)
    beyond = [share.fuel for share in found.shares if share.kind is ShareKind.BEYOND]
    assert all(fuel < 0 for fuel in beyond)
    assert not beyond or outcome == OutOfFuel()


async def test_a_run_without_end_is_given_up() -> None:
    endless = package(command("(loop (br 0))"))
    found = await profile(endless, request(1 << 41, wall_s_max=0.5), compile_s_max=0.5)
    assert found.report.outcome == HostFault(HostFaultKind.TIME_LIMIT)
    assert found.shares == ()


async def test_what_does_not_validate_is_refused() -> None:
    broken = package(command("(drop (i32.const 1))")).module.replace(b"\x41\x01", b"\x20\x01")
    with pytest.raises(RemoteProtocolError, match="does not validate"):
        await profile(package(broken), request())
