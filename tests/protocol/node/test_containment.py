"""The wall around what peers drive: bugs stay inside, and all else goes through."""

import logging

import pytest
import trio
import trio.testing

from fogbank_protocol.errors import LocalProtocolError, MachineFailure, RemoteProtocolError
from fogbank_protocol.node.containment import Contained, run_contained


async def fail(error: BaseException) -> None:
    await trio.lowlevel.checkpoint()
    raise error


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (KeyError(b"a key"), ["KeyError"]),
        (OSError("no such file"), ["OSError"]),
        (LocalProtocolError("own order"), ["LocalProtocolError: own order"]),
        (
            ExceptionGroup("", [ExceptionGroup("", [KeyError(b"a key")]), ValueError(b"a key")]),
            ["KeyError", "ValueError"],
        ),
    ],
)
async def test_a_bug_stays_inside_and_is_told_of(
    error: Exception, names: list[str], contained_bugs: list[str]
) -> None:
    with Contained("a test") as wall:
        assert not wall.has_failed
        await fail(error)
    assert wall.has_failed
    await run_contained("a test", fail, error)
    assert [one.splitlines()[-1] for one in contained_bugs] == names * 2
    assert all("ended a test, and nothing else" in one for one in contained_bugs)
    assert "a key" not in "".join(contained_bugs)
    contained_bugs.clear()


async def test_the_same_bug_is_told_of_loudly_once(
    caplog: pytest.LogCaptureFixture, contained_bugs: list[str]
) -> None:
    async def fail_again() -> None:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    for _ in range(3):
        await run_contained("a test", fail_again)
    assert [one.levelno for one in caplog.records] == [logging.ERROR, logging.DEBUG, logging.DEBUG]
    contained_bugs.clear()


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        MachineFailure("the disk is full"),
        ExceptionGroup("", [KeyError(), MachineFailure("the disk is full")]),
        RemoteProtocolError("not a frame", rule="4.1"),
    ],
)
async def test_what_is_no_bug_goes_through(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, Contained("a test", RemoteProtocolError):
        await fail(error)
    assert raised.value is error


async def test_what_is_cancelled_is_not_contained() -> None:
    wall = Contained("a test")
    with trio.CancelScope() as scope:
        with wall:
            scope.cancel()
            await trio.sleep_forever()
        pytest.fail("it goes on")
    assert scope.cancelled_caught
    assert not wall.has_failed


async def test_what_ends_well_has_not_failed() -> None:
    with Contained("a test") as wall:
        await trio.lowlevel.checkpoint()
    assert not wall.has_failed


async def test_of_a_bug_beside_a_cancellation_the_cancellation_alone_goes_on(
    contained_bugs: list[str],
) -> None:
    async def unwind() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError

    with trio.CancelScope() as scope:
        with Contained("a thing"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(unwind)
                nursery.start_soon(trio.sleep_forever)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        raise AssertionError("the cancellation was swallowed")
    assert scope.cancelled_caught
    assert len(contained_bugs) == 1
    contained_bugs.clear()
