"""The bridge to asyncio: results, failures, cancellation, and an end of its thread."""

import asyncio
import threading

import pytest
import trio

from fogbank_protocol.node.asyncio_thread import open_asyncio_thread


async def test_a_coroutine_of_asyncio_returns_its_result() -> None:
    async def add() -> int:
        await asyncio.sleep(0)
        return 1 + 1

    async with open_asyncio_thread() as thread:
        assert await thread.run(add) == 2


async def test_what_it_raises_is_raised_here() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async with open_asyncio_thread() as thread:
        with pytest.raises(ZeroDivisionError):
            await thread.run(fail)


async def test_cancelling_here_cancels_there_and_waits() -> None:
    cleaned: list[bool] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(True)

    async with open_asyncio_thread() as thread:
        with trio.move_on_after(0.05) as scope:
            await thread.run(wait)
        assert scope.cancelled_caught
        assert cleaned == [True]


async def test_the_loop_can_call_back() -> None:
    called = trio.Event()
    async with open_asyncio_thread() as thread:

        async def call() -> None:
            await asyncio.sleep(0)
            thread.call_trio_soon(called.set)

        await thread.run(call)
        with trio.fail_after(5):
            await called.wait()


async def test_the_thread_ends_with_what_still_runs_in_it() -> None:
    cancelled: list[bool] = []

    async def leave_running() -> None:
        async def linger() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(True)

        linger.task = asyncio.create_task(linger())  # type: ignore[attr-defined]
        await asyncio.sleep(0)

    before = threading.active_count()
    async with open_asyncio_thread() as thread:
        await thread.run(leave_running)
    assert cancelled == [True]
    assert threading.active_count() <= before + 1
