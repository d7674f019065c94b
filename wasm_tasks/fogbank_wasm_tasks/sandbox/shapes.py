"""How a task of each shape is run in an instance (SPEC.md sections 7.3 and 7.6)."""

from typing import Protocol

from ..metering.meter import FuelExhausted, Meter
from ..module.facts import Shape
from ..module.reserved import START_FUNCTION
from ..module.shape import ALLOCATE, INITIALIZE, RUN, START
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

    def has(self, name: str) -> bool:
        """Tell whether it exports ``name``."""
        ...

    def call(self, name: str, *arguments: int) -> int:
        """Call the exported function ``name`` and return its one result as unsigned, or 0.

        Raises:
            Trapped, RunEnded, FuelExhausted: the run is over.
        """
        ...


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
    instance: Instance, host: Host, meter: Meter, command: RunCommand
) -> tuple[Ending, bytes]:
    """Run ``instance`` as its shape says and return how it ended, with its output."""
    try:
        ending, output = _run(instance, host, command)
    except FuelExhausted:
        return OutOfFuel(), b""
    except Trapped as trapped:
        ending, output = Trap(trapped.kind), b""
    except RunAborted:
        ending, output = Trap(TrapKind.ABORTED), b""
    except OutputTooLarge:
        ending, output = Trap(TrapKind.OUTPUT_TOO_LARGE), b""
    # Fuel is looked at in some places only: a run may end in any way a little beyond its limit.
    if meter.is_exhausted:
        return OutOfFuel(), b""
    return ending, output


def _run(instance: Instance, host: Host, command: RunCommand) -> tuple[Ending, bytes]:
    try:
        instance.instantiate()
        if instance.has(START_FUNCTION):
            instance.call(START_FUNCTION)
        match command.shape:
            case Shape.REACTOR:
                return Finished(), _run_reactor(instance, command)
            case Shape.COMMAND:
                instance.call(START)
    except RunExited as exited:
        if command.shape is Shape.REACTOR or exited.code != 0:
            return Exited(exited.code), b""
    return Finished(), bytes(host.output)


def _run_reactor(instance: Instance, command: RunCommand) -> bytes:
    if instance.has(INITIALIZE):
        instance.call(INITIALIZE)
    length = len(command.input)
    address = instance.call(ALLOCATE, length)
    try:
        instance.memory.write(address, command.input)
    except AddressFault:
        raise Trapped(TrapKind.ALLOCATION_OUT_OF_BOUNDS) from None
    result = instance.call(RUN, address, length)
    output_address, output_length = result >> 32, result & _LENGTH_MASK
    if output_address + output_length > instance.memory.size():
        raise Trapped(TrapKind.RESULT_OUT_OF_BOUNDS)
    if output_length > command.output_bytes_max:
        raise Trapped(TrapKind.OUTPUT_TOO_LARGE)
    return instance.memory.read(output_address, output_length)
