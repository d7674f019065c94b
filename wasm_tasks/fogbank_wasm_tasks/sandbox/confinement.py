"""How a worker shuts itself in before it sees hostile code (Linux; elsewhere less holds).

Each measure is for the case that a run escapes from the engine.  What came of them is found out by
trying, and told to the agent: a kernel or a container may refuse any of them.
"""

import ctypes
import os
import resource
import sys
from contextlib import suppress
from errno import EPERM
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, PAGESIZE, PROT_READ, PROT_WRITE, mmap
from typing import Final

from ..limits import OPEN_FILES_MAX
from .messages import Protection
from .seccomp import install_filter

_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_GET_NO_NEW_PRIVS: Final = 39
_PROT_READ_EXECUTE: Final = 1 | 4
_AF_INET: Final = 2
_SOCK_STREAM: Final = 1
_NICENESS: Final = 10
_IS_LINUX: Final = sys.platform == "linux"


def confine(memory_bytes: int) -> Protection:
    """Give up for good what a worker does not need, and return what holds now.

    Nothing can be imported afterwards, and no thread started.  ``memory_bytes`` bounds the
    private memory that can be written.
    """
    _be_the_first_to_go()
    is_limited = _limit_resources(memory_bytes)
    no_new_privileges = is_filtered = False
    if _IS_LINUX:
        libc = ctypes.CDLL(None, use_errno=True)
        # Other processes of this user cannot look into one that cannot be dumped.
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        no_new_privileges = libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
        is_filtered = install_filter()
    return Protection(
        no_new_privileges=no_new_privileges,
        seccomp=is_filtered,
        network_closed=_is_network_closed(),
        files_closed=_are_files_closed(),
        programs_closed=_are_programs_closed(),
        memory_limited=is_limited,
    )


def may_execute_made_code() -> bool:
    """Tell whether this process may make memory executable, without which there is no compiler."""
    with mmap(-1, PAGESIZE, flags=MAP_PRIVATE | MAP_ANONYMOUS, prot=PROT_READ | PROT_WRITE) as page:
        view = ctypes.c_char.from_buffer(page)
        libc = ctypes.CDLL(None, use_errno=True)
        address = ctypes.c_void_p(ctypes.addressof(view))
        result = libc.mprotect(address, ctypes.c_size_t(PAGESIZE), _PROT_READ_EXECUTE)
        del view
    return bool(result == 0)


def _be_the_first_to_go() -> None:
    """Let others have the processor first, and the kernel's killer take this process first."""
    with suppress(OSError):
        os.nice(_NICENESS)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def _limit_resources(memory_bytes: int) -> bool:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES_MAX)
    _limit(resource.RLIMIT_NPROC, 0)
    # Not RLIMIT_AS: the engine reserves gigabytes of addresses for each memory and uses few.
    return _IS_LINUX and _limit(resource.RLIMIT_DATA, memory_bytes)


def _limit(what: int, most: int) -> bool:
    try:
        resource.setrlimit(what, (most, most))
    except (ValueError, OSError):
        return False
    return True


def _is_network_closed() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.socket(_AF_INET, _SOCK_STREAM, 0)
    if descriptor >= 0:
        os.close(descriptor)
    return bool(descriptor < 0)


def _are_files_closed() -> bool:
    try:
        os.close(os.open("/", os.O_RDONLY))
    except PermissionError:
        return True
    return False


def _are_programs_closed() -> bool:
    try:
        os.execv("/nonexistent", ["/nonexistent"])
    except OSError as error:
        return error.errno == EPERM
