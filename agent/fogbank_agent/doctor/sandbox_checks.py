"""Whether tasks can run here, and what holds them in."""

from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from fogbank_wasm_tasks.errors import SandboxUnavailable
from fogbank_wasm_tasks.sandbox.availability import check_available
from fogbank_wasm_tasks.sandbox.pool import Protection, Sandbox
from fogbank_wasm_tasks.sandbox.process import ChildGone

from ..limits import DOCTOR_SANDBOX_S_MAX
from .finding import Finding, note, ok, problem

_ENGINE = "running tasks"
_BUYS_ONLY = "the agent buys, pays and relays, and sells nothing"


def check_sandbox() -> list[Finding]:
    """Start a worker as a run would have it, and return what it found of its own walls."""
    try:
        check_available()
        protection = trio.run(_ask_a_worker)
    except SandboxUnavailable as error:
        return [problem(_ENGINE, "not possible", _BUYS_ONLY, str(error))]
    except OSError as error:
        return [
            problem(_ENGINE, f"not possible: {error.strerror}", _BUYS_ONLY, "make room in /tmp")
        ]
    if protection is None:
        return [
            problem(
                _ENGINE,
                f"no worker was ready within {DOCTOR_SANDBOX_S_MAX:.0f} s",
                _BUYS_ONLY,
                "see whether memory or processes are limited here ('ulimit -a'), then try again",
            )
        ]
    return [ok(_ENGINE, "a worker starts", "neighbours can buy runs here"), *judge(protection)]


async def _ask_a_worker() -> Protection | None:
    """Return what a worker says; None when none starts in time."""
    found: Protection | SandboxUnavailable | None = None
    with TemporaryDirectory(prefix="fogbank-") as folder:
        sandbox = Sandbox(Path(folder), workers=1)
        async with trio.open_nursery() as nursery:
            await nursery.start(sandbox.run)
            # Kept, because a nursery would wrap what is raised through it.
            with trio.move_on_after(DOCTOR_SANDBOX_S_MAX):
                try:
                    found = await sandbox.check()
                except SandboxUnavailable as error:
                    found = error
                except ChildGone:
                    found = None
            nursery.cancel_scope.cancel()
    if isinstance(found, SandboxUnavailable):
        raise found
    return found


def judge(protection: Protection) -> list[Finding]:
    """Return a finding for each wall around a worker."""
    walls = (
        (
            protection.no_new_privileges,
            "no new rights",
            "start a program with more rights",
            _KERNEL,
        ),
        (protection.seccomp, "filter of system calls", "ask the kernel for anything", _FILTER),
        (protection.network_closed, "network closed", "open a connection", _FILTER),
        (protection.files_closed, "files closed", "open a file of this user", _FILTER),
        (protection.programs_closed, "programs closed", "start a program", _FILTER),
        (protection.memory_limited, "memory limited", "take all memory of this machine", _LIMITS),
    )
    return [
        ok(f"sandbox: {name}", "active", f"code that escaped from the engine could not {act}")
        if holds
        else note(
            f"sandbox: {name}",
            "not active",
            f"code that escaped from the engine could {act}; the engine itself still holds it",
            remedy,
        )
        for holds, name, act, remedy in walls
    ]


_KERNEL = "use Linux 3.5 or newer"
_FILTER = (
    "use Linux on x86-64 or 64-bit ARM, with seccomp in its kernel and not forbidden by a container"
)
_LIMITS = "use Linux 4.7 or newer"
