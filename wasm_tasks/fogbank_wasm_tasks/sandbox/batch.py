"""Many runs of one package: the requests still to come, and the reports not yet taken."""

from collections import deque
from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Self

import trio

from ..limits import (
    REPORTS_WAITING_BYTES_MAX,
    REPORTS_WAITING_MAX,
    REQUESTS_AHEAD_BYTES_MAX,
    REQUESTS_AHEAD_MAX,
)
from ..run import RunReport, RunRequest

Asked = tuple[int, RunRequest]
"""A request and its place among those of its batch, from 0."""


class Reports:
    """The reports of a batch, as they come: an iterator over (index, report)."""

    def __init__(self) -> None:
        """Have none yet."""
        self._waiting: deque[tuple[int, RunReport]] = deque()
        self._bytes = 0
        self._is_over = False
        self._failure: Exception | None = None
        self._takers = trio.lowlevel.ParkingLot()
        self._givers = trio.lowlevel.ParkingLot()

    @property
    def have_room(self) -> bool:
        """Whether there may be more runs before some reports were taken."""
        return len(self._waiting) < REPORTS_WAITING_MAX and self._bytes < REPORTS_WAITING_BYTES_MAX

    async def wait_for_room(self) -> None:
        """Wait until ``have_room``."""
        while not self.have_room:
            await self._givers.park()

    def add(self, index: int, report: RunReport) -> None:
        """Have the report of the request ``index``."""
        self._waiting.append((index, report))
        self._bytes += len(report.output)
        if self._takers:
            self._takers.unpark()

    def end(self, failure: Exception | None = None) -> None:
        """Be over; ``failure`` is raised after the reports that are there."""
        self._is_over = True
        self._failure = self._failure or failure
        self._takers.unpark_all()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, RunReport]:
        while not self._waiting:
            if self._failure is not None:
                raise self._failure
            if self._is_over:
                raise StopAsyncIteration
            await self._takers.park()
        index, report = self._waiting.popleft()
        self._bytes -= len(report.output)
        if self._givers and self.have_room:
            self._givers.unpark_all()
        return index, report


class Requests:
    """The requests of a batch, in order, whether their source may wait or not."""

    def __init__(self, source: Iterable[RunRequest] | AsyncIterable[RunRequest]) -> None:
        """Take requests from ``source`` when they are wanted, and never many ahead."""
        self._count = 0
        self._again: deque[Asked] = deque()
        self._ahead: deque[RunRequest] = deque()
        self._ahead_bytes = 0
        self._is_dry = False
        self._takers = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()
        self._waiting_source: AsyncIterable[RunRequest] | None = None
        self._source: Iterator[RunRequest] = iter(())
        if isinstance(source, AsyncIterable):
            self._waiting_source = source
        else:
            self._source = iter(source)

    async def fetch(self) -> None:
        """Take requests from a source that may wait, a bounded number ahead, until it ends."""
        if self._waiting_source is None:
            return
        async for request in self._waiting_source:
            self._ahead.append(request)
            self._ahead_bytes += len(request.input)
            self._takers.unpark()
            while (
                len(self._ahead) >= REQUESTS_AHEAD_MAX
                or self._ahead_bytes >= REQUESTS_AHEAD_BYTES_MAX
            ):
                await self._room.park()
        self._is_dry = True
        self._takers.unpark_all()

    async def next(self) -> Asked | None:
        """Wait for the next request, and return it with its index; None when there is none."""
        while (asked := self.next_nowait()) is None:
            if self._is_dry:
                return None
            await self._takers.park()
        return asked

    def next_nowait(self) -> Asked | None:
        """Return the next request with its index; None when there is none now."""
        if self._again:
            return self._again.popleft()
        if self._waiting_source is None:
            request = next(self._source, None)
            if request is None:
                self._is_dry = True
                return None
        elif self._ahead:
            request = self._ahead.popleft()
            self._ahead_bytes -= len(request.input)
            if self._room:
                self._room.unpark()
        else:
            return None
        self._count += 1
        return self._count - 1, request

    def put_back(self, asked: Iterable[Asked]) -> None:
        """Take back, in order, what was not run after all."""
        self._again.extendleft(reversed(list(asked)))
        self._takers.unpark_all()
