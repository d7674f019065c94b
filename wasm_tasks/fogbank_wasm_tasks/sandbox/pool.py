"""The sandbox as the agent sees it: a pool of supervised, disposable workers."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError

from ..errors import SandboxBusy
from ..limits import (
    COMPILE_S_MAX,
    PAGE_BYTES,
    RUNS_QUEUED_MAX,
    WORKER_IDLE_S_MAX,
    WORKERS_MAX,
)
from ..outcome import HostFaultKind
from ..package import Package, open_package
from ..run import RunReport, RunRequest
from .availability import check_available
from .compile_cache import CompileCache
from .compiler import CompileLimit, Compiler
from .messages import Ended, Protection, RunCommand
from .process import ChildGone
from .reports import check_plausible, make_report, report_fault
from .slot import LoadRefused, WorkerSlot

__all__ = ["Protection", "RunReport", "RunRequest", "Sandbox"]

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
    ) -> None:
        """Keep compiled modules in ``folder``, and do at most ``workers`` runs at the same time.

        Nothing is started or made before ``run``.

        Args:
            folder: this agent's own; made when it is not there.
            workers: 1 … ``WORKERS_MAX``; one for each core to be lent is a good choice.
            idle_s_max: after so many seconds without a run a worker is stopped.
            compile_s_max: how many seconds compiling one module may take.
        """
        if not 1 <= workers <= WORKERS_MAX:
            raise LocalProtocolError(f"{workers} workers")
        self._folder = folder
        self._idle_s_max = idle_s_max
        self._compile_s_max = compile_s_max
        self._slots = [WorkerSlot() for _ in range(workers)]
        self._free = list(self._slots)
        self._turns = trio.Semaphore(workers)
        self._compiler: Compiler | None = None

    @property
    def workers(self) -> int:
        """How many runs there may be at the same time."""
        return len(self._slots)

    @property
    def running(self) -> int:
        """How many runs there are now."""
        return len(self._slots) - len(self._free)

    @property
    def waiting(self) -> int:
        """How many runs wait for a worker."""
        return self._turns.statistics().tasks_waiting

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Supervise the workers until cancelled; ``started`` as soon as ``execute`` may be called.

        Raises:
            SandboxUnavailable: this machine has no usable engine; the message says why.
        """
        check_available()
        cache = await trio.to_thread.run_sync(CompileCache, self._folder)
        self._compiler = Compiler(cache, seconds_max=self._compile_s_max)
        try:
            task_status.started()
            while True:
                await trio.sleep(self._idle_s_max / 4)
                await self._stop_idle_workers()
        finally:
            self._compiler = None
            for slot in self._slots:
                await slot.retire()

    async def check(self) -> Protection:
        """Start a worker if there is none and return what protects the machine from it.

        Raises:
            SandboxUnavailable: this machine has no usable engine; the message says why.
            ChildGone: no worker starts, which is a bug or a machine without memory.
        """
        async with self._slot(b"") as slot:
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
    ) -> RunReport:
        """Run ``package`` (or its file) once and report how it went.

        A run that the engine traps is run twice, the second time counting so often that it takes
        up to twice as long: only so its fuel at the trap is exact (section 7.5).  Each of the two
        has ``wall_s_max``.  The first of them also compiles the module once more.

        Waits in line when all workers are busy.  Cancelling kills the worker of this run at once.
        ``on_progress`` is called now and then with the fuel used so far, when the run tells it.

        Raises:
            RemoteProtocolError: the package is not acceptable, its module does not validate, or
                ``memory_bytes_max`` is less than it begins with.
            SandboxBusy: too many runs wait already.
            SandboxUnavailable: this machine has no usable engine; the message says why.
        """
        if isinstance(package, bytes):
            package = await trio.to_thread.run_sync(open_package, package)
        compiler = self._require_compiler()
        started = trio.current_time()
        try:
            ended = await self._execute(compiler, package, request, on_progress)
            if not ended.is_exact:
                # A trap, whose fuel is known from code that counts more often: the same run again.
                ended = await self._execute(compiler, package, request, None, is_precise=True)
        except CompileLimit as limit:
            fault = HostFaultKind.COMPILE_LIMIT
            logger.warning("%s could not be compiled: %s", package, limit)
        except LoadRefused:
            compiler.forget(package)
            fault = HostFaultKind.ENGINE_FAILED
        except ChildGone as gone:
            fault = HostFaultKind.WORKER_DIED
            logger.warning("the worker of a run of %s is gone: %s", package, gone)
        except _TimeLimit:
            fault = HostFaultKind.TIME_LIMIT
        else:
            return await make_report(ended)
        return report_fault(fault, trio.current_time() - started)

    async def _execute(
        self,
        compiler: Compiler,
        package: Package,
        request: RunRequest,
        on_progress: Callable[[int], None] | None,
        *,
        is_precise: bool = False,
    ) -> Ended:
        command = _make_command(compiler.key(package, is_precise=is_precise), package, request)
        if not any(slot.has(command.key) for slot in self._slots):
            # Before a worker is taken: a module that takes a minute to compile must not hold one.
            await compiler.compiled(package, is_precise=is_precise)
        async with self._slot(command.key) as slot:
            if not slot.has(command.key):
                compiled = await compiler.compiled(package, is_precise=is_precise)
                await slot.load(command.key, compiled)
            with trio.move_on_after(request.wall_s_max):
                ended = await slot.run(command, on_progress)
                check_plausible(ended, command)
                return ended
            raise _TimeLimit

    @asynccontextmanager
    async def _slot(self, key: bytes) -> AsyncGenerator[WorkerSlot]:
        """Take a free slot, rather one that has the module ``key``; give it back fit for use."""
        if self.waiting >= RUNS_QUEUED_MAX:
            raise SandboxBusy(f"{RUNS_QUEUED_MAX} runs wait already")
        async with self._turns:
            slot = max(self._free, key=lambda each: (each.has(key), each.is_live))
            self._free.remove(slot)
            try:
                yield slot
            except ChildGone:
                slot.note_death()
                await slot.stop()
                raise
            finally:
                if slot.is_in_doubt:
                    await slot.stop()
                slot.idle_since = trio.current_time()
                self._free.append(slot)

    async def _stop_idle_workers(self) -> None:
        before = trio.current_time() - self._idle_s_max
        for slot in [each for each in self._free if each.is_live and each.idle_since <= before]:
            if slot not in self._free or self._turns.value == 0:
                continue
            # Its turn is taken as well, so that no run waits for this slot.
            self._turns.acquire_nowait()
            self._free.remove(slot)
            await slot.stop()
            self._free.append(slot)
            self._turns.release()

    def _require_compiler(self) -> Compiler:
        if self._compiler is None:
            raise LocalProtocolError("the sandbox is not running")
        return self._compiler


class _TimeLimit(Exception):
    """A run took longer than its order allows."""


def _make_command(key: bytes, package: Package, request: RunRequest) -> RunCommand:
    memory_bytes_max = min(request.memory_bytes_max, package.manifest.memory_bytes_max)
    memory = package.facts.memory
    assert memory is not None
    if memory.minimum * PAGE_BYTES > memory_bytes_max:
        raise RemoteProtocolError(
            f"the module begins with {memory.minimum} pages of memory, more than the "
            f"{memory_bytes_max} bytes of the order",
            rule="7.5",
        )
    return RunCommand(
        key=key,
        shape=package.manifest.shape,
        input=request.input,
        arguments=request.arguments,
        environment=request.environment,
        seed=request.seed,
        fuel_max=request.fuel_max,
        memory_bytes_max=memory_bytes_max,
        output_bytes_max=min(request.output_bytes_max, package.manifest.output_bytes_max),
    )
