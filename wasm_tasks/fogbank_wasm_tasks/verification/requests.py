"""What is asked of the sandbox to verify a run, and what it reports (SPEC.md section 7.8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.errors import LocalProtocolError

from ..limits import CHECKPOINT_STEPS_MAX, OUTPUT_BYTES_MAX, STATES_MAX, STEP_SIZE_MAX
from ..outcome import Exited, HostFault, OutOfFuel, Trap
from ..run import RunReport, RunRequest
from .state import Digest
from .terms import StepPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRequest:
    """A run of a step task, or a part of one."""

    run: RunRequest
    """The whole run; its input is not read when there is a ``snapshot``."""

    plan: StepPlan
    snapshot: bytes | None = None
    """The file of the state to go on from; None for the beginning."""

    until: int | None = None
    """The position to stop at with a snapshot; None for the end."""

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            LocalProtocolError: one is broken.
        """
        is_bounded = (
            1 <= self.plan.step_size <= STEP_SIZE_MAX
            and 1 <= self.plan.checkpoint_steps <= CHECKPOINT_STEPS_MAX
            and (self.until is None or 0 <= self.until < STATES_MAX)
        )
        if not is_bounded:
            raise LocalProtocolError("a plan of steps out of range")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How far a run by steps came."""

    states: int
    """How many states there were from the beginning of the run, those before a snapshot too."""

    roots: Sequence[Digest]
    """Of the checkpoints that this run passed itself; the one it began from is not among them."""

    snapshot: bytes | None
    """The file of the state that it stopped in, or None when it came to its end."""

    report: RunReport | None
    """How it ended, or None when it stopped before.  A host fault has neither states nor roots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest:
    """A question to a task's own verifier."""

    run: RunRequest
    """The input, the limits of the verifier, and a seed that the provider could not know."""

    claimed: bytes
    """The output to be checked, at most ``OUTPUT_BYTES_MAX`` bytes."""

    def __post_init__(self) -> None:
        """Check the bound.

        Raises:
            LocalProtocolError: it is broken.
        """
        if len(self.claimed) > OUTPUT_BYTES_MAX:
            raise LocalProtocolError("the claimed output is too long")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The verifier says that the output is right."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The verifier says that the output is wrong."""


VerifierVerdict: TypeAlias = Accepted | Rejected | OutOfFuel | Trap | Exited | HostFault
"""Only ``Accepted`` accepts; a verifier that traps or runs out of fuel has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a verifier said."""

    verdict: VerifierVerdict
    fuel: int
    wall_s: float
    """Seconds that it took."""
