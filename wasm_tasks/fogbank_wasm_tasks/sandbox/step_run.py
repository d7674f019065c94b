"""How a step task is run by steps, with checkpoints on the way (SPEC.md sections 7.8 to 7.10)."""

from collections.abc import Callable

from ..limits import CHECKPOINTS_MAX, PAGE_BYTES
from ..metering.meter import FuelExhausted, Meter
from ..module.shape import RESULT, STEP
from ..outcome import TrapKind
from ..verification.memory_tree import MemoryTree
from ..verification.snapshot import decode_snapshot, encode_snapshot
from ..verification.state import Digest, StateHead, state_root
from .messages import Ending, Finished, StepCommand, Stepped
from .shapes import Instance, Trapped, begin, set_up, take_output


class StepRun:
    """One run of a step task, or a part of one."""

    def __init__(
        self,
        command: StepCommand,
        tell: Callable[[int], None],
        hand_out: Callable[[int, bytes], None] = lambda _fuel, _snapshot: None,
    ) -> None:
        """Call ``tell`` with the fuel used so far at every checkpoint.

        ``hand_out`` gets that and the snapshot of the next checkpoint when one is wanted.
        """
        self._command = command
        self.wants_snapshot = False
        """Whether the next checkpoint's state is to be handed out."""

        self._hand_out = hand_out
        self._tell = tell
        self._states = 0
        self._is_done = False
        self._tree = MemoryTree()
        self._roots: list[Digest] = []
        self._snapshot = b""

    def stepped(self) -> Stepped:
        """Return what it passed until it ended, in whichever way."""
        return Stepped(self._states, b"".join(self._roots), self._snapshot)

    def play(self, instance: Instance, meter: Meter) -> tuple[Ending, bytes]:
        """Run up to where the command says, or to the end."""
        if self._command.snapshot is None:
            self._begin(instance, meter)
        else:
            self._resume(instance, self._command.snapshot)
        while not self._is_done and self._states - 1 != self._command.until:
            self._step(instance, meter)
        if self._states - 1 == self._command.until:
            head, _ = self._look(instance, meter)
            self._snapshot = encode_snapshot(head, instance.view())
            return Finished(), b""
        result = instance.call(RESULT)
        return Finished(), take_output(instance, result, self._command.run.output_bytes_max)

    def _begin(self, instance: Instance, meter: Meter) -> None:
        begin(instance)
        set_up(instance, self._command.run.input)
        self._arrive(instance, meter)

    def _resume(self, instance: Instance, data: bytes) -> None:
        snapshot = decode_snapshot(data)
        instance.instantiate()
        instance.restore(snapshot.memory, snapshot.head.globals, snapshot.head.fuel)
        self._states = snapshot.head.steps + 1
        self._is_done = snapshot.head.is_done

    def _step(self, instance: Instance, meter: Meter) -> None:
        if self._states == self._command.checkpoint_steps * CHECKPOINTS_MAX:
            raise Trapped(TrapKind.TOO_MANY_STEPS)
        self._is_done = instance.call(STEP, self._command.step_size) != 0
        self._arrive(instance, meter)

    def _arrive(self, instance: Instance, meter: Meter) -> None:
        """Be in a new state: it is none when more fuel was used than given."""
        if meter.is_exhausted:
            raise FuelExhausted
        position = self._states
        self._states += 1
        if position % self._command.checkpoint_steps == 0:
            head, root = self._look(instance, meter)
            self._roots.append(root)
            self._tell(head.fuel)
            if self.wants_snapshot:
                self.wants_snapshot = False
                self._hand_out(head.fuel, encode_snapshot(head, instance.view()))

    def _look(self, instance: Instance, meter: Meter) -> tuple[StateHead, Digest]:
        memory = instance.view()
        self._tree.update(memory)
        head = StateHead(
            steps=self._states - 1,
            is_done=self._is_done,
            fuel=meter.fuel_used,
            pages=len(memory) // PAGE_BYTES,
            globals=instance.read_globals(),
        )
        return head, state_root(head, self._tree.root)
