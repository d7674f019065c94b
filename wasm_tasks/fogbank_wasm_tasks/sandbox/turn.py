"""One turn of a batch at a worker: runs are sent ahead, and their replies read in heaps.

A worker does one run after the other and replies to each at once, so that the agent knows at any
time which run it is at: one that kills its worker or takes too long costs only itself.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import trio

from ..limits import (
    PIPELINED_RUNS_MAX,
    PIPELINED_S_MAX,
    READ_PAUSE_S,
    REPEATS_WAITING_MAX,
)
from ..outcome import HostFaultKind
from ..package import Package
from ..run import RunRequest
from .batch import Asked, Reports, Requests
from .commands import make_command
from .messages import AgainCommand, Ended, Progress, Reply, RunCommand, encode_command
from .process import ChildGone, ChildProcess
from .reports import check_within, make_report, make_report_nowait, report_fault
from .slot import TimeLimit

_GROWTH = 4
_RUNS_REMEMBERED = 16
_RUN_S_MIN = 1e-5


@dataclass(frozen=True, slots=True)
class Sent:
    """A run that the worker was told to do."""

    index: int
    request: RunRequest
    like: RunCommand
    """What was sent, or what it is like but for input, seed and fuel."""

    bytes: int

    @property
    def command(self) -> RunCommand:
        """The whole of it."""
        request = self.request
        return replace(self.like, input=request.input, seed=request.seed, fuel_max=request.fuel_max)


class Turn:
    """What was sent to one worker, and what is still to be sent."""

    def __init__(
        self,
        package: Package,
        key: bytes,
        first: Asked,
        requests: Requests,
        reports: Reports,
        cancel_grace_s: float,
    ) -> None:
        """Begin with the request ``first``, and go on with others of ``requests``.

        When cancelled, what was sent may take ``cancel_grace_s`` seconds to end by itself.
        """
        self._package = package
        self._key = key
        self._next: Asked | None = first
        self._requests = requests
        self._reports = reports
        self._cancel_grace_s = cancel_grace_s
        self._sent: deque[Sent] = deque()
        self._sent_bytes = 0
        self._like: RunCommand | None = None
        self._last: RunRequest | None = None
        self._head_since = 0.0
        self._run_s: float | None = None
        self._runs_max = 1
        self.trapped: list[Sent] = []
        """Runs whose fuel is not known exactly."""

    async def take(self, child: ChildProcess, may_go_on: Callable[[], bool]) -> None:
        """Run requests one after the other while ``may_go_on``, and then what was sent already.

        Raises:
            RemoteProtocolError: a request allows less memory than the package begins with.
            ChildGone: the worker died; ``fail`` tells whose fault that was.
            TimeLimit: a run took too long; likewise.
        """
        try:
            while True:
                await self._send(child, may_go_on)
                if not self._sent:
                    return
                await self._receive(child)
        except trio.Cancelled:
            await self._settle(child)
            raise

    @property
    def is_settled(self) -> bool:
        """Whether the worker has done all that it was told."""
        return not self._sent

    def fail(self, kind: HostFaultKind) -> None:
        """Report the run that the worker was at as a fault; others will be run elsewhere."""
        now = trio.current_time()
        if self._sent:
            failed = self._sent.popleft()
            self._reports.add(failed.index, report_fault(kind, now - self._head_since))
        elif self._next is not None:
            index, _ = self._next
            self._next = None
            self._reports.add(index, report_fault(kind, 0.0))
        self.leave()

    def leave(self) -> None:
        """Give back what was not run."""
        rest = [(each.index, each.request) for each in self._sent]
        if self._next is not None:
            rest.append(self._next)
        self._sent.clear()
        self._next = None
        self._requests.put_back(rest)

    async def _send(self, child: ChildProcess, may_go_on: Callable[[], bool]) -> None:
        if not self._sent:
            self._head_since = trio.current_time()
        messages: list[bytes] = []
        is_going_on = may_go_on() and self._reports.have_room
        while len(self._sent) < self._runs_max and len(self.trapped) < REPEATS_WAITING_MAX:
            if self._next is None and is_going_on:
                self._next = self._requests.next_nowait()
            if self._next is None:
                break
            index, request = self._next
            size = len(request.input)
            if self._sent and self._sent_bytes + size > child.pipelined_bytes_max:
                break
            message, like = self._encode(request)
            self._next = None
            self._sent.append(Sent(index, request, like, len(message)))
            self._sent_bytes += len(message)
            messages.append(message)
        if self._next is not None and not is_going_on:
            self._requests.put_back([self._next])
            self._next = None
        if messages:
            with trio.move_on_at(self._deadline) as scope:
                await child.send_many(messages)
            if scope.cancelled_caught:
                raise TimeLimit

    def _encode(self, request: RunRequest) -> tuple[bytes, RunCommand]:
        like, last = self._like, self._last
        if like is not None and last is not None and _is_alike(request, last):
            again = AgainCommand(request.input, request.seed, request.fuel_max)
            return encode_command(again), like
        self._like = like = make_command(self._key, self._package, request)
        self._last = request
        return encode_command(like), like

    @property
    def _deadline(self) -> float:
        return self._head_since + self._sent[0].request.wall_s_max

    async def _receive(self, child: ChildProcess) -> None:
        """Wait until something was read, or the run that the worker is at takes too long."""
        if len(self._sent) * (self._run_s or 0.0) > 2 * READ_PAUSE_S:
            await trio.sleep(READ_PAUSE_S)
        else:
            await trio.lowlevel.checkpoint()
        replies = child.receive_nowait()
        if not replies:
            with trio.move_on_at(self._deadline) as scope:
                await child.wait_readable()
            replies = child.receive_nowait()
            if not replies and scope.cancelled_caught:
                raise TimeLimit
        await self._understand(replies)

    async def _understand(self, replies: list[Reply]) -> None:
        for reply in replies:
            if not isinstance(reply, Ended) or not self._sent:
                if isinstance(reply, Progress) and self._sent:
                    continue
                raise ChildGone("an answer to no question")
            sent = self._sent[0]
            like = sent.like
            check_within(reply, sent.request.fuel_max, like.memory_bytes_max, like.output_bytes_max)
            self._sent.popleft()
            self._sent_bytes -= sent.bytes
            self._note_time(reply.wall_us / 1e6)
            if reply.is_exact:
                report = make_report_nowait(reply)
                self._reports.add(sent.index, report or await make_report(reply))
            else:
                self.trapped.append(sent)
        if replies:
            self._head_since = trio.current_time()
            fitting = int(PIPELINED_S_MAX / max(self._run_s or 0.0, _RUN_S_MIN))
            self._runs_max = max(1, min(fitting, self._runs_max * _GROWTH, PIPELINED_RUNS_MAX))

    def _note_time(self, run_s: float) -> None:
        before = run_s if self._run_s is None else self._run_s
        self._run_s = before + (run_s - before) / _RUNS_REMEMBERED

    async def _settle(self, child: ChildProcess) -> None:
        """Let short runs end by themselves, so that the worker need not be killed."""
        with trio.move_on_after(self._cancel_grace_s, shield=True):
            while self._sent:
                await self._receive(child)


def _is_alike(request: RunRequest, last: RunRequest) -> bool:
    return (
        request.memory_bytes_max == last.memory_bytes_max
        and request.output_bytes_max == last.output_bytes_max
        and request.arguments == last.arguments
        and request.environment == last.environment
    )
