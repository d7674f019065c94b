"""The quick runs of a lot, many at a time, and no more of them than are paid (SPEC.md 9.5).

Many runs are told to a sandbox at once, and none of them waits for anybody: so together they must
not be able to use more than the lot may do before it is paid again.  Each is let use about what the
dearest before it has used.  One that needs more is tried once more with all that a quick run may
have, and when that is too little it is none: the caller then does what is left one by one.
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace

import trio

from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.run import RunReport, RunRequest
from fogbank_wasm_tasks.verification.terms import Terms

from .interfaces import LotPace

_QUICK_PARTS = 16
"""A quick run takes at most so small a part of what the lot does between two statements."""

_LEAST_PARTS = 512
"""Each may use at least such a part: what differs by less need not be told apart."""

_GROWTH = 2
"""A run may use so many times what the dearest before it has used."""


class QuickRuns:
    """What was asked for of the runs of a lot, and what is still to be asked for."""

    def __init__(
        self,
        terms: Terms,
        runs: int,
        read: Callable[[int], Awaitable[bytes]],
        seconds_left: Callable[[], float],
        pace: LotPace | None,
    ) -> None:
        """Have all ``runs`` done; ``read`` gives an input, ``pace`` tells how much may be done."""
        self._terms = terms
        """With the fuel that the last that was asked for may use."""

        self._read = read
        self._seconds_left = seconds_left
        self._pace = pace
        self._fuel_max = terms.fuel_max
        slice_fuel = terms.fuel_max if pace is None else pace.slice_fuel
        self._quick = self._bounded(terms.fuel_max if pace is None else slice_fuel // _QUICK_PARTS)
        self._least = self._bounded(slice_fuel // _LEAST_PARTS)
        self._dearest: int | None = None
        """The fuel of the dearest run that has ended."""

        self._places = deque(range(runs))
        """Of the runs that are still to be asked for."""

        self._again: set[int] = set()
        """Those that needed more than the dearest before them."""

        self._inputs: dict[int, bytes] = {}
        """Of those that may have to be asked for again."""

        self._asked: list[tuple[int, int]] = []
        """The place of each request, and the fuel that it may use."""

        self._is_slow = False
        """A run is no quick one: no others are asked for."""

        self._under_way = 0
        self._fuel_under_way = 0
        self._changed = trio.Event()
        self.fuel = 0
        """What the runs that have ended have used."""

    def _bounded(self, fuel: int) -> int:
        return max(1, min(fuel, self._fuel_max))

    async def requests(self) -> AsyncGenerator[RunRequest]:
        """Give the requests of the runs when they may begin; whatever ``read`` raises ends it."""
        while self._places or self._under_way:
            if not self._may_ask():
                self._changed = trio.Event()
                await self._changed.wait()
                continue
            place = self._places.popleft()
            fuel_max = self._allowed(place)
            # Counted before the input is read: else the runs that end meanwhile would end it all.
            self._asked.append((place, fuel_max))
            self._under_way += 1
            self._fuel_under_way += fuel_max
            data = await self.input(place)
            if fuel_max < self._fuel_max:
                self._inputs[place] = data
            if fuel_max != self._terms.fuel_max:
                # Seldom: it is the same for many, and making it anew for each would cost time.
                self._terms = replace(self._terms, fuel_max=fuel_max)
            # Never 0: a run that has no time left is cut off by whoever counts the time.
            yield self._terms.request(data, wall_s_max=max(self._seconds_left(), 0.001))

    async def input(self, place: int) -> bytes:
        """Return the input of the run at ``place``, which is read once."""
        data = self._inputs.pop(place, None)
        return await self._read(place) if data is None else data

    def end(self, index: int, report: RunReport) -> int | None:
        """Take the report of a request; return its run's place, or None when it has not ended."""
        place, fuel_max = self._asked[index]
        self._under_way -= 1
        self._fuel_under_way -= fuel_max
        is_cut_off = isinstance(report.outcome, OutOfFuel) and fuel_max < self._fuel_max
        if not is_cut_off:
            self._inputs.pop(place, None)
            self.fuel += report.fuel
            self._dearest = max(self._dearest or 0, report.fuel)
        elif fuel_max < self._quick and not self._is_slow:
            self._again.add(place)
            self._places.appendleft(place)
        else:
            self._is_slow = True
            self._places.clear()
        self.wake()
        return None if is_cut_off else place

    def wake(self) -> None:
        """Look again at whether more may be done."""
        if self._may_ask() or not (self._places or self._under_way):
            self._changed.set()

    def _may_ask(self) -> bool:
        if not self._places:
            return False
        if self._pace is None or not self._under_way:
            return True
        allowed = self._allowed(self._places[0])
        if self._dearest is None and allowed < self._fuel_max:
            # Nobody knows yet what a run takes: only one is tried in vain.
            return False
        return self._fuel_under_way + allowed <= self._pace.room(self.fuel)

    def _allowed(self, place: int) -> int:
        if self._pace is None:
            return self._fuel_max
        if self._dearest is None or place in self._again:
            return self._quick
        return min(self._quick, max(self._least, _GROWTH * self._dearest))
