"""Payments that somebody waits for: cancelled in time nothing is paid, later they complete."""

import pytest
import trio
import trio.testing

from fogbank_dag_ledger.service.wishes import Wish


async def test_the_result_is_returned() -> None:
    wish = Wish()
    wish.end("no room")
    assert await wish.wait(lambda: None) == "no room"


@pytest.mark.parametrize("has_begun", [False, True])
async def test_who_is_cancelled_withdraws_or_waits_for_the_end(has_begun: bool) -> None:
    wish = Wish()
    withdrawn: list[bool] = []
    results: list[object] = []

    async def wait() -> None:
        results.append(await wish.wait(lambda: withdrawn.append(True)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        if has_begun:
            wish.begin()
            await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        if has_begun:
            wish.end("kept")
    assert withdrawn == ([] if has_begun else [True])
    assert results == (["kept"] if has_begun else [])
