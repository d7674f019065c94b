"""The one door to wasmtime: compiles modules and runs them (SPEC.md sections 7.3 to 7.5).

Only the processes that may die import this: the compile child and the workers.  Calls go through
wasmtime's C interface, because the public one looks up every type and every export each time.
"""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from time import perf_counter
from typing import Any, Final

import wasmtime

from ..limits import TABLE_ELEMENTS_MAX, TABLES_MAX, WASM_STACK_BYTES
from ..metering.meter import FuelExhausted
from ..metering.metering import METERING
from ..module.facts import FunctionType, ValueType
from ..module.host_functions import HOST_FUNCTIONS
from ..module.reserved import START_FUNCTION
from ..module.shape import ALLOCATE, INITIALIZE, MEMORY, RUN, START
from ..outcome import OutOfFuel, TrapKind
from ..wasi.endings import RunEnded
from ..wasi.host import Host
from ..wasi.memory import AddressFault
from .messages import Ended, RunCommand
from .shapes import Trapped, make_host, run_to_end

# The bindings below the public classes; untyped.
ffi: Any = import_module("wasmtime._ffi")

_I32: Final = 0
_I64: Final = 1
_I32_MASK: Final = (1 << 32) - 1
_I64_MASK: Final = (1 << 64) - 1
_KINDS: Final = {ValueType.I32: _I32, ValueType.I64: _I64}
_VALUE_TYPES: Final = {ValueType.I32: wasmtime.ValType.i32, ValueType.I64: wasmtime.ValType.i64}

_SIGNATURES: Final[dict[str, tuple[Sequence[int], int]]] = {
    INITIALIZE: ((), 0),
    ALLOCATE: ((_I32,), 1),
    RUN: ((_I32, _I32), 1),
    START: ((), 0),
    START_FUNCTION: ((), 0),
}
"""Parameters and the number of results of what the host calls; ``check_shape`` saw to it."""

_INITIALISATION_FUEL: Final = 1 << 40
"""More than any instance takes to be made, whose segments are bounded."""

_OUT_OF_FUEL: Final = "OUT_OF_FUEL"
_TRAPS: Final = {
    "STACK_OVERFLOW": TrapKind.STACK_OVERFLOW,
    "MEMORY_OUT_OF_BOUNDS": TrapKind.MEMORY_OUT_OF_BOUNDS,
    "TABLE_OUT_OF_BOUNDS": TrapKind.TABLE_OUT_OF_BOUNDS,
    "INDIRECT_CALL_TO_NULL": TrapKind.NULL_FUNCTION,
    "BAD_SIGNATURE": TrapKind.WRONG_SIGNATURE,
    "INTEGER_OVERFLOW": TrapKind.INTEGER_OVERFLOW,
    "INTEGER_DIVISION_BY_ZERO": TrapKind.DIVISION_BY_ZERO,
    "BAD_CONVERSION_TO_INTEGER": TrapKind.WRONG_CONVERSION,
    "UNREACHABLE": TrapKind.UNREACHABLE,
}


class InvalidModule(Exception):
    """The module does not validate; the message is the compiler's."""


class EngineFailed(Exception):
    """The engine could not do its part: out of memory, or a bug of it.  A host fault."""


def _configure() -> wasmtime.Config:
    """Return the settings; whoever changes them raises ``SETTINGS_VERSION``."""
    config = wasmtime.Config()
    config.consume_fuel = METERING.engine_counts
    # 0/0 has another sign on x86-64 than on aarch64; a run must not see which.
    config.cranelift_nan_canonicalization = True
    config.wasm_simd = True
    config.wasm_bulk_memory = True
    config.wasm_multi_value = True
    config.wasm_reference_types = True
    config.wasm_tail_call = True
    config.wasm_threads = False
    config.shared_memory = False
    config.wasm_relaxed_simd = False
    config.wasm_multi_memory = False
    config.wasm_memory64 = False
    config.wasm_exceptions = False
    config.wasm_function_references = False
    config.wasm_gc = False
    config.wasm_wide_arithmetic = False
    config.wasm_custom_page_sizes = False
    config.wasm_stack_switching = False
    config.max_wasm_stack = WASM_STACK_BYTES
    # A hostile module gets one core to waste while it compiles.
    config.parallel_compilation = False
    # Else each module keeps a copy of its first memory in a file.
    config.memory_init_cow = False
    return config


@dataclass(slots=True)
class _Memory:
    """The memory of a run; its place may change with every call."""

    context: Any
    handle: Any

    def size(self) -> int:
        return int(ffi.wasmtime_memory_data_size(self.context, self.handle))

    def read(self, address: int, length: int) -> bytes:
        return ctypes.string_at(self._locate(address, length), length) if length else b""

    def write(self, address: int, data: bytes) -> None:
        place = self._locate(address, len(data))
        if data:
            ctypes.memmove(place, data, len(data))

    def _locate(self, address: int, length: int) -> int:
        if address < 0 or length < 0 or address + length > self.size():
            raise AddressFault
        start = ffi.wasmtime_memory_data(self.context, self.handle)
        return (ctypes.cast(start, ctypes.c_void_p).value or 0) + address


class _FuelMeter:
    """Reads and charges the engine's counter of one store."""

    def __init__(self, context: Any, fuel_max: int) -> None:
        self._context = context
        self._has_begun = False
        # The engine stops a run that has used all of its fuel, this page one that used more.
        self._given = fuel_max + 1
        self._fuel_max = fuel_max
        self._left = ctypes.c_uint64()
        # What the engine counts while it fills memory and tables is its own affair.
        self._set(_INITIALISATION_FUEL)

    def begin(self) -> None:
        """Count from now on: the instance is made, and nothing of the run has been executed."""
        self._has_begun = True
        self._set(self._given)

    @property
    def fuel_used(self) -> int:
        if not self._has_begun:
            return 0
        return min(self._given - self._read(), self._fuel_max)

    @property
    def is_exhausted(self) -> bool:
        return self._has_begun and self._read() == 0

    def charge(self, fuel: int) -> None:
        left = self._read()
        if fuel >= left:
            self._set(0)
            raise FuelExhausted
        self._set(left - fuel)

    def _read(self) -> int:
        _check(ffi.wasmtime_context_get_fuel(self._context, ctypes.byref(self._left)))
        return self._left.value

    def _set(self, fuel: int) -> None:
        _check(ffi.wasmtime_context_set_fuel(self._context, fuel))


class _Instance:
    """A fresh instance in a store of its own; the ``Instance`` of ``shapes.py``."""

    def __init__(self, context: Any, module: "LoadedModule", meter: _FuelMeter) -> None:
        self._context = context
        self._module = module
        self._meter = meter
        self._handle = ffi.wasmtime_instance_t()
        self._memory: _Memory | None = None
        self.stopped_by: RunEnded | FuelExhausted | None = None
        """Why the host ended the run, kept while the engine unwinds."""

        self.failed_by: BaseException | None = None
        """A bug of the host, kept likewise."""

    @property
    def memory(self) -> _Memory:
        assert self._memory is not None
        return self._memory

    @property
    def memory_bytes(self) -> int:
        return 0 if self._memory is None else self._memory.size()

    def instantiate(self) -> None:
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_instance_pre_instantiate(
            self._module.ready.ptr(),
            self._context,
            ctypes.byref(self._handle),
            ctypes.byref(trap),
        )
        self._conclude(error, trap)
        self._memory = _Memory(self._context, self._find(MEMORY).of.memory)
        self._meter.begin()

    def has(self, name: str) -> bool:
        return self._look_up(name) is not None

    def call(self, name: str, *arguments: int) -> int:
        parameters, results = _SIGNATURES[name]
        function = self._find(name).of.func
        given = (ffi.wasmtime_val_t * len(parameters))()
        for place, (kind, argument) in enumerate(zip(parameters, arguments, strict=True)):
            given[place].kind = kind
            if kind == _I32:
                given[place].of.i32 = argument
            else:
                given[place].of.i64 = argument
        returned = (ffi.wasmtime_val_t * results)()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call(
            self._context,
            ctypes.byref(function),
            given,
            len(given),
            returned,
            results,
            ctypes.byref(trap),
        )
        self._conclude(error, trap)
        if not results:
            return 0
        if returned[0].kind == _I32:
            return int(returned[0].of.i32) & _I32_MASK
        return int(returned[0].of.i64) & _I64_MASK

    def _look_up(self, name: str) -> Any:
        item = ffi.wasmtime_extern_t()
        found = ffi.wasmtime_instance_export_get(
            self._context, ctypes.byref(self._handle), _name(name), len(name), ctypes.byref(item)
        )
        return item if found else None

    def _find(self, name: str) -> Any:
        item = self._look_up(name)
        if item is None:
            raise EngineFailed(f"the module has lost its export {name}")
        return item

    def _conclude(self, error: Any, trap: Any) -> None:
        """Raise what a call of the engine came to, or return when it succeeded."""
        if not error and not trap:
            return
        # A trap made by the host comes back as an error.
        message = _take_text(error) if error else ""
        code = _take_code(trap) if trap else None
        if self.failed_by is not None:
            raise self.failed_by
        if self.stopped_by is not None:
            raise self.stopped_by
        if code is None:
            raise EngineFailed(message)
        name = wasmtime.TrapCode(code).name
        if name == _OUT_OF_FUEL:
            raise FuelExhausted
        if name not in _TRAPS:
            raise EngineFailed(f"an unknown trap {name}")
        raise Trapped(_TRAPS[name])


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """A module whose imports are bound: an instance of it is made in microseconds."""

    ready: wasmtime.InstancePre
    compiled_bytes: int


@dataclass(frozen=True, slots=True)
class _Run:
    """One run while it lasts: what host functions need to find."""

    host: Host
    meter: _FuelMeter
    instance: _Instance


class Engine:
    """Compiles and runs.  One per process, for one run at a time."""

    def __init__(self, on_call: Callable[[int], None]) -> None:
        """Call ``on_call`` with the fuel used so far whenever a run calls the host."""
        self._engine = wasmtime.Engine(_configure())
        self._linker = wasmtime.Linker(self._engine)
        self._run: _Run | None = None
        self._on_call = on_call
        # Kept because the C side knows only their addresses.
        self._callbacks = [
            self._define(module, name, each) for (module, name), each in HOST_FUNCTIONS.items()
        ]

    def compile(self, module: bytes) -> bytes:
        """Return native code for ``module``, which passed ``check_module``.

        Raises:
            InvalidModule: it does not validate.
        """
        try:
            compiled = wasmtime.Module(self._engine, METERING.prepare(module))
        except wasmtime.WasmtimeError as error:
            raise InvalidModule(str(error)) from None
        return bytes(compiled.serialize())

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

    def run(self, module: LoadedModule, command: RunCommand) -> Ended:
        """Run ``module`` in a fresh instance as ``command`` says.

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
            return self._run_in(store, module, command)
        finally:
            self._run = None
            store.close()

    def _run_in(self, store: wasmtime.Store, module: LoadedModule, command: RunCommand) -> Ended:
        context = store._context()  # pyright: ignore[reportPrivateUsage]
        started = perf_counter()
        meter = _FuelMeter(context, command.fuel_max)
        host = make_host(command, meter)
        instance = _Instance(context, module, meter)
        self._run = _Run(host, meter, instance)
        ending, output = run_to_end(instance, host, meter, command)
        return Ended(
            ending=ending,
            output=output,
            fuel=command.fuel_max if isinstance(ending, OutOfFuel) else meter.fuel_used,
            peak_memory_bytes=instance.memory_bytes,
            wall_us=int((perf_counter() - started) * 1e6),
            diagnostics=bytes(host.diagnostics),
        )

    def _define(self, module: str, name: str, signature: FunctionType) -> Any:
        """Offer a host function to all modules, and return what must be kept alive for it."""
        kinds = [_KINDS[each] for each in signature.parameters]

        @ffi.wasmtime_func_callback_t  # type: ignore[untyped-decorator]
        def callback(
            _env: Any, _caller: Any, given: Any, _given_count: int, answer: Any, answer_count: int
        ) -> int:
            arguments = [
                given[place].of.i32 & _I32_MASK if kind == _I32 else given[place].of.i64 & _I64_MASK
                for place, kind in enumerate(kinds)
            ]
            return self._answer(name, arguments, answer if answer_count else None)

        values = [_VALUE_TYPES[each]() for each in signature.parameters]
        results = [_VALUE_TYPES[each]() for each in signature.results]
        function_type = wasmtime.FuncType(values, results)
        error = ffi.wasmtime_linker_define_func(
            self._linker.ptr(),
            _name(module),
            len(module),
            _name(name),
            len(name),
            function_type.ptr(),
            callback,
            None,
            _NO_FINALIZER,
        )
        assert not error
        return callback

    def _answer(self, name: str, arguments: Sequence[int], answer: Any) -> int:
        """Answer a call of a run: 0, or the address of a trap that ends it."""
        run = self._run
        assert run is not None
        try:
            result = run.host.call(name, run.instance.memory, arguments)
            self._on_call(run.meter.fuel_used)
        except (RunEnded, FuelExhausted) as ended:
            run.instance.stopped_by = ended
            return _new_trap()
        except BaseException as error:
            # Nothing may be raised into the engine: it goes on its way once the engine is done.
            run.instance.failed_by = error
            return _new_trap()
        if answer is not None:
            answer[0].kind = _I32
            answer[0].of.i32 = result
        return 0


_NO_FINALIZER: Final = ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p))
_NAMES: Final[dict[str, Any]] = {}


def _name(name: str) -> Any:
    """Return ``name`` as the C interface takes it; there are few names, all of them our own."""
    buffer = _NAMES.get(name)
    if buffer is None:
        buffer = _NAMES[name] = ctypes.create_string_buffer(name.encode("ascii"))
    return buffer


def _new_trap() -> int:
    message = b"ended by the host"
    trap = ffi.wasmtime_trap_new(ctypes.create_string_buffer(message), len(message))
    return ctypes.cast(trap, ctypes.c_void_p).value or 0


def _check(error: Any) -> None:
    if error:
        raise EngineFailed(_take_text(error))


def _take_text(error: Any) -> str:
    """Return what ``error`` says, and free it."""
    from_pointer: Any = vars(wasmtime.WasmtimeError)["_from_ptr"]
    return str(from_pointer.__get__(None, wasmtime.WasmtimeError)(error))


def _take_code(trap: Any) -> int | None:
    """Return the code of ``trap``, and free it."""
    code = ctypes.c_uint8()
    has_code = ffi.wasmtime_trap_code(trap, ctypes.byref(code))
    ffi.wasm_trap_delete(trap)
    return code.value if has_code else None
