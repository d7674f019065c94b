"""Compiles modules in children that may die, once each, and remembers the outcome."""

import logging
import platform
from collections import OrderedDict
from enum import IntEnum
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Final

import trio

from fogbank_protocol.errors import RemoteProtocolError

from ..limits import COMPILE_FAILURES_MAX, COMPILES_MAX
from ..metering.injection import INJECTION_VERSION
from ..package import Package
from .compile_cache import CompileCache
from .messages import CompileCommand, Compiled, Invalid
from .process import ChildGone, ChildProcess
from .settings import SETTINGS_VERSION, Target

logger = logging.getLogger(__name__)

_CHILD: Final = "fogbank_wasm_tasks.sandbox.compile_child"
_KEY_BYTES: Final = 32


class Variant(IntEnum):
    """What native code is made for."""

    FAST = 0
    PRECISE = 1
    """Its fuel is exact at any trap."""

    PACED = 2
    """It can wait between slices of its fuel."""


class CompileLimit(Exception):
    """Compiling took more time or memory than it may: a fault of this machine, not of the run."""


class Compiler:
    """Native code of modules, from the cache or made now."""

    def __init__(
        self, cache: CompileCache, *, seconds_max: float, target: Target = Target.NATIVE
    ) -> None:
        """Keep what is made for ``target`` in ``cache``; one module may take ``seconds_max``."""
        self._target = target
        self._cache = cache
        self._seconds_max = seconds_max
        self._machine = describe_machine(target)
        self._limiter = trio.CapacityLimiter(COMPILES_MAX)
        self._locks: dict[bytes, trio.Lock] = {}
        self._failures: OrderedDict[bytes, RemoteProtocolError | CompileLimit] = OrderedDict()

    def key(self, package: Package, variant: Variant = Variant.FAST) -> bytes:
        """Return the name of the native code of ``package``: of all that it depends on."""
        text = self._machine + package.manifest.module_hash + bytes([variant])
        return blake2b(text, digest_size=_KEY_BYTES).digest()

    def forget(self, package: Package) -> None:
        """Make the native code of ``package`` anew next time: what there is does not load."""
        for variant in Variant:
            self._cache.forget(self.key(package, variant))

    async def compiled(self, package: Package, variant: Variant = Variant.FAST) -> bytes:
        """Return native code for ``package``.

        Raises:
            RemoteProtocolError: its module does not validate (section 7.2).
            CompileLimit: compiling it takes too much.
            SandboxUnavailable: this machine cannot run tasks.
        """
        key = self.key(package, variant)
        lock = self._locks.setdefault(key, trio.Lock())
        try:
            # Whoever comes second waits for the first and then finds the code in the cache.
            async with lock:
                command = CompileCommand(
                    package.module,
                    is_precise=variant is Variant.PRECISE,
                    is_paced=variant is Variant.PACED,
                )
                return await self._look_up_or_compile(key, command)
        finally:
            if not lock.statistics().tasks_waiting and not lock.locked():
                self._locks.pop(key, None)

    async def _look_up_or_compile(self, key: bytes, command: CompileCommand) -> bytes:
        if key in self._failures:
            raise self._failures[key]
        found = await trio.to_thread.run_sync(self._cache.read, key)
        if found is not None:
            return found
        try:
            async with self._limiter:
                compiled = await _compile(command, self._target, self._seconds_max)
        except (RemoteProtocolError, CompileLimit) as failure:
            self._remember_failure(key, failure)
            raise
        try:
            await trio.to_thread.run_sync(self._cache.write, key, compiled)
        except OSError as error:
            logger.warning("a compiled module could not be kept: %s", error.strerror)
        return compiled

    def _remember_failure(self, key: bytes, failure: RemoteProtocolError | CompileLimit) -> None:
        # A bomb that took a minute once shall not take another each time it is ordered.
        self._failures[key] = failure
        if len(self._failures) > COMPILE_FAILURES_MAX:
            self._failures.popitem(last=False)


async def _compile(command: CompileCommand, target: Target, seconds_max: float) -> bytes:
    child: ChildProcess | None = None
    try:
        child = await ChildProcess.start(_CHILD, target)
        with trio.move_on_after(seconds_max):
            await child.send(command)
            match await child.receive():
                case Compiled(compiled):
                    return compiled
                case Invalid(message):
                    raise RemoteProtocolError(
                        f"the module does not validate: {message}", rule="7.2"
                    )
                case _:
                    raise CompileLimit("the compiler answered nonsense")
        raise CompileLimit(f"compiling took more than {seconds_max} s")
    except ChildGone:
        raise CompileLimit("the compiler took too much memory, or crashed") from None
    finally:
        if child is not None:
            await child.close()


def describe_machine(target: Target) -> bytes:
    """Return what code for ``target`` depends on beside its module, as bytes of fixed length."""
    parts = (
        version("wasmtime"),
        str(SETTINGS_VERSION),
        str(INJECTION_VERSION),
        str(target),
        platform.system(),
        platform.machine(),
        _read_processor_features(),
    )
    return blake2b("\0".join(parts).encode("utf-8"), digest_size=_KEY_BYTES).digest()


def _read_processor_features() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    lines = (line.partition(":") for line in text.splitlines())
    return " ".join(sorted({value for name, _, value in lines if name.strip() in _FEATURE_LINES}))


_FEATURE_LINES: Final = ("flags", "Features")
