"""A seccomp filter: the few system calls that a worker needs, and no others.

A worker that hostile code has taken over can then compute, and answer on its pipe; it can open
no file and no socket, start nothing, and signal nobody.
"""

import ctypes
import platform
import struct
from typing import Final

_LOAD_WORD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_JUMP_IF_GREATER_OR_EQUAL: Final = 0x35
_RETURN: Final = 0x06

_OFFSET_NUMBER: Final = 0
_OFFSET_ARCHITECTURE: Final = 4

_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | 1  # EPERM
_KILL: Final = 0x80000000

_SET_MODE_FILTER: Final = 1
_ALL_THREADS: Final = 1
_X32_BIT: Final = 0x40000000

_SYSCALLS_X86_64: Final = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9,
    "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14,
    "rt_sigreturn": 15, "readv": 19, "writev": 20, "sched_yield": 24, "mremap": 25, "madvise": 28,
    "nanosleep": 35, "getpid": 39, "exit": 60, "gettimeofday": 96, "getrusage": 98,
    "sigaltstack": 131, "gettid": 186, "futex": 202, "sched_getaffinity": 204,
    "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230,
    "exit_group": 231, "ppoll": 271, "set_robust_list": 273, "getrandom": 318, "membarrier": 324,
    "rseq": 334,
}  # fmt: skip

_SYSCALLS_AARCH64: Final = {
    "close": 57, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "ppoll": 73,
    "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98, "set_robust_list": 99,
    "nanosleep": 101, "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115,
    "sched_getaffinity": 123, "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132,
    "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "getrusage": 165,
    "gettimeofday": 169, "getpid": 172, "gettid": 178, "brk": 214, "munmap": 215, "mremap": 216,
    "mmap": 222, "mprotect": 226, "madvise": 233, "getrandom": 278, "membarrier": 283,
    "rseq": 293,
}  # fmt: skip

# Audit number of the architecture, number of the system call seccomp itself, calls allowed.
_ARCHITECTURES: Final = {
    "x86_64": (0xC000003E, 317, _SYSCALLS_X86_64),
    "aarch64": (0xC00000B7, 277, _SYSCALLS_AARCH64),
}


def install_filter() -> bool:
    """Filter the system calls of all threads of this process for good; tell whether that worked.

    ``no_new_privs`` has to be set before.  False where the kernel or the processor is unknown.
    """
    found = _ARCHITECTURES.get(platform.machine())
    if found is None:
        return False
    architecture, seccomp_number, allowed = found
    program = assemble(architecture, sorted(allowed.values()))
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(
        ctypes.c_long(seccomp_number),
        ctypes.c_ulong(_SET_MODE_FILTER),
        ctypes.c_ulong(_ALL_THREADS),
        ctypes.c_char_p(header),
    )
    return bool(result == 0)


def assemble(architecture: int, allowed: list[int]) -> bytes:
    """Return the BPF program that allows the calls ``allowed`` of ``architecture`` only."""
    body = [
        (_LOAD_WORD, 0, 0, _OFFSET_NUMBER),
        # The other numbering of x86-64 would walk past a list of the first.
        (_JUMP_IF_GREATER_OR_EQUAL, len(allowed), 0, _X32_BIT),
        *[
            (_JUMP_IF_EQUAL, len(allowed) - place, 0, number)
            for place, number in enumerate(allowed)
        ],
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    program = [
        (_LOAD_WORD, 0, 0, _OFFSET_ARCHITECTURE),
        (_JUMP_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        *body,
    ]
    return b"".join(struct.pack("@HBBI", *instruction) for instruction in program)
