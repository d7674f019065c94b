"""Processor, memory, clock, disk and libraries."""

import ctypes
import os
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from time import perf_counter, process_time, time

from ..limits import (
    CLOCK_UNIX_S_MIN,
    DISK_FREE_BYTES_MIN,
    DISK_FREE_BYTES_WANTED,
    DOCTOR_SIGNATURES,
    DOCTOR_SYNC_S_MAX,
    DOCTOR_SYNCS,
    MEBIBYTE,
    MEMORY_BYTES_MIN,
    OPEN_FILES_WANTED,
    SYNC_MS_WANTED,
    VERIFIES_PER_S_WANTED,
)
from .finding import Finding, note, ok, problem


def check_system() -> Finding:
    """Return whether processor, operating system and Python have the width that tasks need."""
    bits = 64 if sys.maxsize > 1 << 32 else 32
    machine = os.uname()
    found = f"{bits}-bit Python {sys.version.split()[0]}, {machine.sysname} on {machine.machine}"
    if bits == 64:
        return ok("system", found, "tasks can run")
    return problem("system", found, "tasks cannot run", "install a 64-bit operating system")


def check_wasmtime() -> Finding:
    """Return whether the engine is installed, without importing it."""
    try:
        return ok("wasmtime", version("wasmtime"), "tasks have an engine")
    except PackageNotFoundError:
        return problem(
            "wasmtime",
            "not installed",
            "tasks cannot run",
            f"{sys.executable} -m pip install wasmtime",
        )


def check_channel_cipher() -> Finding:
    """Return which library encrypts channels."""
    if find_spec("cryptography") is not None:
        return ok("channels", "cryptography", "encrypted at full speed")
    return note(
        "channels",
        "libsodium",
        "encrypted, three to five times slower for each message",
        f"{sys.executable} -m pip install cryptography",
    )


def check_cores(workers: int) -> Finding:
    """Return how many cores there are and how many are lent; ``workers`` as configured."""
    cores = os.cpu_count() or 1
    lent = workers or max(1, cores - 1)
    found = f"{cores} cores, {lent} lent"
    if lent < cores:
        return ok("processor", found, f"{lent} runs at the same time")
    return note(
        "processor",
        found,
        "runs of neighbours compete with everything else here, at a low priority",
        "nothing, or lend fewer: [provider] workers in config.toml",
    )


def check_signatures() -> Finding:
    """Return how fast this processor checks signatures."""
    from fogbank_protocol.identity import Identity, is_signed_by

    identity = Identity.from_seed(bytes(32))
    message = bytes(200)
    signature = identity.sign(message)
    # Processor time: other programs shall not make this machine look slow.
    started = process_time()
    for _ in range(DOCTOR_SIGNATURES):
        assert is_signed_by(identity.node_id, message, signature)
    rate = DOCTOR_SIGNATURES / max(process_time() - started, 1e-6)
    found = f"{rate:,.0f} Ed25519 checks a second on one core"
    if rate >= VERIFIES_PER_S_WANTED:
        return ok("signatures", found, "the ledger of a busy network can be followed")
    return note(
        "signatures",
        found,
        "in a busy network this machine falls behind and its payments take longer",
        "nothing in a small network; in a large one use a faster processor",
    )


def check_memory(workers: int, memory_mib_max: int) -> Finding:
    """Return whether the memory suffices for ``workers`` runs of ``memory_mib_max`` each."""
    available = read_available_memory()
    if available is None:
        return note("memory", "unknown", "this system does not tell", "nothing")
    lent = workers or max(1, (os.cpu_count() or 1) - 1)
    wanted = MEMORY_BYTES_MIN + lent * memory_mib_max * MEBIBYTE
    found = f"{available // MEBIBYTE:,} MiB available"
    if available < MEMORY_BYTES_MIN:
        return problem(
            "memory",
            found,
            "an agent may be ended by the system",
            f"free some: an agent wants {MEMORY_BYTES_MIN // MEBIBYTE} MiB for itself",
        )
    if available < wanted:
        return note(
            "memory",
            found,
            f"{lent} runs that each use all they may would need {wanted // MEBIBYTE:,} MiB",
            "lower [provider] memory_mib_max or workers in config.toml",
        )
    return ok("memory", found, f"enough for {lent} runs of {memory_mib_max} MiB")


def read_available_memory() -> int | None:
    """Return the bytes that can be taken here, a container's limit included; None when unknown."""
    try:
        text = Path("/proc/meminfo").read_text("ascii")
        [line] = [line for line in text.splitlines() if line.startswith("MemAvailable:")]
        available = int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    try:
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text("ascii"))
        used = int((group / "memory.current").read_text("ascii"))
    except (OSError, ValueError):
        # "max", or no such group.
        return available
    return min(available, max(most - used, 0))


def check_clock() -> Finding:
    """Return whether the clock is set and kept."""
    now = time()
    if now < CLOCK_UNIX_S_MIN:
        return note(
            "clock",
            "not set",
            "times in lists are wrong; no rule of the network depends on them",
            "set it, or let the system keep it: timedatectl set-ntp true",
        )
    if is_clock_kept() is False:
        return note(
            "clock",
            "set, and not kept by a time server",
            "times in lists may drift; no rule of the network depends on them",
            "let the system keep it: timedatectl set-ntp true",
        )
    return ok("clock", "set", "times in lists are right; no rule of the network depends on them")


def is_clock_kept() -> bool | None:
    """Return whether the kernel's clock is synchronised; None when it does not tell."""
    adjust = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjust is None:
        return None
    # All zero, so nothing is adjusted; 5 says that the clock is not synchronised.
    state = adjust(ctypes.create_string_buffer(512))
    return None if state < 0 else state != 5


def check_open_files() -> Finding:
    """Return whether enough descriptors may be open."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    found = "no limit" if most == resource.RLIM_INFINITY else f"{most:,} at once"
    if most == resource.RLIM_INFINITY or most >= OPEN_FILES_WANTED:
        return ok("open files", found, "enough for many neighbours")
    return note(
        "open files",
        found,
        "with many neighbours and runs the agent may turn some away",
        f"ulimit -n {OPEN_FILES_WANTED}, or LimitNOFILE= in the service's unit file",
    )


def check_disk(folder: Path) -> list[Finding]:
    """Return how fast and how full the disk is on which ``folder`` is, or would be."""
    place = next(each for each in (folder, *folder.parents) if each.is_dir())
    try:
        return [_judge_sync(_time_syncs(place)), _judge_room(place)]
    except OSError as error:
        return [
            problem(
                "disk",
                f"{place} cannot be written: {error.strerror}",
                "an agent cannot keep its ledger there",
                "make room or change its rights, or name another folder with --state",
            )
        ]


def _time_syncs(place: Path) -> list[float]:
    """Return how many seconds it took to make a few small writes safe."""
    times: list[float] = []
    begun = perf_counter()
    with TemporaryFile(dir=place) as file:
        while len(times) < DOCTOR_SYNCS and perf_counter() - begun < DOCTOR_SYNC_S_MAX:
            started = perf_counter()
            file.write(bytes(4_096))
            file.flush()
            os.fsync(file.fileno())
            times.append(perf_counter() - started)
    return times


def _judge_sync(times: list[float]) -> Finding:
    typical_ms = median(times) * 1_000
    found = f"{typical_ms:.1f} ms to make a write safe"
    if typical_ms <= SYNC_MS_WANTED:
        return ok("disk speed", found, "payments are on disk at once")
    return note(
        "disk speed",
        found,
        "payments wait for the disk, and it may wear",
        "put the state folder on a faster disk: --state, or FOGBANK_STATE",
    )


def _judge_room(place: Path) -> Finding:
    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize
    found = f"{free // MEBIBYTE:,} MiB free at {place}"
    if free < DISK_FREE_BYTES_MIN:
        return problem("disk room", found, "the agent will stop when it is full", "make room")
    if free < DISK_FREE_BYTES_WANTED:
        return note(
            "disk room",
            found,
            "large inputs and outputs may not fit",
            "make room, or lower [storage] blobs_mib_max in config.toml",
        )
    return ok("disk room", found, "enough for ledger, packages and results")
