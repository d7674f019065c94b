"""One lane of a batch: it takes a worker for one turn after another while there are requests."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from fogbank_protocol.errors import RemoteProtocolError

from ..errors import SandboxBusy, SandboxUnavailable
from ..limits import TURN_S_MAX
from ..outcome import HostFaultKind
from ..package import Package
from ..run import RunReport
from .batch import Asked, Reports, Requests
from .compiler import CompileLimit, Compiler
from .messages import RunCommand
from .process import ChildGone
from .slot import LoadRefused, TimeLimit
from .slots import Slots
from .turn import Turn

logger = logging.getLogger(__name__)

RepeatPrecisely = Callable[[Package, RunCommand, float], Awaitable[RunReport]]
"""Runs a trapped run again with code that counts exactly, within seconds of wall time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One of the lanes of a batch, of which there are as many as there are workers."""

    compiler: Compiler
    slots: Slots
    package: Package
    requests: Requests
    reports: Reports
    repeat_precisely: RepeatPrecisely
    cancel_grace_s: float

    async def run(self) -> None:
        """Run requests until there are none."""
        try:
            while (asked := await self.requests.next()) is not None:
                await self.reports.wait_for_room()
                await self._take_turn(asked)
        except (RemoteProtocolError, SandboxBusy, SandboxUnavailable) as error:
            self.reports.end(error)

    async def _take_turn(self, asked: Asked) -> None:
        key = self.compiler.key(self.package)
        turn = Turn(self.package, key, asked, self.requests, self.reports, self.cancel_grace_s)
        fault: HostFaultKind | None = None
        try:
            await self._run_turn(key, turn)
        except CompileLimit as limit:
            fault = HostFaultKind.COMPILE_LIMIT
            logger.warning("%s could not be compiled: %s", self.package, limit)
        except LoadRefused:
            self.compiler.forget(self.package)
            fault = HostFaultKind.ENGINE_FAILED
        except ChildGone as gone:
            fault = HostFaultKind.WORKER_DIED
            logger.warning("the worker of a run of %s is gone: %s", self.package, gone)
        except TimeLimit:
            fault = HostFaultKind.TIME_LIMIT
        if fault is not None:
            turn.fail(fault)
        for sent in turn.trapped:
            wall_s_max = sent.request.wall_s_max
            report = await self.repeat_precisely(self.package, sent.command, wall_s_max)
            self.reports.add(sent.index, report)

    async def _run_turn(self, key: bytes, turn: Turn) -> None:
        if not self.slots.have(key):
            # Before a worker is taken: a module that takes a minute to compile must not hold one.
            await self.compiler.compiled(self.package)
        async with self.slots.taken(key) as slot:
            if not slot.has(key):
                await slot.load(key, await self.compiler.compiled(self.package))
            ends_at = trio.current_time() + TURN_S_MAX
            child = await slot.borrow()
            try:
                await turn.take(
                    child, lambda: not self.slots.waiting or trio.current_time() < ends_at
                )
            finally:
                if turn.is_settled:
                    slot.give_back()
