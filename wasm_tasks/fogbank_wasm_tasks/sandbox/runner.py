"""What a worker does: keeps modules loaded, and runs them."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from ..limits import (
    COMPILED_BYTES_MAX,
    DIAGNOSTICS_BYTES_MAX,
    PROGRESS_INTERVAL_S,
    WORKER_MODULES_MAX,
)
from ..outcome import HostFault, HostFaultKind
from .engine import Engine, EngineFailed, LoadedModule
from .messages import (
    AgainCommand,
    Answered,
    Command,
    Ended,
    GoOn,
    LoadCommand,
    Loaded,
    LoadFailed,
    Progress,
    Reply,
    RunCommand,
    SessionCommand,
    SliceDone,
    StepCommand,
    Stepped,
    VerifyCommand,
)
from .session_run import SessionRun
from .settings import Target
from .shapes import Play
from .step_run import StepRun
from .verify_run import verify


class Runner:
    """An engine and the modules used last."""

    def __init__(
        self,
        tell: Callable[[Progress | Stepped | Answered], None],
        wait: Callable[[SliceDone], GoOn],
        receive: Callable[[], Command],
        target: Target,
    ) -> None:
        """Tell what comes before the end of a run through ``tell``.

        That is the progress of long runs, what runs by steps passed, and the answers of a session,
        whose calls come from ``receive``.  ``wait`` returns when a run that has slices may go on.
        """
        self._tell = tell
        self._wait = wait
        self._receive = receive
        self._steps: StepRun | None = None
        self._told_at = 0.0
        self._last: RunCommand | None = None
        self._engine = Engine(self._tell_progress, target, on_slice=self._end_slice)
        self._modules: OrderedDict[bytes, LoadedModule] = OrderedDict()

    def answer(
        self,
        command: (
            AgainCommand | LoadCommand | RunCommand | SessionCommand | StepCommand | VerifyCommand
        ),
    ) -> Reply:
        """Do what ``command`` says and return what came of it."""
        match command:
            case AgainCommand():
                return self._run_again(command)
            case RunCommand():
                # Its input may be long, and a run that is like it has its own.
                self._last = replace(command, input=b"")
                return self._run(command)
            case LoadCommand(key, compiled):
                return self._load(key, compiled)
            case StepCommand(run=run):
                self._steps = steps = StepRun(command, self._tell_progress, self._hand_out)
                ended = self._run(run, steps.play)
                self._steps = None
                self._tell(steps.stepped())
                return ended
            case SessionCommand(run):
                return self._run(run, SessionRun(run, self._receive, self._tell).play)
            case VerifyCommand(run, claimed):
                return self._run(run, lambda instance, _meter: verify(instance, run.input, claimed))

    def _run_again(self, command: AgainCommand) -> Ended:
        last = self._last
        assert last is not None
        # What was run last is the last to be forgotten already.
        module = self._modules[last.key]
        self._told_at = monotonic()
        try:
            return self._engine.run_again(
                module, last, command.input, command.seed, command.fuel_max
            )
        except EngineFailed as error:
            return _engine_failed(error)

    def _load(self, key: bytes, compiled: bytes) -> Loaded | LoadFailed:
        forgotten: list[bytes] = []
        while self._modules and not self._has_room(len(compiled)):
            forgotten.append(self._modules.popitem(last=False)[0])
        try:
            self._modules[key] = self._engine.load(compiled)
        except EngineFailed:
            return LoadFailed(forgotten)
        return Loaded(forgotten)

    def _has_room(self, compiled_bytes: int) -> bool:
        held = sum(module.compiled_bytes for module in self._modules.values())
        return len(self._modules) < WORKER_MODULES_MAX and (
            held + compiled_bytes <= COMPILED_BYTES_MAX
        )

    def _run(self, command: RunCommand, play: Play | None = None) -> Ended:
        self._modules.move_to_end(command.key)
        self._told_at = monotonic()
        try:
            return self._engine.run(self._modules[command.key], command, play)
        except EngineFailed as error:
            return _engine_failed(error)

    def _end_slice(self, fuel: int) -> None:
        told = self._wait(SliceDone(fuel, b""))
        if self._steps is not None and told.wants_snapshot:
            self._steps.wants_snapshot = True

    def _hand_out(self, fuel: int, snapshot: bytes) -> None:
        """Tell a state that was wanted, and wait as at the end of a slice."""
        if self._wait(SliceDone(fuel, snapshot)).wants_snapshot and self._steps is not None:
            self._steps.wants_snapshot = True

    def _tell_progress(self, fuel: int) -> None:
        now = monotonic()
        if now >= self._told_at + PROGRESS_INTERVAL_S:
            self._told_at = now
            self._tell(Progress(fuel))


def _engine_failed(error: EngineFailed) -> Ended:
    return Ended(
        ending=HostFault(HostFaultKind.ENGINE_FAILED),
        output=b"",
        fuel=0,
        peak_memory_bytes=0,
        wall_us=0,
        diagnostics=str(error).encode("utf-8")[:DIAGNOSTICS_BYTES_MAX],
        is_exact=True,
    )
