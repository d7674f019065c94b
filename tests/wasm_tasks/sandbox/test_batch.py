"""Requests are taken, and reports kept, in bounded numbers."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing

import pytest
import trio
import trio.testing

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.limits import (
    REPORTS_WAITING_BYTES_MAX,
    REPORTS_WAITING_MAX,
    REQUESTS_AHEAD_BYTES_MAX,
    REQUESTS_AHEAD_MAX,
)
from fogbank_wasm_tasks.outcome import HostFaultKind
from fogbank_wasm_tasks.run import RunReport, RunRequest
from fogbank_wasm_tasks.sandbox.batch import Reports, Requests
from fogbank_wasm_tasks.sandbox.reports import report_fault


def order(data: bytes = b"") -> RunRequest:
    return RunRequest(input=data, fuel_max=1)


def a_report(output: bytes = b"") -> RunReport:
    return RunReport(
        outcome=report_fault(HostFaultKind.TIME_LIMIT, 0.0).outcome,
        output=output,
        fuel=0,
        peak_memory_bytes=0,
        wall_s=0.0,
        diagnostics=b"",
    )


async def test_requests_come_in_order_and_what_is_put_back_comes_first() -> None:
    requests = Requests(order(bytes([number])) for number in range(4))
    first, second = requests.next_nowait(), requests.next_nowait()
    assert first == (0, order(b"\0"))
    assert second == (1, order(b"\1"))
    assert first is not None
    assert second is not None

    requests.put_back([first, second])

    indexes = [asked[0] for _ in range(4) if (asked := await requests.next())]
    assert indexes == [0, 1, 2, 3]
    assert await requests.next() is None


async def test_a_source_that_waits_is_asked_for_few_requests_ahead() -> None:
    given = 0

    async def source(data: bytes) -> AsyncGenerator[RunRequest]:
        nonlocal given
        while True:
            given += 1
            yield order(data)

    for data, expected in ((b"", REQUESTS_AHEAD_MAX), (bytes(REQUESTS_AHEAD_BYTES_MAX), 1)):
        given = 0
        async with aclosing(source(data)) as waiting, trio.open_nursery() as nursery:
            requests = Requests(waiting)
            nursery.start_soon(requests.fetch)
            await trio.testing.wait_all_tasks_blocked()
            assert given == expected
            assert await requests.next() == (0, order(data))
            await trio.testing.wait_all_tasks_blocked()
            assert given == expected + 1
            nursery.cancel_scope.cancel()


async def test_whoever_waits_for_a_request_hears_that_there_is_none() -> None:
    async def source() -> AsyncIterator[RunRequest]:
        await trio.testing.wait_all_tasks_blocked()
        yield order()

    requests = Requests(source())
    heard: list[object] = []

    async def listen() -> None:
        heard.append(await requests.next())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        nursery.start_soon(listen)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(requests.fetch)

    assert heard == [(0, order()), None]


def test_nothing_is_taken_from_a_source_before_it_is_wanted() -> None:
    taken = 0

    def source() -> Iterator[RunRequest]:
        nonlocal taken
        while True:
            taken += 1
            yield order()

    requests = Requests(source())
    assert taken == 0
    requests.next_nowait()
    assert taken == 1


async def test_reports_are_kept_until_there_are_too_many() -> None:
    reports = Reports()
    for number in range(REPORTS_WAITING_MAX):
        assert reports.have_room
        reports.add(number, a_report())
    assert not reports.have_room

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reports.wait_for_room)
        await trio.testing.wait_all_tasks_blocked()
        assert await anext(reports) == (0, a_report())

    reports = Reports()
    reports.add(0, a_report(bytes(REPORTS_WAITING_BYTES_MAX)))
    assert not reports.have_room


async def test_a_failure_comes_after_the_reports_that_there_are() -> None:
    reports = Reports()
    reports.add(0, a_report())
    reports.end(RemoteProtocolError("wrong", rule="7.5"))
    reports.end()

    assert (await anext(reports))[0] == 0
    with pytest.raises(RemoteProtocolError):
        await anext(reports)


async def test_reports_end() -> None:
    reports = Reports()
    seen: list[int] = []

    async def take() -> None:
        seen.extend([index async for index, _ in reports])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        await trio.testing.wait_all_tasks_blocked()
        reports.add(3, a_report())
        reports.end()

    assert seen == [3]
