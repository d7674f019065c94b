"""Quick runs: whatever they take, no more of them are under way than may be done (9.5)."""

from contextlib import aclosing

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from fogbank_agent.trading.quick_runs import QuickRuns
from fogbank_protocol.blobs.naming import blob_id
from fogbank_wasm_tasks.outcome import Ok, OutOfFuel
from fogbank_wasm_tasks.run import RunReport, RunRequest
from fogbank_wasm_tasks.verification.terms import Terms

FUEL_MAX, SLICE = 100_000, 16_000
QUICK = SLICE // 16


def terms(fuel_max: int = FUEL_MAX) -> Terms:
    return Terms(
        package_id=blob_id(b"a package"),
        arguments=(),
        environment=(),
        seed=0,
        fuel_max=fuel_max,
        memory_bytes_max=0,
        output_bytes_max=0,
        plan=None,
    )


class Pace:
    """A lot that is paid each time that it has used ``slice_fuel``."""

    slice_fuel = SLICE

    async def reach(self, fuel: int, snapshot: bytes) -> bool:
        raise AssertionError("nobody asks here")

    def room(self, fuel: int) -> int:
        return SLICE - fuel % SLICE


class Machine:
    """Asks for runs as far as it gets any, and ends them when it is told to."""

    def __init__(self, takes: list[int], fuel_max: int = FUEL_MAX) -> None:
        self.takes = takes
        self.quick = QuickRuns(terms(fuel_max), len(takes), self._read, lambda: 1.0, Pace())
        self.asked: list[RunRequest] = []
        self.open: list[int] = []
        self.ended: dict[int, int] = {}

    async def _read(self, place: int) -> bytes:
        await trio.lowlevel.checkpoint()
        return place.to_bytes(4, "big")

    async def ask(self) -> None:
        async with aclosing(self.quick.requests()) as requests:
            async for request in requests:
                self.open.append(len(self.asked))
                self.asked.append(request)

    def end(self, index: int) -> None:
        """Let the run of a request end, as a sandbox would."""
        request = self.asked[index]
        takes = self.takes[int.from_bytes(request.input, "big")]
        is_cut_off = takes > request.fuel_max
        report = RunReport(
            outcome=OutOfFuel() if is_cut_off else Ok(blob_id(b""), 0),
            output=b"",
            fuel=min(takes, request.fuel_max),
            peak_memory_bytes=0,
            wall_s=0.0,
            diagnostics=b"",
        )
        self.open.remove(index)
        place = self.quick.end(index, report)
        if place is not None:
            assert place not in self.ended
            self.ended[place] = report.fuel


@given(
    takes=st.lists(st.integers(0, 2 * QUICK), min_size=1, max_size=60),
    data=st.data(),
)
async def test_what_is_under_way_is_never_more_than_may_be_done(
    takes: list[int], data: st.DataObject
) -> None:
    machine = Machine(takes)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.ask)
        while True:
            await wait_all_tasks_blocked()
            if not machine.open:
                break
            under_way = sum(machine.asked[index].fuel_max for index in machine.open)
            assert len(machine.open) == 1 or under_way <= SLICE
            assert all(machine.asked[index].fuel_max <= QUICK for index in machine.open)
            machine.end(data.draw(st.sampled_from(machine.open)))
    assert machine.quick.fuel == sum(machine.ended.values())
    assert all(takes[place] == fuel for place, fuel in machine.ended.items())
    if max(takes) <= QUICK:
        assert len(machine.ended) == len(takes)
    for place in set(range(len(takes))) - machine.ended.keys():
        assert await machine.quick.input(place) == place.to_bytes(4, "big")


@pytest.mark.parametrize(("fuel_max", "at_first"), [(FUEL_MAX, 1), (QUICK // 10, 40)])
async def test_one_goes_ahead_when_nobody_knows_what_a_run_takes(
    fuel_max: int, at_first: int
) -> None:
    machine = Machine([10] * 40, fuel_max)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.ask)
        await wait_all_tasks_blocked()
        assert len(machine.open) == at_first
        machine.end(0)
        await wait_all_tasks_blocked()
        assert len(machine.asked) == 40
        while machine.open:
            machine.end(machine.open[0])


async def test_a_slow_run_ends_the_asking() -> None:
    machine = Machine([10, 10, 50_000, *[10] * 2_000])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(machine.ask)
        await wait_all_tasks_blocked()
        machine.end(0)
        await wait_all_tasks_blocked()
        slow = [index for index in machine.open if machine.asked[index].input[-1] == 2]
        machine.end(slow[0])
        # Tried once more, with all that a quick run may have, when there is room for it.
        while machine.asked[machine.open[-1]].fuel_max < QUICK:
            machine.end(machine.open[0])
            await wait_all_tasks_blocked()
        machine.end(machine.open[-1])
        asked = len(machine.asked)
        while machine.open:
            machine.end(machine.open[0])
        await wait_all_tasks_blocked()
        assert len(machine.asked) == asked < 2_000
    assert 2 not in machine.ended
