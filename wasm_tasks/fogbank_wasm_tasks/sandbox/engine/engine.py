"""Compiles modules and runs them."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, Final

import wasmtime

from ...limits import TABLE_ELEMENTS_MAX, TABLES_MAX
from ...metering.injection import inject
from ...metering.meter import FuelExhausted
from ...module.facts import FunctionType, Shape, ValueType
from ...module.global_exports import export_globals
from ...module.host_functions import HOST_FUNCTIONS
from ...outcome import OutOfFuel, Trap
from ...wasi.endings import RunEnded
from ...wasi.host import Host
from ..messages import Ended, RunCommand
from ..settings import Target
from ..shapes import Play, conclude, make_host, run_to_end
from . import calls
from .configuration import configure_one_place
from .instance import Instance, LoadedModule
from .interface import (
    FUNCTION_REFERENCE,
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
    read_address,
)
from .short_run import ShortRuns, is_short
from .store import CounterMeter
from .workplace import Workplace

_INSTANCES: Final = 1
_MEMORIES: Final = 1
_KINDS: Final = {ValueType.I32: I32, ValueType.I64: I64}
_VALUE_TYPES: Final = {ValueType.I32: wasmtime.ValType.i32, ValueType.I64: wasmtime.ValType.i64}


class _Run:
    """One run while it lasts: what host functions need to find."""

    __slots__ = ("_command", "_host", "instance", "meter")

    def __init__(self, command: RunCommand, meter: CounterMeter, instance: Instance) -> None:
        self._command = command
        self._host: Host | None = None
        self.meter = meter
        self.instance = instance

    def host(self) -> Host:
        """Return its world, which is made when it is first asked for: many runs never ask."""
        if self._host is None:
            self._host = make_host(self._command, self.meter)
        return self._host

    @property
    def diagnostics(self) -> bytes:
        """What it wrote for its author."""
        return b"" if self._host is None else bytes(self._host.diagnostics)


class Engine:
    """Compiles and runs.  One per process, for one run at a time."""

    def __init__(
        self,
        on_call: Callable[[int], None],
        target: Target = Target.NATIVE,
        *,
        on_cost: Callable[[str, int], None] | None = None,
        on_slice: Callable[[int], None] | None = None,
    ) -> None:
        """Compile for ``target``; tell ``on_call`` the fuel used whenever a run calls the host.

        ``on_cost`` hears the name of each host function called and what that call was charged.
        ``on_slice`` is told the fuel used at the end of each slice of a run that has slices; the
        run goes on when it returns.
        """
        self._on_slice = on_slice
        self._on_cost = on_cost
        self._target = target
        self._engine = wasmtime.Engine(configure_one_place(target))
        self._linker = wasmtime.Linker(self._engine)
        self._address = read_address(self._engine.ptr())
        self._workplace = Workplace()
        self._short_runs = ShortRuns(self._workplace)
        self._run: _Run | None = None
        self._on_call = on_call
        # Kept because the C side knows only their addresses.
        self._callbacks = [
            self._define(module, name, each) for (module, name), each in HOST_FUNCTIONS.items()
        ]
        self._wait = ffi.wasmtime_func_callback_t(self._end_slice)
        self._wait_type = wasmtime.FuncType([], [])

    def compile(
        self,
        module: bytes,
        *,
        is_precise: bool = False,
        is_profiled: bool = False,
        is_paced: bool = False,
    ) -> bytes:
        """Return native code for ``module``, which passed ``check_module``.

        With ``is_precise`` all fuel of its runs is exact, and they take longer.  If ``is_profiled``
        the code keeps the totals of each function, and if ``is_paced`` its runs can have slices.

        Raises:
            InvalidModule: it does not validate.
        """
        try:
            # As it came: what is wrong in it may become right where the counter's local is added.
            wasmtime.Module.validate(self._engine, module)
        except wasmtime.WasmtimeError as error:
            raise InvalidModule(str(error)) from None
        injected = inject(
            export_globals(module),
            is_precise=is_precise,
            is_profiled=is_profiled,
            is_paced=is_paced,
        )
        engine = self._engine
        if injected.has_float_vectors:
            engine = wasmtime.Engine(configure_one_place(self._target, has_float_vectors=True))
        return bytes(wasmtime.Module(engine, injected.module).serialize())

    def load(self, compiled: bytes) -> LoadedModule:
        """Return the module whose native code this is; ``compile`` made it on this machine.

        Raises:
            EngineFailed: it was made by another version, with other settings, or is damaged.
        """
        try:
            module = wasmtime.Module.deserialize(self._engine, compiled)
            prepared = self._linker.instantiate_pre(module)
        except wasmtime.WasmtimeError as error:
            raise EngineFailed(str(error)) from None
        return LoadedModule(
            prepared,
            read_address(prepared.ptr()),
            len(compiled),
            imports_nothing=not module.imports,
        )

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
        store = self._new_store(command.memory_bytes_max)
        try:
            return self._run_in(calls.store_context(store), module, command, play, look)
        finally:
            if self._run is not None:
                self._run.instance.forget_why()
            self._run = None
            calls.store_delete(store)

    def run_again(
        self, module: LoadedModule, like: RunCommand, data: bytes, seed: int, fuel_max: int
    ) -> Ended:
        """Run ``module`` as ``like`` says, which was run before, but with what is given here.

        Raises:
            EngineFailed: the engine failed, not the run.
        """
        if like.shape is not Shape.REACTOR or like.slice_fuel or not is_short(module):
            return self.run(module, replace(like, input=data, seed=seed, fuel_max=fuel_max))
        store = self._new_store(like.memory_bytes_max)
        try:
            return self._short_runs.run(
                calls.store_context(store), module, data, fuel_max, like.output_bytes_max
            )
        finally:
            calls.store_delete(store)

    def _new_store(self, memory_bytes_max: int) -> int:
        store: int = calls.store_new(self._address, None, None)
        calls.store_limiter(
            store, memory_bytes_max, TABLE_ELEMENTS_MAX, _INSTANCES, TABLES_MAX + 1, _MEMORIES
        )
        return store

    def _run_in(
        self,
        context: int,
        module: LoadedModule,
        command: RunCommand,
        play: Play | None,
        look: Callable[[Instance], None] | None,
    ) -> Ended:
        started = perf_counter()
        slices = command.slice_fuel
        meter = CounterMeter(context, command.fuel_max, self._workplace.counter, slices)
        wait = self._make_wait(context) if slices else None
        address = None if wait is None else ctypes.addressof(wait)
        instance = Instance(context, module, meter, self._workplace, address)
        self._run = run = _Run(command, meter, instance)
        if play is None:
            ending, output = run_to_end(instance, run.host, meter, command)
        else:
            ending, output = conclude(meter, lambda: play(instance, meter))
        if look is not None and meter.has_begun:
            look(instance)
        return Ended(
            ending=ending,
            output=output,
            fuel=command.fuel_max if isinstance(ending, OutOfFuel) else meter.fuel_used_then,
            peak_memory_bytes=instance.memory_bytes,
            wall_us=int((perf_counter() - started) * 1e6),
            diagnostics=run.diagnostics,
            is_exact=instance.is_exact or not isinstance(ending, Trap),
        )

    def _make_wait(self, context: int) -> Any:
        """Return a reference to the function that is called at the end of each slice."""
        value = ffi.wasmtime_val_t()
        value.kind = FUNCTION_REFERENCE
        ffi.wasmtime_func_new(
            ctypes.cast(context, ctypes.POINTER(ffi.wasmtime_context_t)),
            self._wait_type.ptr(),
            self._wait,
            None,
            NO_FINALIZER,
            ctypes.byref(value.of.funcref),
        )
        return value

    def _end_slice(self, *_: Any) -> int:
        """Let the run wait, and give it more; it finds out itself when there is no more."""
        run = self._run
        assert run is not None
        try:
            if self._on_slice is not None and not run.meter.is_exhausted | run.meter.is_too_deep:
                self._on_slice(run.meter.fuel_used)
                run.meter.go_on()
        except BaseException as error:
            # Nothing may be raised into the engine: it goes on its way once the engine is done.
            run.instance.failed_by = error
            return new_trap()
        return 0

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
            result = run.host().call(name, run.instance.memory, arguments)
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
