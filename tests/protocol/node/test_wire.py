"""What wakes the coroutine that writes to a channel."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fogbank_protocol.node.wire import Wire
from fogbank_protocol.rpc.calls import Calls


async def is_woken_by(wire: Wire, act: Callable[[], None]) -> bool:
    """Tell whether ``act`` ends the wait for something to write."""
    woken = trio.Event()

    async def write() -> None:
        await wire.wait_queued()
        woken.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await wait_all_tasks_blocked()
        act()
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return woken.is_set()


def ping(calls: Calls) -> None:
    calls.send_ping(1)


def tell(calls: Calls) -> None:
    assert calls.send_one_way("test.one_way", b"")


def ask(calls: Calls) -> None:
    calls.caller.send_request("test.request", b"", timeout_s=1, now=0)


@pytest.mark.parametrize("queue", [ping, tell, ask])
async def test_the_writer_is_woken_for_what_is_queued_and_for_nothing_else(
    queue: Callable[[Calls], None],
) -> None:
    wire = Wire()
    assert not await is_woken_by(wire, wire.flush)
    queue(wire.calls)
    assert await is_woken_by(wire, wire.flush)


async def test_the_writer_looks_around_when_the_channel_is_about_to_end() -> None:
    wire = Wire()
    assert await is_woken_by(wire, wire.wake_writer)
