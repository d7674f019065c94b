"""Lots in a real sandbox: whatever ends one has its own name, alone or among others (9.5)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from tests.wasm_tasks.packages import package, reactor

from fogbank_agent.trading.lot_runs import LotWork, execute_lot
from fogbank_agent.trading.own_runs import OwnRuns
from fogbank_agent.trading.ticking import TickUnpaidError
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.terms import Terms

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("runs", [1, 2, 3])]

QUICK = package(reactor("i64.const 0"))
LARGE = package(reactor("i64.const 0", memory="4"))
LONG = package(reactor("loop br 0 end i64.const 0"))


@asynccontextmanager
async def a_sandbox(folder: Path) -> AsyncGenerator[Sandbox]:
    async with trio.open_nursery() as nursery:
        sandbox = Sandbox(folder, workers=1)
        await nursery.start(sandbox.run)
        yield sandbox
        nursery.cancel_scope.cancel()


def lot(task: Package, runs: int, *, fuel: int = 10**9, memory: int = 1 << 20) -> LotWork:
    terms = Terms(
        package_id=task.package_id,
        arguments=(),
        environment=(),
        seed=0,
        fuel_max=fuel,
        memory_bytes_max=memory,
        output_bytes_max=1 << 20,
        plan=None,
        start=None,
    )
    return LotWork(task, terms, [blob_id(b"x")] * runs)


class Unpaid:
    """A pace that a requestor does not keep."""

    slice_fuel = 10**6

    async def reach(self, fuel: int, snapshot: bytes) -> bool:
        del snapshot
        await trio.lowlevel.checkpoint()
        if fuel:
            raise TickUnpaidError
        return False


async def read(place: int) -> bytes:
    del place
    await trio.lowlevel.checkpoint()
    return b"x"


async def read_nothing(place: int) -> bytes:
    await trio.lowlevel.checkpoint()
    if place == 0:
        return b"x"
    raise BlobMissing(blob_id(b"x"))


async def take(result: Result, output: bytes | None) -> None:
    del result, output
    await trio.lowlevel.checkpoint()


async def take_nothing(result: Result, output: bytes | None) -> None:
    await take(result, output)
    raise LookupError


async def test_a_lot_with_less_memory_than_its_module_begins_with_breaks_a_rule(
    tmp_path: Path, runs: int
) -> None:
    async with a_sandbox(tmp_path) as sandbox:
        with pytest.raises(RemoteProtocolError):
            await execute_lot(
                sandbox, lot(LARGE, runs, memory=65_536), read, take, seconds_left=lambda: 60
            )


async def test_a_lot_that_is_not_paid_ends(tmp_path: Path, runs: int) -> None:
    async with a_sandbox(tmp_path) as sandbox:
        work = lot(LONG, runs, fuel=10**7)
        with pytest.raises(TickUnpaidError):
            await execute_lot(sandbox, work, read, take, seconds_left=lambda: 60, pace=Unpaid())


async def test_a_lot_whose_results_cannot_be_kept_ends(tmp_path: Path, runs: int) -> None:
    async with a_sandbox(tmp_path) as sandbox:
        with pytest.raises(LookupError):
            await execute_lot(sandbox, lot(QUICK, runs), read, take_nothing, seconds_left=lambda: 9)


async def test_a_lot_without_an_input_ends(tmp_path: Path, runs: int) -> None:
    async with a_sandbox(tmp_path) as sandbox:
        with pytest.raises(BlobMissing):
            await execute_lot(
                sandbox, lot(QUICK, runs + 1), read_nothing, take, seconds_left=lambda: 60
            )


async def test_an_own_lot_without_an_input_has_no_result(tmp_path: Path, runs: int) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    async with a_sandbox(tmp_path / "sandbox") as sandbox:
        assert await OwnRuns(sandbox, blobs).execute(lot(QUICK, runs), 60) is None
    blobs.close()
