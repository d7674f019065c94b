"""Runs whole tasks, with their host, as they are and rewritten, and compares what they did.

``python -m tests.wasm_tasks.metering.injection.whole_tasks`` does so with what every compiler that
is installed makes of its template (docs/authors.md), Go's two megabytes among them.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import wasmtime
from tests.wasm_tasks.metering.injection.comparison import (
    TARGETS,
    hash_memory,
    make_engine,
    make_reference,
    with_start_exported,
)

from fogbank_wasm_tasks.limits import MEMORY_BYTES_MAX, OUTPUT_BYTES_MAX
from fogbank_wasm_tasks.metering.injection import DEPTH_MAX, inject, pack_counter, read_counter
from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.module.reserved import COUNTER
from fogbank_wasm_tasks.module.shape import RUN, detect_shape
from fogbank_wasm_tasks.sandbox.messages import Ending, RunCommand
from fogbank_wasm_tasks.sandbox.shapes import hand_over, make_host, run_to_end, take_output
from fogbank_wasm_tasks.wasi.host import Host
from fogbank_wasm_tasks.wasi.memory import AddressFault

LANGUAGES: Final = ("c", "zig", "rust", "go", "assemblyscript")
FUEL_MAX: Final = 10**12
_MASKS: Final = {"i32": (1 << 32) - 1, "i64": (1 << 64) - 1}


class HostCharges:
    """Counts what the host charges and nothing else: the clock is the same in every form."""

    is_exhausted = False

    def __init__(self) -> None:
        self.fuel_used = 0

    def charge(self, fuel: int) -> None:
        self.fuel_used += fuel


@dataclass(frozen=True)
class Done:
    """What one run of a task did."""

    ending: Ending
    output: bytes
    memory: bytes
    fuel: int
    """Of its own operators alone."""

    has_exited: bool
    """Whether it ended in the midst of its code, by a call of the host."""


def are_equal(done: Mapping[str, Done]) -> bool:
    """Tell whether all forms did and cost the same: the plain one, and each rewritten one.

    Of a segment that an exit leaves the whole is charged (SPEC.md section 7.5), and Wasmtime counts
    what came before: there the rewritten forms agree with each other, and are not below it.
    """
    plain, native = done["plain"], done["native"]
    if any(done[form] != native for form in done if form != "plain") or native.fuel < plain.fuel:
        return False
    if plain.has_exited:
        native = replace(native, fuel=plain.fuel)
    return native == plain


def describe(done: Mapping[str, Done]) -> str:
    """Say in how far all forms did and cost the same; where they did not, what each did."""
    plain, native = done["plain"], done["native"]
    if not are_equal(done):
        return f"DIFFERENT: {done}"
    if native.fuel == plain.fuel:
        return f"{native.fuel:,} fuel, the same in three forms"
    more = native.fuel - plain.fuel
    return (
        f"{native.fuel:,} fuel, the same in both rewritten forms; {more:,} more than Wasmtime's "
        "own count, for the rest of the segment that it left by an exit"
    )


class Instance:
    """One form of a module, as the shapes of the sandbox see it."""

    def __init__(self, engine: wasmtime.Engine, module: bytes, host: Host) -> None:
        self.store = wasmtime.Store(engine)
        self._module = wasmtime.Module(engine, module)
        self._host = host
        self.exports: Any = None
        self.has_exited = False

    @property
    def memory(self) -> "Instance":
        return self

    def instantiate(self) -> None:
        imports = [
            wasmtime.Func(self.store, each.type, partial(self._answer, each.name or "", each.type))
            for each in self._module.imports
            if isinstance(each.type, wasmtime.FuncType)
        ]
        if _is_counted_by_engine(self.store):
            self.store.set_fuel(FUEL_MAX)
        self.exports = wasmtime.Instance(self.store, self._module, imports).exports(self.store)
        if COUNTER in self.exports:
            full = wasmtime.Val.i64(pack_counter(FUEL_MAX, DEPTH_MAX))
            self.exports[COUNTER].set_value(self.store, full)
        else:
            # What the engine takes for making an instance is its own affair.
            self.store.set_fuel(FUEL_MAX)

    def fuel(self) -> int:
        """Return what its operators have used."""
        if COUNTER in self.exports:
            return FUEL_MAX - read_counter(self.exports[COUNTER].value(self.store)).fuel_left
        return FUEL_MAX - self.store.get_fuel()

    def has(self, name: str) -> bool:
        return name in self.exports

    def call(self, name: str, *arguments: int) -> int:
        function = self.exports[name]
        signed = [
            each - (1 << 32) if str(kind) == "i32" and each >= 1 << 31 else each
            for each, kind in zip(arguments, function.type(self.store).params, strict=True)
        ]
        result = function(self.store, *signed)
        if result is None:
            return 0
        return int(result) & _MASKS[str(function.type(self.store).results[0])]

    def size(self) -> int:
        return int(self.exports["memory"].data_len(self.store))

    def read(self, address: int, length: int) -> bytes:
        self._check(address, length)
        return bytes(self.exports["memory"].read(self.store, address, address + length))

    def write(self, address: int, data: bytes) -> None:
        self._check(address, len(data))
        self.exports["memory"].write(self.store, data, address)

    def view(self) -> memoryview:
        raise AssertionError("these runs have no checkpoints")

    def read_globals(self) -> bytes:
        raise AssertionError("these runs have no checkpoints")

    def restore(self, memory: bytes, global_values: bytes, fuel_used: int) -> None:
        raise AssertionError("these runs begin at their beginning")

    def refuel(self) -> None:
        raise AssertionError("these runs have all their fuel")

    def exchange(self, data: bytes, output_bytes_max: int) -> bytes:
        result = self.call(RUN, hand_over(self, data), len(data))
        return take_output(self, result, output_bytes_max)

    def _answer(self, name: str, kind: wasmtime.FuncType, *arguments: int) -> int | None:
        unsigned = [each & _MASKS[str(of)] for each, of in zip(arguments, kind.params, strict=True)]
        self.has_exited |= name == "proc_exit"
        answer = self._host.call(name, self, unsigned)
        return None if answer is None else int(answer)

    def _check(self, address: int, length: int) -> None:
        if address + length > self.size():
            raise AddressFault


def _is_counted_by_engine(store: wasmtime.Store) -> bool:
    try:
        store.get_fuel()
    except wasmtime.WasmtimeError:
        return False
    return True


def _play(engine: wasmtime.Engine, module: bytes, command: RunCommand) -> Done:
    meter = HostCharges()
    host = make_host(command, meter)
    instance = Instance(engine, module, host)
    ending, output = run_to_end(instance, lambda: host, meter, command)
    memory = hash_memory(instance.store, instance.exports)
    return Done(ending, output, memory, instance.fuel(), instance.has_exited)


def play(
    module: bytes, data: bytes, *arguments: str, targets: Sequence[str | None] = TARGETS
) -> dict[str, Done]:
    """Run the task ``module`` with the input ``data`` as it is, and rewritten on each target.

    Return what each form did.
    """
    command = RunCommand(
        key=b"",
        shape=detect_shape(check_module(module)),
        input=data,
        arguments=arguments,
        environment=[],
        seed=1,
        fuel_max=FUEL_MAX,
        memory_bytes_max=MEMORY_BYTES_MAX,
        output_bytes_max=OUTPUT_BYTES_MAX,
    )
    done = {"plain": _play(make_reference(), with_start_exported(module), command)}
    for target in targets:
        injected = inject(module, is_precise=target is not None)
        engine = make_engine(target, has_float_vectors=injected.has_float_vectors)
        done[target or "native"] = _play(engine, injected.module, command)
    return done


def _build(language: str, folder: Path) -> bytes | None:
    """Return the module of the template in ``language``, or None where no compiler is."""
    fogbank = [sys.executable, "-m", "fogbank_agent", "task"]
    subprocess.run(
        [*fogbank, "new", language, "--lang", language], cwd=folder, check=True, capture_output=True
    )
    built = subprocess.run(
        [*fogbank, "build"], cwd=folder / language, check=False, capture_output=True, text=True
    )
    if built.returncode:
        print(f"{language}: skipped: {built.stderr.strip()}")
        return None
    return (folder / language / "build" / f"{language}.wasm").read_bytes()


def main() -> None:
    """Compare what the compilers of this machine make."""
    wrong = 0
    for language in LANGUAGES:
        with TemporaryDirectory() as folder:
            module = _build(language, Path(folder))
        if module is None:
            continue
        done = play(module, b"a line of words\nand another\n" * 40)
        wrong += not are_equal(done)
        print(f"{language}: {len(module):,} bytes: {describe(done)}", flush=True)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
