"""Runs tasks on this machine, in the sandbox that providers use, and compares with the manifest.

Each test is run on the processor of this machine and on a portable one that is interpreted: outcome
and fuel must be equal (SPEC.md section 7.6), and what differs between the two would differ between
providers.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_wasm_tasks.errors import SandboxUnavailable
from fogbank_wasm_tasks.limits import WALL_S_MAX
from fogbank_wasm_tasks.outcome import Exited, HostFault, Ok, Outcome, OutOfFuel, Trap, agree
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import RunReport, RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox, Target

from ..errors import ConfigError, MachineError, Refused
from ..market.pricing import bill
from ..trading.interfaces import Runner
from .environment import environment_of
from .manifest import TaskManifest, TrialSection

BOTH_TARGETS = (Target.NATIVE, Target.PULLEY)
"""The engines of a test: what providers use, and one that has nothing of this processor."""

_COMPILE_S_MAX = 600.0
# Ten times what a provider gives: an author may have a slow machine.


@dataclass(frozen=True, slots=True)
class TrialResult:
    """How one test went."""

    name: str
    passed: bool
    why: str
    """A sentence when it did not pass, else empty."""

    outcome: str
    fuel: int
    peak_memory_bytes: int
    wall_ms: float
    output_bytes: int
    output_sha256: str
    deterministic: bool
    """Every further run gave the same outcome and the same fuel."""

    engines: tuple[str, ...]
    """Where it was run: twice in the first of them."""

    price: int
    """Drops for its fuel, at the price asked about."""

    diagnostics: str
    """What it wrote to standard error, the beginning of it."""


@asynccontextmanager
async def local_sandboxes(targets: Sequence[Target]) -> AsyncGenerator[Mapping[str, Sandbox]]:
    """Start a sandbox for each of ``targets``, and return them by the target's name.

    Raises:
        MachineError: this machine cannot run tasks; the sentence says why.
    """
    async with AsyncExitStack() as stack:
        yield {
            str(target): await stack.enter_async_context(local_sandbox(target))
            for target in targets
        }


@asynccontextmanager
async def local_sandbox(target: Target = Target.NATIVE) -> AsyncGenerator[Sandbox]:
    """Start a sandbox with one worker, in a folder that is removed at the end.

    Raises:
        MachineError: this machine cannot run tasks; the sentence says why.
    """
    with TemporaryDirectory(prefix="fogbank-") as folder:
        sandbox = Sandbox(Path(folder), workers=1, compile_s_max=_COMPILE_S_MAX, target=target)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(sandbox.run)
                yield sandbox
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            # Who runs one thing expects its one error, or a person's interrupt, and no group.
            error = _only(group)
            if isinstance(error, SandboxUnavailable):
                raise MachineError(str(error)) from None
            raise error from None


def _only(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def run_once(sandbox: Runner, package: Package, request: RunRequest) -> RunReport:
    """Run ``package`` once.

    Raises:
        Refused: its module does not validate, or begins with more memory than allowed.
        MachineError: this machine cannot run tasks; the sentence says why.
    """
    try:
        return await sandbox.execute(package, request)
    except RemoteProtocolError as error:
        raise Refused(f"the task cannot be run: {error}") from None
    except SandboxUnavailable as error:
        raise MachineError(str(error)) from None


async def try_all(
    sandboxes: Mapping[str, Runner],
    package: Package,
    manifest: TaskManifest,
    folder: Path,
    *,
    price: int,
    start_price: int,
    on_result: Callable[[TrialResult], None],
) -> None:
    """Run every test of ``manifest`` and report each as it ends.

    Args:
        sandboxes: by the name of their engine; the first runs each test twice, others once.
        package: what to run.
        manifest: whose tests.
        folder: where the files that it names are.
        price: drops for a gigafuel.
        start_price: drops for the start of a run.
        on_result: told of each test.

    Raises:
        ConfigError: a file that a test names is missing, or an input is too large.
        Refused: the module does not validate.
        MachineError: this machine cannot run tasks; the sentence says why.
    """
    first, *others = sandboxes.values()
    for test in manifest.test:
        request = request_of(test, folder)
        reports = [await run_once(sandbox, package, request) for sandbox in (first, first, *others)]
        on_result(_judge(test, folder, reports, tuple(sandboxes), price, start_price))


def outcome_text(outcome: Outcome) -> str:
    """Return ``outcome`` as manifests write it."""
    match outcome:
        case Ok():
            return "ok"
        case OutOfFuel():
            return "out_of_fuel"
        case Trap(kind):
            return f"trap:{kind}"
        case Exited(code):
            return f"exit:{code}"
        case HostFault(kind):
            return f"host_fault:{kind}"


def _judge(
    test: TrialSection,
    folder: Path,
    reports: list[RunReport],
    engines: tuple[str, ...],
    price: int,
    start_price: int,
) -> TrialResult:
    report, *again = reports
    same = all(agree((report.outcome, report.fuel), (other.outcome, other.fuel)) for other in again)
    outcome = outcome_text(report.outcome)
    faults = [each.outcome.kind for each in reports if isinstance(each.outcome, HostFault)]
    if faults:
        why = f"this machine could not run it: {faults[0]}"
    elif outcome != test.outcome:
        why = f"the outcome is {outcome}, {test.outcome} expected"
    elif not same:
        why = (
            "two runs gave different results, which is a fault of the sandbox and not of the task: "
            "please report it"
        )
    else:
        why = _compare(test, folder, report.output)
    return TrialResult(
        name=test.name,
        passed=not why,
        why=why,
        outcome=outcome,
        fuel=report.fuel,
        peak_memory_bytes=report.peak_memory_bytes,
        wall_ms=round(report.wall_s * 1000, 3),
        output_bytes=len(report.output),
        output_sha256=sha256(report.output).hexdigest(),
        deterministic=same,
        engines=engines,
        price=bill(report.fuel, price, start_price),
        diagnostics=report.diagnostics.decode("utf-8", "replace"),
    )


def _compare(test: TrialSection, folder: Path, output: bytes) -> str:
    """Say how ``output`` differs from what ``test`` expects, or nothing."""
    if test.output_sha256:
        found = sha256(output).hexdigest()
        return "" if found == test.output_sha256 else f"the SHA-256 of the output is {found}"
    if test.output_text is not None:
        expected = test.output_text.encode()
    elif test.output_file is not None:
        expected = _read(folder / test.output_file)
    else:
        return ""
    if output == expected:
        return ""
    place = next(
        (at for at, (one, other) in enumerate(zip(output, expected, strict=False)) if one != other),
        min(len(output), len(expected)),
    )
    return (
        f"the output has {len(output)} bytes, {len(expected)} expected, and differs from byte "
        f"{place} on: {output[place : place + 24]!r}, {expected[place : place + 24]!r} expected"
    )


def request_of(test: TrialSection, folder: Path) -> RunRequest:
    """Return the run that ``test`` asks for, of a manifest in ``folder``.

    Raises:
        ConfigError: its input cannot be read, or the run is not possible.
    """
    if test.input_file is not None:
        data = _read(folder / test.input_file)
    else:
        data = (test.input_text or "").encode()
    try:
        return RunRequest(
            input=data,
            fuel_max=test.fuel_max,
            arguments=test.arguments,
            environment=environment_of(test.environment),
            seed=test.seed,
            wall_s_max=WALL_S_MAX,
        )
    except LocalProtocolError as error:
        raise ConfigError(f"the test '{test.name}' cannot be run: {error}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
