"""A session as the agent sees it: a worker that keeps one instance warm (SPEC.md section 7.14)."""

from dataclasses import dataclass
from typing import Final

import trio

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import LocalProtocolError

from ..limits import CALL_BYTES_MAX
from ..outcome import HostFault, HostFaultKind, Ok, Outcome
from .messages import Answered, CallCommand, Ended, Finished, Progress, RunCommand, SessionCommand
from .process import ChildGone, ChildProcess
from .reports import check_within

_WORKER_DIED: Final = HostFault(HostFaultKind.WORKER_DIED)


class SessionOver(Exception):
    """The session has ended, by itself or because its machine failed."""

    def __init__(self, outcome: Outcome, fuel: int = 0) -> None:
        """``outcome`` is never ok; ``fuel`` is what the call used that ended it."""
        super().__init__(outcome)
        self.outcome = outcome
        self.fuel = fuel


@dataclass(frozen=True, slots=True)
class CallReport:
    """How the beginning of a session, or a call, went well."""

    outcome: Ok
    output: bytes
    """Empty for the beginning."""

    fuel: int
    memory_bytes: int
    """The linear memory that the instance has now."""


class Session:
    """One warm instance.  Calls are made one after the other."""

    def __init__(self, child: ChildProcess, command: RunCommand) -> None:
        """Use ``child`` alone; it has the module of ``command`` loaded."""
        self._child = child
        self._command = command
        self._is_waiting = False
        self._is_over = False

    @property
    def is_alive(self) -> bool:
        """Whether the instance is still there, as far as can be seen without calling it."""
        return not self._is_over and not self._child.is_gone

    async def begin(self, wall_s_max: float) -> CallReport:
        """Make the instance, within ``wall_s_max`` seconds; raises like ``call``."""
        return await self._ask(SessionCommand(self._command), wall_s_max)

    async def call(self, data: bytes, wall_s_max: float) -> CallReport:
        """Call the instance with ``data``, at most ``CALL_BYTES_MAX``.

        Cancelling it, or a call that takes longer than ``wall_s_max`` seconds, ends the session.

        Raises:
            SessionOver: it ended with this call, or before.
            LocalProtocolError: another call is under way, or ``data`` is too long.
        """
        if len(data) > CALL_BYTES_MAX:
            raise LocalProtocolError("the input of a call is too long")
        return await self._ask(CallCommand(data), wall_s_max)

    async def _ask(self, command: SessionCommand | CallCommand, wall_s_max: float) -> CallReport:
        if self._is_waiting:
            raise LocalProtocolError("a session answers one call at a time")
        if self._is_over:
            raise SessionOver(_WORKER_DIED)
        self._is_waiting = self._is_over = True
        try:
            with trio.move_on_after(wall_s_max):
                report = await self._receive(command)
                self._is_over = False
                return report
            raise SessionOver(HostFault(HostFaultKind.TIME_LIMIT))
        except ChildGone:
            raise SessionOver(_WORKER_DIED) from None
        finally:
            self._is_waiting = False

    async def _receive(self, command: SessionCommand | CallCommand) -> CallReport:
        await self._child.send(command)
        while True:
            match await self._child.receive():
                case Progress():
                    pass
                case Answered(output, fuel, memory_bytes):
                    self._check(output, fuel, memory_bytes)
                    outcome = Ok(blob_id(output), len(output))
                    return CallReport(outcome, output, fuel, memory_bytes)
                case Ended(ending=ending) as ended if not isinstance(ending, Finished):
                    self._check(ended.output, ended.fuel, ended.peak_memory_bytes)
                    raise SessionOver(ending, ended.fuel)
                case _:
                    raise ChildGone("an answer to no question")

    def _check(self, output: bytes, fuel: int, memory_bytes: int) -> None:
        said = Ended(
            ending=Finished(),
            output=output,
            fuel=fuel,
            peak_memory_bytes=memory_bytes,
            wall_us=0,
            diagnostics=b"",
            is_exact=True,
        )
        run = self._command
        check_within(said, run.fuel_max, run.memory_bytes_max, run.output_bytes_max)
