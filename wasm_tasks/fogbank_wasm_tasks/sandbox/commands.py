"""Makes the command of a worker from what is asked of the sandbox."""

from dataclasses import replace

from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError

from ..limits import PAGE_BYTES
from ..module.facts import Shape
from ..module.shape import has_verifier
from ..package import Package
from ..run import Pace, RunRequest
from ..verification.requests import StepRequest, VerifyRequest
from ..verification.snapshot import check_resumable, decode_snapshot
from .messages import RunCommand, StepCommand, VerifyCommand


def make_command(
    key: bytes, package: Package, request: RunRequest, pace: Pace | None = None
) -> RunCommand:
    """Return the command to run ``package`` at ``pace``, whose native code is under ``key``.

    Raises:
        RemoteProtocolError: it begins with more memory than the order allows (section 7.5).
    """
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
        slice_fuel=0 if pace is None else pace.slice_fuel,
    )


def with_key(
    command: RunCommand | StepCommand | VerifyCommand, key: bytes
) -> RunCommand | StepCommand | VerifyCommand:
    """Return ``command`` for the native code under ``key``, which knows no slices."""
    if isinstance(command, RunCommand):
        return replace(command, key=key, slice_fuel=0)
    return replace(command, run=replace(command.run, key=key, slice_fuel=0))


def make_step_command(run: RunCommand, package: Package, request: StepRequest) -> StepCommand:
    """Return the command to run ``package`` by steps.

    Raises:
        RemoteProtocolError: its snapshot is none of this package (section 7.10).
        LocalProtocolError: it is no step task, or would stop before it begins.
    """
    if run.shape is not Shape.STEP:
        raise LocalProtocolError(f"{package} is no step task")
    first = 0
    if request.snapshot is not None:
        snapshot = decode_snapshot(request.snapshot)
        check_resumable(snapshot, package.facts, run.memory_bytes_max, run.fuel_max)
        first = snapshot.head.steps
    if request.until is not None and request.until < first:
        raise LocalProtocolError("a run by steps that stops before it begins")
    return StepCommand(
        run=run,
        step_size=request.plan.step_size,
        checkpoint_steps=request.plan.checkpoint_steps,
        until=request.until,
        snapshot=request.snapshot,
    )


def make_verify_command(run: RunCommand, package: Package, request: VerifyRequest) -> VerifyCommand:
    """Return the command to have ``package`` check an output.

    Raises:
        LocalProtocolError: it has no verifier.
    """
    if not has_verifier(package.facts, package.manifest.shape):
        raise LocalProtocolError(f"{package} has no verifier")
    return VerifyCommand(run, request.claimed)
