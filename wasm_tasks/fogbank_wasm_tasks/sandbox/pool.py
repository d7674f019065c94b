"""The sandbox as the agent sees it: a pool of supervised, disposable workers."""

from collections.abc import Callable
from pathlib import Path

import trio

from ..package import Package
from ..run import RunReport, RunRequest

__all__ = ["RunReport", "RunRequest", "Sandbox"]


class Sandbox:
    """Runs packages in worker processes that are started when needed and stopped when idle."""

    def __init__(self, folder: Path, *, workers: int) -> None:
        """Keep compiled modules in ``folder``, and run at most ``workers`` runs at the same time."""
        self._folder = folder
        self._workers = workers

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Supervise the workers until cancelled; ``started`` as soon as ``execute`` may be called.

        Raises:
            SandboxUnavailable: this machine has no usable engine; the message says why.
        """
        raise NotImplementedError

    async def execute(
        self,
        package: Package | bytes,
        request: RunRequest,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> RunReport:
        """Run ``package`` (or its file) once and report how it went.

        Waits in line when all workers are busy.  Cancelling kills the worker of this run at once.
        ``on_progress`` is called now and then with the fuel used so far, when the run tells it.

        Raises:
            RemoteProtocolError: the package is not acceptable, or its module does not validate.
            SandboxBusy: too many runs wait already.
            SandboxUnavailable: this machine has no usable engine; the message says why.
        """
        raise NotImplementedError
