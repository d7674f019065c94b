"""A session on the worker's side: one instance, called until the agent ends it (SPEC.md 7.14)."""

from collections.abc import Callable
from typing import NoReturn

from ..metering.meter import FuelExhausted, Meter
from ..module.shape import RUN
from .messages import Answered, CallCommand, Command, RunCommand
from .shapes import Instance, begin, hand_over, initialize, take_output


class SessionRun:
    """Keeps an instance and answers calls with it.  It ends with the process, or by a trap."""

    def __init__(
        self,
        command: RunCommand,
        receive: Callable[[], Command],
        tell: Callable[[Answered], None],
    ) -> None:
        """Hold a session of the module of ``command``; calls come from ``receive``."""
        self._command = command
        self._receive = receive
        self._tell = tell

    def play(self, instance: Instance, meter: Meter) -> NoReturn:
        """Begin, and answer calls for ever; what ends a run ends the session."""
        begin(instance)
        initialize(instance)
        self._answer(instance, meter, b"")
        while True:
            command = self._receive()
            assert isinstance(command, CallCommand)
            instance.refuel()
            address = hand_over(instance, command.input)
            result = instance.call(RUN, address, len(command.input))
            output = take_output(instance, result, self._command.output_bytes_max)
            self._answer(instance, meter, output)

    def _answer(self, instance: Instance, meter: Meter, output: bytes) -> None:
        # Fuel is looked at in some places only: a call may end a little beyond its limit.
        if meter.is_exhausted:
            raise FuelExhausted
        self._tell(Answered(output, meter.fuel_used, instance.memory.size()))
