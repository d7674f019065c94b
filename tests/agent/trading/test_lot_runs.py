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
from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.terms import Terms

pytestmark = pytest.mark.slow

many = pytest.mark.parametrize("runs", [1, 2, 3])

QUICK = package(reactor("i64.const 0"))
LARGE = package(reactor("i64.const 0", memory="4"))
LONG = package(reactor("loop br 0 end i64.const 0"))
TURNS = package(
    reactor(
        "(local $n i32) (local.set $n (i32.load (local.get 0))) (loop $again (br_if $again "
        "(local.tee $n (i32.sub (local.get $n) (i32.const 1))))) i64.const 0"
    )
)
"""Each run takes as many turns as its input says, at some fuel each."""


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

    def room(self, fuel: int) -> int:
        return max(0, self.slice_fuel - fuel)


class Paid:
    """A pace that is kept; it knows how much was done before it was asked."""

    def __init__(self, slice_fuel: int) -> None:
        self.slice_fuel = slice_fuel
        self.done = self.most = self.stated = 0

    async def reach(self, fuel: int, snapshot: bytes) -> bool:
        del snapshot
        await trio.lowlevel.checkpoint()
        assert fuel >= self.done
        self.most = max(self.most, fuel - self.stated)
        self.done = fuel
        if fuel - self.stated >= self.slice_fuel:
            self.stated = fuel
        return False

    def room(self, fuel: int) -> int:
        return max(0, self.stated + self.slice_fuel - fuel)


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


@many
async def test_a_lot_with_less_memory_than_its_module_begins_with_breaks_a_rule(
    tmp_path: Path, runs: int
) -> None:
    async with a_sandbox(tmp_path) as sandbox:
        with pytest.raises(RemoteProtocolError):
            await execute_lot(
                sandbox, lot(LARGE, runs, memory=65_536), read, take, seconds_left=lambda: 60
            )


@many
async def test_a_lot_that_is_not_paid_ends(tmp_path: Path, runs: int) -> None:
    async with a_sandbox(tmp_path) as sandbox:
        work = lot(LONG, runs, fuel=10**7)
        with pytest.raises(TickUnpaidError):
            await execute_lot(sandbox, work, read, take, seconds_left=lambda: 60, pace=Unpaid())


@many
async def test_a_lot_whose_results_cannot_be_kept_ends(tmp_path: Path, runs: int) -> None:
    async with a_sandbox(tmp_path) as sandbox:
        with pytest.raises(LookupError):
            await execute_lot(sandbox, lot(QUICK, runs), read, take_nothing, seconds_left=lambda: 9)


@many
async def test_a_lot_without_an_input_ends(tmp_path: Path, runs: int) -> None:
    async with a_sandbox(tmp_path) as sandbox:
        with pytest.raises(BlobMissing):
            await execute_lot(
                sandbox, lot(QUICK, runs + 1), read_nothing, take, seconds_left=lambda: 60
            )


@many
async def test_an_own_lot_without_an_input_has_no_result(tmp_path: Path, runs: int) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    async with a_sandbox(tmp_path / "sandbox") as sandbox:
        assert await OwnRuns(sandbox, blobs).execute(lot(QUICK, runs), 60) is None
    blobs.close()


SLICE = 10**6
TINY, QUICK_ONE, SLOW = 100, 6_000, 3_000_000


@pytest.mark.parametrize(
    "turns",
    [
        [TINY] * 300,
        [SLOW] * 4,
        [TINY] * 40 + [SLOW] * 3 + [TINY] * 5,
        [SLOW, *[TINY] * 20],
        [QUICK_ONE, *[TINY] * 30, QUICK_ONE] * 3,
        [TINY * 2**doubled for doubled in range(16)],
    ],
    ids=["tiny", "slow", "slow among tiny", "slow first", "uneven", "ever slower"],
)
async def test_a_lot_never_does_much_more_than_a_slice_before_it_asks(
    tmp_path: Path, turns: list[int]
) -> None:
    pace, found = Paid(SLICE), list[Result]()

    async def read_turns(place: int) -> bytes:
        await trio.lowlevel.checkpoint()
        return turns[place].to_bytes(4, "little")

    async def keep(result: Result, output: bytes | None) -> None:
        await take(result, output)
        found.append(result)

    fuel_max = 10**9
    async with a_sandbox(tmp_path) as sandbox:
        work = lot(TURNS, len(turns), fuel=fuel_max)
        await execute_lot(sandbox, work, read_turns, keep, seconds_left=lambda: 60, pace=pace)
        alone = {
            each: await sandbox.execute(
                TURNS, work.terms.request(each.to_bytes(4, "little"), wall_s_max=60)
            )
            for each in set(turns)
        }
    assert [(one.outcome, one.fuel) for one in found] == [
        (alone[each].outcome, alone[each].fuel) for each in turns
    ]
    assert pace.done <= sum(one.fuel for one in found)
    assert pace.most <= SLICE * 3 // 2
    assert sum(one.fuel for one in found) - pace.stated <= SLICE * 3 // 2


async def test_runs_that_use_all_their_fuel_end_so_however_little_it_is(tmp_path: Path) -> None:
    async with a_sandbox(tmp_path) as sandbox:
        for fuel in (1, SLICE // 1_000, SLICE // 16, SLICE // 16 + 1, 3 * SLICE):
            pace, found = Paid(SLICE), list[Result]()

            async def keep(result: Result, output: bytes | None) -> None:
                await take(result, output)
                found.append(result)  # noqa: B023

            work = lot(LONG, 20, fuel=fuel)
            await execute_lot(sandbox, work, read, keep, seconds_left=lambda: 60, pace=pace)
            assert {(one.outcome, one.fuel) for one in found} == {(OutOfFuel(), fuel)}
            assert len(found) == 20
