"""An asyncio loop in a thread of its own, for libraries that know no other (zeroconf).

Into the loop goes ``call_soon_threadsafe``, out of it ``run_sync_soon``.  Nothing of trio runs in
the thread and nothing of asyncio outside of it; trio-asyncio would change asyncio for the whole
process.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio

Result = TypeVar("Result")


class AsyncioThread:
    """The trio side of a running loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, token: trio.lowlevel.TrioToken) -> None:
        self._loop = loop
        self._token = token

    async def run(self, function: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Run a coroutine in the loop and return its result, or raise what it raised.

        Cancelled from trio, it is cancelled in asyncio and waited for.
        """
        done = trio.Event()
        task: asyncio.Task[Result] | None = None

        def start() -> None:
            nonlocal task
            task = self._loop.create_task(function())
            task.add_done_callback(lambda _: self._token.run_sync_soon(done.set))

        def cancel() -> None:
            if task is not None:
                task.cancel()

        self._loop.call_soon_threadsafe(start)
        try:
            await done.wait()
        except trio.Cancelled:
            self._loop.call_soon_threadsafe(cancel)
            with trio.CancelScope(shield=True):
                await done.wait()
            raise
        assert task is not None
        return task.result()

    def call_trio_soon(self, function: Callable[[], object]) -> None:
        """Call ``function`` on the trio side, soon; for use inside the loop."""
        self._token.run_sync_soon(function)


@asynccontextmanager
async def open_asyncio_thread() -> AsyncGenerator[AsyncioThread]:
    """Start a loop in a thread; leaving cancels what still runs there and ends the thread."""
    token = trio.lowlevel.current_trio_token()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run_forever, args=[loop], name="asyncio", daemon=True)
    thread.start()
    try:
        yield AsyncioThread(loop, token)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(thread.join)


def _run_forever(loop: asyncio.AbstractEventLoop) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.get_loop()
        asyncio.set_event_loop(loop)
        loop.run_forever()
