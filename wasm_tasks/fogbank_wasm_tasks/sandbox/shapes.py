"""How a task of each shape is run in an instance (SPEC.md sections 7.3 and 7.6)."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from ..metering.meter import FuelExhausted, Meter
from ..module.facts import Shape
from ..module.reserved import START_FUNCTION
from ..module.shape import ALLOCATE, INITIALIZE, RESULT, SET_UP, START, STEP
from ..outcome import Exited, OutOfFuel, Trap, TrapKind
from ..wasi.endings import OutputTooLarge, RunAborted, RunExited
from ..wasi.host import Host
from ..wasi.memory import AddressFault, GuestMemory
from .messages import Ending, Finished, RunCommand

_LENGTH_MASK = (1 << 32) - 1


class Trapped(Exception):
    """The run broke a rule; ``kind`` says which."""

    def __init__(self, kind: TrapKind) -> None:
        """Say which rule."""
        super().__init__(kind)
        self.kind = kind


class Instance(Protocol):
    """A fresh instance of a module."""

    @property
    def memory(self) -> GuestMemory:
        """Its linear memory."""
        ...

    def instantiate(self) -> None:
        """Make it: fill its memory and tables.  Its start function has not run.

        Raises:
            Trapped: a segment does not fit.
        """
        ...

    def view(self) -> memoryview:
        """Return its memory as it is until the run goes on."""
        ...

    def read_globals(self) -> bytes:
        """Return the values of the mutable globals of a step task, joined (section 7.9)."""
        ...

    def restore(self, memory: bytes, global_values: bytes, fuel_used: int) -> None:
        """Put this instance, just made, into a state that ``check_resumable`` let pass."""
        ...

    def refuel(self) -> None:
        """Give it all its fuel again, and count from 0: the next call of a session begins."""
        ...

    def has(self, name: str) -> bool:
        """Tell whether it exports ``name``."""
        ...

    def call(self, name: str, *arguments: int) -> int:
        """Call the exported function ``name`` and return its one result as unsigned, or 0.

        Raises:
            Trapped, RunEnded, FuelExhausted: the run is over.
        """
        ...

    def exchange(self, data: bytes, output_bytes_max: int) -> bytes:
        """Hand ``data`` to a reactor's ``run`` at the place of ``alloc``; return what it answers.

        Raises:
            Trapped, RunEnded, FuelExhausted: the run is over.
        """
        ...


Play: TypeAlias = Callable[[Instance, Meter], tuple[Ending, bytes]]
"""What is called in an instance that is not yet made, and what came of it."""


def make_host(command: RunCommand, meter: Meter) -> Host:
    """Return the world that a run sees: a reactor's input and output do not go through streams."""
    is_command = command.shape is Shape.COMMAND
    return Host(
        input_data=command.input if is_command else b"",
        arguments=command.arguments,
        environment=command.environment,
        seed=command.seed,
        output_bytes_max=command.output_bytes_max if is_command else None,
        meter=meter,
    )


def run_to_end(
    instance: Instance, host: Callable[[], Host], meter: Meter, command: RunCommand
) -> tuple[Ending, bytes]:
    """Run ``instance`` as its shape says and return how it ended, with its output.

    ``host`` returns the world that it sees.
    """
    return conclude(meter, lambda: _run(instance, host, command))


def conclude(meter: Meter, play: Callable[[], tuple[Ending, bytes]]) -> tuple[Ending, bytes]:
    """Return how ``play`` ended, whichever way that was, with its output."""
    try:
        ending, output = play()
    except FuelExhausted:
        return OutOfFuel(), b""
    except Trapped as trapped:
        ending, output = Trap(trapped.kind), b""
    except RunExited as exited:
        ending, output = Exited(exited.code), b""
    except RunAborted:
        ending, output = Trap(TrapKind.ABORTED), b""
    except OutputTooLarge:
        ending, output = Trap(TrapKind.OUTPUT_TOO_LARGE), b""
    # Fuel is looked at in some places only: a run may end in any way a little beyond its limit.
    if meter.is_exhausted:
        return OutOfFuel(), b""
    return ending, output


def begin(instance: Instance) -> None:
    """Make ``instance`` and call what comes before anything else."""
    instance.instantiate()
    if instance.has(START_FUNCTION):
        instance.call(START_FUNCTION)


def initialize(instance: Instance) -> None:
    """Call ``_initialize`` of a reactor or step task when there is one."""
    if instance.has(INITIALIZE):
        instance.call(INITIALIZE)


def hand_over(instance: Instance, data: bytes) -> int:
    """Copy ``data`` to where the task's ``alloc`` says, and return that address."""
    address = instance.call(ALLOCATE, len(data))
    try:
        instance.memory.write(address, data)
    except AddressFault:
        raise Trapped(TrapKind.ALLOCATION_OUT_OF_BOUNDS) from None
    return address


def take_output(instance: Instance, result: int, output_bytes_max: int) -> bytes:
    """Return the output that ``result``, an address and a length in one, points at."""
    address, length = result >> 32, result & _LENGTH_MASK
    if address + length > instance.memory.size():
        raise Trapped(TrapKind.RESULT_OUT_OF_BOUNDS)
    if length > output_bytes_max:
        raise Trapped(TrapKind.OUTPUT_TOO_LARGE)
    return instance.memory.read(address, length)


def _run(instance: Instance, host: Callable[[], Host], command: RunCommand) -> tuple[Ending, bytes]:
    match command.shape:
        case Shape.REACTOR:
            begin(instance)
            return Finished(), _run_reactor(instance, command)
        case Shape.STEP:
            begin(instance)
            return Finished(), _run_steps(instance, command)
        case Shape.COMMAND:
            try:
                begin(instance)
                instance.call(START)
            except RunExited as exited:
                if exited.code != 0:
                    raise
            return Finished(), bytes(host().output)


def _run_reactor(instance: Instance, command: RunCommand) -> bytes:
    initialize(instance)
    return instance.exchange(command.input, command.output_bytes_max)


def _run_steps(instance: Instance, command: RunCommand) -> bytes:
    """Run a step task whose order has no plan: by single steps, without checkpoints."""
    set_up(instance, command.input)
    while not instance.call(STEP, 1):
        pass
    return take_output(instance, instance.call(RESULT), command.output_bytes_max)


def set_up(instance: Instance, data: bytes) -> None:
    """Bring a step task to its first state, with ``data`` as its input."""
    initialize(instance)
    address = hand_over(instance, data)
    instance.call(SET_UP, address, len(data))
