"""Compiles modules and runs them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

import wasmtime

from ...limits import TABLE_ELEMENTS_MAX, TABLES_MAX
from ...metering.injection import inject
from ...metering.meter import FuelExhausted
from ...module.facts import FunctionType, ValueType
from ...module.global_exports import export_globals
from ...module.host_functions import HOST_FUNCTIONS
from ...outcome import OutOfFuel, Trap
from ...wasi.endings import RunEnded
from ...wasi.host import Host
from ..messages import Ended, RunCommand
from ..settings import Target
from ..shapes import Play, conclude, make_host, run_to_end
from .configuration import configure
from .instance import Instance, LoadedModule
from .interface import (
    I32,
    I32_MASK,
    I64,
    I64_MASK,
    NO_FINALIZER,
    EngineFailed,
    InvalidModule,
    ffi,
    name_buffer,
    new_trap,
)
from .store import CounterMeter

_KINDS: Final = {ValueType.I32: I32, ValueType.I64: I64}
_VALUE_TYPES: Final = {ValueType.I32: wasmtime.ValType.i32, ValueType.I64: wasmtime.ValType.i64}


@dataclass(frozen=True, slots=True)
class _Run:
    """One run while it lasts: what host functions need to find."""

    host: Host
    meter: CounterMeter
    instance: Instance


class Engine:
    """Compiles and runs.  One per process, for one run at a time."""

    def __init__(
        self,
        on_call: Callable[[int], None],
        target: Target = Target.NATIVE,
        *,
        on_cost: Callable[[str, int], None] | None = None,
    ) -> None:
        """Compile for ``target``; tell ``on_call`` the fuel used whenever a run calls the host.

        ``on_cost`` hears the name of each host function called and what that call was charged.
        """
        self._on_cost = on_cost
        self._target = target
        self._engine = wasmtime.Engine(configure(target))
        self._linker = wasmtime.Linker(self._engine)
        self._run: _Run | None = None
        self._on_call = on_call
        # Kept because the C side knows only their addresses.
        self._callbacks = [
            self._define(module, name, each) for (module, name), each in HOST_FUNCTIONS.items()
        ]

    def compile(
        self, module: bytes, *, is_precise: bool = False, is_profiled: bool = False
    ) -> bytes:
        """Return native code for ``module``, which passed ``check_module``.

        With ``is_precise`` all fuel of its runs is exact, and they take longer.  If ``is_profiled``
        the code keeps the totals of each function.

        Raises:
            InvalidModule: it does not validate.
        """
        try:
            # As it came: what is wrong in it may become right where the counter's local is added.
            wasmtime.Module.validate(self._engine, module)
        except wasmtime.WasmtimeError as error:
            raise InvalidModule(str(error)) from None
        injected = inject(export_globals(module), is_precise=is_precise, is_profiled=is_profiled)
        engine = self._engine
        if injected.has_float_vectors:
            engine = wasmtime.Engine(configure(self._target, has_float_vectors=True))
        return bytes(wasmtime.Module(engine, injected.module).serialize())

    def load(self, compiled: bytes) -> LoadedModule:
        """Return the module whose native code this is; ``compile`` made it on this machine.

        Raises:
            EngineFailed: it was made by another version, with other settings, or is damaged.
        """
        try:
            module = wasmtime.Module.deserialize(self._engine, compiled)
            return LoadedModule(self._linker.instantiate_pre(module), len(compiled))
        except wasmtime.WasmtimeError as error:
            raise EngineFailed(str(error)) from None

    def run(
        self,
        module: LoadedModule,
        command: RunCommand,
        play: Play | None = None,
        look: Callable[[Instance], None] | None = None,
    ) -> Ended:
        """Run ``module`` in a fresh instance as ``command`` says.

        ``play`` says what to call; by default that which the shape asks for.  ``look`` sees the
        instance when all is over, if it was made.

        Raises:
            EngineFailed: the engine failed, not the run.
        """
        store = wasmtime.Store(self._engine)
        store.set_limits(
            memory_size=command.memory_bytes_max,
            table_elements=TABLE_ELEMENTS_MAX,
            instances=1,
            tables=TABLES_MAX,
            memories=1,
        )
        try:
            return self._run_in(store, module, command, play, look)
        finally:
            self._run = None
            store.close()

    def _run_in(
        self,
        store: wasmtime.Store,
        module: LoadedModule,
        command: RunCommand,
        play: Play | None,
        look: Callable[[Instance], None] | None,
    ) -> Ended:
        context = store._context()  # pyright: ignore[reportPrivateUsage]
        started = perf_counter()
        meter = CounterMeter(context, command.fuel_max)
        host = make_host(command, meter)
        instance = Instance(context, module, meter)
        self._run = _Run(host, meter, instance)
        if play is None:
            ending, output = run_to_end(instance, host, meter, command)
        else:
            ending, output = conclude(meter, lambda: play(instance, meter))
        if look is not None and meter.has_begun:
            look(instance)
        return Ended(
            ending=ending,
            output=output,
            fuel=command.fuel_max if isinstance(ending, OutOfFuel) else meter.fuel_used,
            peak_memory_bytes=instance.memory_bytes,
            wall_us=int((perf_counter() - started) * 1e6),
            diagnostics=bytes(host.diagnostics),
            is_exact=instance.is_exact or not isinstance(ending, Trap),
        )

    def _define(self, module: str, name: str, signature: FunctionType) -> Any:
        """Offer a host function to all modules, and return what must be kept alive for it."""
        kinds = [_KINDS[each] for each in signature.parameters]

        @ffi.wasmtime_func_callback_t  # type: ignore[untyped-decorator]
        def callback(
            _env: Any, _caller: Any, given: Any, _given_count: int, answer: Any, answer_count: int
        ) -> int:
            arguments = [
                given[place].of.i32 & I32_MASK if kind == I32 else given[place].of.i64 & I64_MASK
                for place, kind in enumerate(kinds)
            ]
            return self._answer(name, arguments, answer if answer_count else None)

        values = [_VALUE_TYPES[each]() for each in signature.parameters]
        results = [_VALUE_TYPES[each]() for each in signature.results]
        function_type = wasmtime.FuncType(values, results)
        error = ffi.wasmtime_linker_define_func(
            self._linker.ptr(),
            name_buffer(module),
            len(module),
            name_buffer(name),
            len(name),
            function_type.ptr(),
            callback,
            None,
            NO_FINALIZER,
        )
        assert not error
        return callback

    def _answer(self, name: str, arguments: Sequence[int], answer: Any) -> int:
        """Answer a call of a run: 0, or the address of a trap that ends it."""
        run = self._run
        assert run is not None
        before = 0 if self._on_cost is None else run.meter.fuel_used
        try:
            result = run.host.call(name, run.instance.memory, arguments)
            self._on_call(run.meter.fuel_used)
        except (RunEnded, FuelExhausted) as ended:
            run.instance.stopped_by = ended
            return new_trap()
        except BaseException as error:
            # Nothing may be raised into the engine: it goes on its way once the engine is done.
            run.instance.failed_by = error
            return new_trap()
        finally:
            if self._on_cost is not None:
                self._on_cost(name, run.meter.fuel_used - before)
        if answer is not None:
            answer[0].kind = I32
            answer[0].of.i32 = result
        return 0
