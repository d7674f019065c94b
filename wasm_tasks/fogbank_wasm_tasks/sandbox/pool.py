"""The sandbox as the agent sees it: a pool of supervised, disposable workers."""

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from fogbank_protocol.errors import LocalProtocolError

from ..limits import CANCEL_GRACE_S, COMPILE_S_MAX, WORKER_IDLE_S_MAX, WORKERS_MAX
from ..module.facts import Shape
from ..outcome import HostFault, HostFaultKind
from ..package import Package, open_package
from ..run import Pace, RunReport, RunRequest
from ..verification.requests import StepReport, StepRequest, VerifyReport, VerifyRequest
from .availability import check_available
from .batch import Reports, Requests
from .commands import make_command, make_step_command, make_verify_command, with_key
from .compile_cache import CompileCache
from .compiler import CompileLimit, Compiler, Variant
from .lane import Lane
from .messages import Ended, Protection, RunCommand, StepCommand, Stepped, VerifyCommand
from .process import ChildGone
from .reports import (
    check_plausible,
    make_report,
    make_step_report,
    make_verify_report,
    report_fault,
    report_verifier_fault,
)
from .session import Session, SessionOver
from .settings import Target
from .slot import LoadRefused, TimeLimit, WorkerSlot
from .slots import Slots

__all__ = ["Protection", "RunReport", "RunRequest", "Sandbox", "Target"]

logger = logging.getLogger(__name__)


class Sandbox:
    """Runs packages in worker processes that are started when needed and stopped when idle."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int,
        idle_s_max: float = WORKER_IDLE_S_MAX,
        compile_s_max: float = COMPILE_S_MAX,
        cancel_grace_s: float = CANCEL_GRACE_S,
        target: Target = Target.NATIVE,
    ) -> None:
        """Keep compiled modules in ``folder``, and do at most ``workers`` runs at the same time.

        Nothing is started or made before ``run``.

        Args:
            folder: this agent's own; made when it is not there.
            workers: 1 … ``WORKERS_MAX``; one for each core to be lent is a good choice.
            idle_s_max: after so many seconds without a run a worker is stopped.
            compile_s_max: how many seconds compiling one module may take.
            cancel_grace_s: how many seconds runs of a cancelled batch may take to end by themselves
                before their worker is killed.
            target: what modules are compiled for.
        """
        if not 1 <= workers <= WORKERS_MAX:
            raise LocalProtocolError(f"{workers} workers")
        self._folder = folder
        self._idle_s_max = idle_s_max
        self._compile_s_max = compile_s_max
        self._cancel_grace_s = cancel_grace_s
        self._target = target
        self._slots = Slots(workers, target)
        self._sessions = trio.Semaphore(workers)
        self._compiler: Compiler | None = None

    @property
    def workers(self) -> int:
        """How many runs there may be at the same time."""
        return self._slots.count

    @property
    def running(self) -> int:
        """How many runs there are now; a batch counts once for each worker that it uses."""
        return self._slots.taken_count

    @property
    def waiting(self) -> int:
        """How many runs wait for a worker."""
        return self._slots.waiting

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Supervise the workers until cancelled; ``started`` as soon as ``execute`` may be called.

        Raises:
            SandboxUnavailable: this machine has no usable engine; the message says why.
        """
        check_available()
        cache = await trio.to_thread.run_sync(CompileCache, self._folder)
        self._compiler = Compiler(cache, seconds_max=self._compile_s_max, target=self._target)
        try:
            task_status.started()
            while True:
                await trio.sleep(self._idle_s_max / 4)
                await self._slots.stop_idle(trio.current_time() - self._idle_s_max)
        finally:
            self._compiler = None
            await self._slots.retire()

    async def check(self) -> Protection:
        """Start a worker if there is none and return what protects the machine from it.

        Raises:
            SandboxUnavailable: this machine has no usable engine; the message says why.
            ChildGone: no worker starts, which is a bug or a machine without memory.
        """
        async with self._slots.taken(b"") as slot:
            return await slot.protection()

    async def prepare(self, package: Package) -> None:
        """Compile ``package`` now, so that its first run begins at once.

        Raises:
            RemoteProtocolError: its module does not validate.
            SandboxUnavailable: this machine has no usable engine; the message says why.
        """
        try:
            await self._require_compiler().compiled(package)
        except CompileLimit:
            return

    async def execute(
        self,
        package: Package | bytes,
        request: RunRequest,
        *,
        on_progress: Callable[[int], None] | None = None,
        pace: Pace | None = None,
    ) -> RunReport:
        """Run ``package`` (or its file) once and report how it went.

        A run that the engine traps is run twice, the second time counting so often that it takes
        up to twice as long: only so its fuel at the trap is exact (section 7.5).  Each of the two
        has ``wall_s_max``.  The first of them also compiles the module once more.

        Waits in line when all workers are busy.  Cancelling kills the worker of this run at once.
        ``on_progress`` is called now and then with the fuel used so far, when the run tells it.
        With a ``pace`` the run waits after each slice; what that raises ends the run.

        Raises:
            RemoteProtocolError: the package is not acceptable, its module does not validate, or
                ``memory_bytes_max`` is less than it begins with.
            SandboxBusy: too many runs wait already.
            SandboxUnavailable: this machine has no usable engine; the message says why.
        """
        if isinstance(package, bytes):
            package = await trio.to_thread.run_sync(open_package, package)
        compiler = self._require_compiler()
        command = make_command(compiler.key(package, _variant(pace)), package, request, pace)
        ended = await self._attempt(package, command, request.wall_s_max, on_progress, pace)
        return ended if isinstance(ended, RunReport) else await make_report(ended[0])

    @asynccontextmanager
    async def execute_many(
        self, package: Package, requests: Iterable[RunRequest] | AsyncIterable[RunRequest]
    ) -> AsyncGenerator[Reports]:
        """Run ``package`` once for each of ``requests``, and iterate over (index, report).

        Reports come as the runs end, in any order; a request's index counts from 0.  Each run is
        as ``execute`` would do it: a fresh instance, limits, time and faults of its own.  Short
        runs are told to their workers many at a time, which is ten times faster.

        Requests are taken as there is room, and reports wait until they are taken, in bounded
        numbers.  All workers are used, and others who wait for one get it in between.  Leaving the
        context cancels what is left, as cancelling does: runs that do not end at once are killed.

        Raises:
            RemoteProtocolError, SandboxBusy, SandboxUnavailable: from the iterator, after the
                reports that there are: as ``execute``.  So does whatever ``requests`` raises.  What
                the body of the context raises leaves it as it is.
        """
        compiler = self._require_compiler()
        waiting, reports = Requests(requests), Reports()
        lane = Lane(
            compiler=compiler,
            slots=self._slots,
            package=package,
            requests=waiting,
            reports=reports,
            repeat_precisely=self._repeat_precisely,
            cancel_grace_s=self._cancel_grace_s,
        )

        async def run_lanes() -> None:
            async with trio.open_nursery() as lanes:
                for _ in range(self.workers):
                    lanes.start_soon(lane.run)
            reports.end()

        async def fetch() -> None:
            try:
                await waiting.fetch()
            except Exception as error:
                reports.end(error)

        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fetch)
            nursery.start_soon(run_lanes)
            try:
                yield reports
            except Exception as error:
                # Whatever it is: a nursery would wrap it, and its name would catch it no more.
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def execute_steps(
        self,
        package: Package,
        request: StepRequest,
        *,
        on_progress: Callable[[int], None] | None = None,
        pace: Pace | None = None,
    ) -> StepReport:
        """Run a step task by its steps, from a snapshot or the beginning (section 7.8).

        Waits and is cancelled like ``execute``, whose errors it raises as well.

        Raises:
            RemoteProtocolError: the snapshot does not fit the package.
            LocalProtocolError: the package is no step task, or ends before the snapshot begins.
        """
        key = self._require_compiler().key(package, _variant(pace))
        run = make_command(key, package, request.run, pace)
        command = make_step_command(run, package, request)
        ended = await self._attempt(package, command, request.run.wall_s_max, on_progress, pace)
        if isinstance(ended, RunReport):
            return StepReport(states=0, roots=(), snapshot=None, report=ended)
        return await make_step_report(*ended)

    @asynccontextmanager
    async def open_session(self, package: Package, request: RunRequest) -> AsyncGenerator[Session]:
        """Keep an instance of ``package`` warm while the context lasts (section 7.14).

        Call ``Session.begin`` first.  ``request`` holds for the beginning and every call; its input
        is empty.  Each session has a worker of its own, beside those of runs: one that lasts for
        an hour must not make runs wait.  There are at most ``workers``; a further one waits.

        Raises:
            LocalProtocolError: the package is no reactor.
            SessionOver: the module cannot be compiled or loaded here.
            RemoteProtocolError, SandboxBusy, SandboxUnavailable: as ``execute``.
        """
        if package.manifest.shape is not Shape.REACTOR:
            raise LocalProtocolError(f"{package} is no reactor")
        compiler = self._require_compiler()
        command = make_command(compiler.key(package), package, request)
        try:
            compiled = await compiler.compiled(package)
        except CompileLimit:
            raise SessionOver(HostFault(HostFaultKind.COMPILE_LIMIT)) from None
        async with self._sessions:
            slot = WorkerSlot(self._target)
            try:
                await slot.load(command.key, compiled)
                yield Session(await slot.borrow(), command)
            except (LoadRefused, ChildGone):
                compiler.forget(package)
                raise SessionOver(HostFault(HostFaultKind.ENGINE_FAILED)) from None
            finally:
                # The worker ends with the instance that it keeps.
                await slot.retire()

    async def verify(self, package: Package, request: VerifyRequest) -> VerifyReport:
        """Ask the package's own verifier whether an output is right (section 7.13).

        Waits and is cancelled like ``execute``, whose errors it raises as well.

        Raises:
            LocalProtocolError: the package has no verifier.
        """
        run = make_command(self._require_compiler().key(package), package, request.run)
        command = make_verify_command(run, package, request)
        ended = await self._attempt(package, command, request.run.wall_s_max, None)
        if isinstance(ended, RunReport):
            return report_verifier_fault(ended)
        return make_verify_report(ended[0])

    async def _attempt(
        self,
        package: Package,
        command: RunCommand | StepCommand | VerifyCommand,
        wall_s_max: float,
        on_progress: Callable[[int], None] | None,
        pace: Pace | None = None,
    ) -> tuple[Ended, Stepped | None] | RunReport:
        """Return how a run ended, or the report of a fault of this machine."""
        compiler = self._require_compiler()
        started = trio.current_time()
        try:
            ended = await self._execute(
                compiler, package, command, wall_s_max, on_progress, pace, variant=_variant(pace)
            )
            if not ended[0].is_exact:
                # A trap, whose fuel is known from code that counts more often: the same run again.
                again = with_key(command, compiler.key(package, Variant.PRECISE))
                ended = await self._execute(
                    compiler, package, again, wall_s_max, None, variant=Variant.PRECISE
                )
            return ended
        except CompileLimit as limit:
            fault = HostFaultKind.COMPILE_LIMIT
            logger.warning("%s could not be compiled: %s", package, limit)
        except LoadRefused:
            compiler.forget(package)
            fault = HostFaultKind.ENGINE_FAILED
        except ChildGone as gone:
            fault = HostFaultKind.WORKER_DIED
            logger.warning("the worker of a run of %s is gone: %s", package, gone)
        except TimeLimit:
            fault = HostFaultKind.TIME_LIMIT
        return report_fault(fault, trio.current_time() - started)

    async def _repeat_precisely(
        self, package: Package, command: RunCommand, wall_s_max: float
    ) -> RunReport:
        ended = await self._attempt(package, command, wall_s_max, None)
        return ended if isinstance(ended, RunReport) else await make_report(ended[0])

    async def _execute(
        self,
        compiler: Compiler,
        package: Package,
        command: RunCommand | StepCommand | VerifyCommand,
        wall_s_max: float,
        on_progress: Callable[[int], None] | None,
        pace: Pace | None = None,
        *,
        variant: Variant,
    ) -> tuple[Ended, Stepped | None]:
        run = command if isinstance(command, RunCommand) else command.run
        if not self._slots.have(run.key):
            # Before a worker is taken: a module that takes a minute to compile must not hold one.
            await compiler.compiled(package, variant)
        async with self._slots.taken(run.key) as slot:
            if not slot.has(run.key):
                compiled = await compiler.compiled(package, variant)
                await slot.load(run.key, compiled)
            with trio.move_on_after(wall_s_max):
                ended, stepped = await slot.run(command, on_progress, pace)
                check_plausible(ended, run)
                return ended, stepped
            raise TimeLimit

    def _require_compiler(self) -> Compiler:
        if self._compiler is None:
            raise LocalProtocolError("the sandbox is not running")
        return self._compiler


def _variant(pace: Pace | None) -> Variant:
    return Variant.FAST if pace is None else Variant.PACED
