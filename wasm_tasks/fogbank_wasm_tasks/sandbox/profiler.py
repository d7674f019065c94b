"""Profiles one run in a child of its own, as far as an author waits for it."""

from typing import Final

import trio

from fogbank_protocol.errors import RemoteProtocolError

from ..limits import COMPILE_S_MAX
from ..module.function_names import read_function_names
from ..outcome import HostFaultKind
from ..package import Package
from ..profile import Profile, make_profile
from ..run import RunReport, RunRequest
from .availability import check_available
from .commands import make_command
from .messages import Ended, Invalid, ProfileCommand, Profiled
from .process import ChildGone, ChildProcess
from .reports import check_plausible, make_report, report_fault
from .settings import Target

_CHILD: Final = "fogbank_wasm_tasks.sandbox.profile_child"


async def profile(
    package: Package,
    request: RunRequest,
    *,
    names: dict[int, str] | None = None,
    compile_s_max: float = COMPILE_S_MAX,
) -> Profile:
    """Run ``package`` once and return where its fuel went.

    The run has the outcome and the fuel of any other, and takes two to five times as long; it may
    take ``compile_s_max`` and the request's ``wall_s_max`` together.  ``names`` of functions are by
    index; those that the module itself has are taken when None.

    Raises:
        RemoteProtocolError: its module does not validate, or begins with more memory than allowed.
        SandboxUnavailable: this machine has no usable engine; the message says why.
    """
    check_available()
    command = make_command(b"", package, request)
    started = trio.current_time()
    found = Profiled((), ())
    child: ChildProcess | None = None
    try:
        child = await ChildProcess.start(_CHILD, Target.NATIVE)
        with trio.move_on_after(compile_s_max + request.wall_s_max):
            await child.send(ProfileCommand(package.module, command))
            while True:
                match await child.receive():
                    case Profiled() as found:
                        pass
                    case Ended() as ended:
                        check_plausible(ended, command)
                        return _make(package, await make_report(ended), found, names)
                    case Invalid(message):
                        raise RemoteProtocolError(
                            f"the module does not validate: {message}", rule="7.2"
                        )
                    case _:
                        raise ChildGone("an answer to no question")
        fault = HostFaultKind.TIME_LIMIT
    except ChildGone:
        fault = HostFaultKind.WORKER_DIED
    finally:
        if child is not None:
            await child.close()
    return _make(package, report_fault(fault, trio.current_time() - started), found, names)


def _make(
    package: Package, report: RunReport, found: Profiled, names: dict[int, str] | None
) -> Profile:
    if names is None:
        names = read_function_names(package.module)
    return make_profile(report, package.facts, names, found.functions, found.host)
