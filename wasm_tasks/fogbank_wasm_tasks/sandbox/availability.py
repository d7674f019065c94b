"""Whether this machine can run tasks, as far as that shows without starting a process."""

import sys
from importlib.util import find_spec

from ..errors import SandboxUnavailable

NEEDS_64_BITS = (
    "a 64-bit operating system is needed to run tasks: this one has 32 bits.  The agent can still "
    "buy runs, pay and vote"
)
NEEDS_WASMTIME = (
    "the package wasmtime is needed to run tasks and is not installed: pip install wasmtime"
)


def check_available(*, address_max: int = sys.maxsize, has_engine: bool | None = None) -> None:
    """Check what can be told at once; the rest a worker tells when it starts.

    Args:
        address_max: ``sys.maxsize`` of the machine.
        has_engine: whether the package wasmtime is installed; looked up when None.

    Raises:
        SandboxUnavailable: tasks cannot run here; the message says what to do.
    """
    # Looked at first, because pip installs wasmtime on 32-bit ARM, with a Windows library in it.
    if address_max <= 1 << 32:
        raise SandboxUnavailable(NEEDS_64_BITS)
    if has_engine is None:
        has_engine = find_spec("wasmtime") is not None
    if not has_engine:
        raise SandboxUnavailable(NEEDS_WASMTIME)
    if not sys.executable:
        raise SandboxUnavailable("Python does not know its own program, and cannot start workers")
