"""One place for a worker: starts it when needed, kills it when it is in doubt, starts it again."""

import logging
from collections.abc import Callable
from typing import Final

import trio

from ..limits import WORKER_RESTART_DELAY_S_MAX, WORKER_RESTART_DELAY_S_MIN
from ..run import Pace, Reached
from .messages import (
    Ended,
    GoOn,
    LoadCommand,
    Loaded,
    LoadFailed,
    Progress,
    Protection,
    RunCommand,
    SliceDone,
    StepCommand,
    Stepped,
    VerifyCommand,
)
from .process import ChildGone, ChildProcess
from .settings import Target

logger = logging.getLogger(__name__)

_WORKER: Final = "fogbank_wasm_tasks.sandbox.worker"
_DOUBLINGS_MAX: Final = 16


class LoadRefused(Exception):
    """The worker's engine does not take the native code it was given."""


class TimeLimit(Exception):
    """A run took longer than its order allows."""


class WorkerSlot:
    """At most one worker process, used by one task at a time."""

    def __init__(self, target: Target) -> None:
        """Have a worker that runs what is compiled for ``target``."""
        self._target = target
        self.idle_since = 0.0
        """When it was last given back, in seconds on trio's clock."""

        self._child: ChildProcess | None = None
        self._loaded: set[bytes] = set()
        self._is_in_doubt = False
        self._is_retired = False
        self._deaths = 0
        self._start_at = 0.0

    @property
    def is_live(self) -> bool:
        """Whether it has a worker."""
        return self._child is not None

    @property
    def is_in_doubt(self) -> bool:
        """Whether its worker was left in the middle of something, and must be stopped."""
        return self._is_in_doubt

    def has(self, key: bytes) -> bool:
        """Tell whether its worker has the module ``key`` loaded."""
        return key in self._loaded

    async def protection(self) -> Protection:
        """Start the worker if needed and return what holds it.

        Raises:
            SandboxUnavailable, ChildGone: it does not start.
        """
        protection = (await self._worker()).protection
        assert protection is not None
        return protection

    async def load(self, key: bytes, compiled: bytes) -> None:
        """Load a module into the worker.

        Raises:
            LoadRefused: the native code does not load.
            SandboxUnavailable, ChildGone: the worker does not start, or died.
        """
        child = await self._worker()
        self._is_in_doubt = True
        await child.send(LoadCommand(key, compiled))
        match await child.receive():
            case Loaded(forgotten):
                self._loaded.difference_update(forgotten)
                self._loaded.add(key)
            case LoadFailed(forgotten):
                self._loaded.difference_update(forgotten)
                self._is_in_doubt = False
                raise LoadRefused
            case _:
                raise ChildGone("an answer to no question")
        self._is_in_doubt = False

    async def run(
        self,
        command: RunCommand | StepCommand | VerifyCommand,
        on_progress: Callable[[int], None] | None,
        pace: Pace | None = None,
    ) -> tuple[Ended, Stepped | None]:
        """Run a module that is loaded; a run by steps tells what it passed as well.

        Raises:
            ChildGone: the worker died.
        """
        child = await self._worker()
        self._is_in_doubt = True
        await child.send(command)
        stepped: Stepped | None = None
        while True:
            match await child.receive():
                case Progress(fuel):
                    if on_progress is not None:
                        on_progress(fuel)
                case SliceDone(fuel, snapshot) if pace is not None:
                    await child.send(GoOn(await pace.reach(Reached(fuel, snapshot))))
                case Stepped() as passed if isinstance(command, StepCommand):
                    stepped = passed
                case Ended() as ended:
                    if isinstance(command, StepCommand) and stepped is None:
                        raise ChildGone("a run by steps without its states")
                    self._is_in_doubt = False
                    self._deaths = 0
                    return ended, stepped
                case _:
                    raise ChildGone("an answer to no question")

    async def borrow(self) -> ChildProcess:
        """Return the worker, to be used until ``give_back``; until then it is in doubt.

        Raises:
            SandboxUnavailable, ChildGone: it does not start.
        """
        child = await self._worker()
        self._is_in_doubt = True
        return child

    def give_back(self) -> None:
        """Have the worker back, which has answered all that it was told."""
        self._is_in_doubt = False
        self._deaths = 0

    def note_death(self) -> None:
        """Wait a little longer before the next start: the worker died by itself."""
        delay = WORKER_RESTART_DELAY_S_MIN * 2 ** min(self._deaths, _DOUBLINGS_MAX)
        self._deaths += 1
        self._start_at = trio.current_time() + min(delay, WORKER_RESTART_DELAY_S_MAX)
        logger.warning("a sandbox worker died, the %d. time in a row", self._deaths)

    async def stop(self) -> None:
        """Kill the worker, if any, and wait until it is gone."""
        child, self._child = self._child, None
        self._loaded.clear()
        self._is_in_doubt = False
        if child is not None:
            await child.close()

    async def retire(self) -> None:
        """Stop the worker, if any, and start none again."""
        self._is_retired = True
        await self.stop()

    async def _worker(self) -> ChildProcess:
        if self._child is None:
            await trio.sleep_until(self._start_at)
            child = await ChildProcess.start(_WORKER, self._target)
            if self._is_retired:
                # The sandbox was stopped meanwhile, and saw no worker here to stop.
                await child.close()
                raise ChildGone("the sandbox is stopped")
            self._child = child
        return self._child
