"""What the market's shells need of others, said as narrowly as they need it."""

from collections.abc import Callable
from typing import Protocol

from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import RunReport, RunRequest
from fogbank_wasm_tasks.verification.requests import StepReport, StepRequest


class Runner(Protocol):
    """Executes runs: the sandbox, or what the composition root puts around it."""

    async def execute(
        self,
        package: Package | bytes,
        request: RunRequest,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> RunReport:
        """Run ``package`` (or its file) once; ``on_progress`` is told the fuel used so far.

        Cancelling stops the run.

        Raises:
            RemoteProtocolError: the package breaks a rule (SPEC.md section 7).
            SandboxBusy: too many runs wait already.
            SandboxUnavailable: this machine cannot run tasks at all.
        """
        ...


class StepRunner(Runner, Protocol):
    """Executes step tasks by their steps as well."""

    async def execute_steps(
        self,
        package: Package,
        request: StepRequest,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> StepReport:
        """Run a step task by its steps; waits, is cancelled and raises like ``execute``."""
        ...
