"""What the agent tells a worker to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...module.facts import Shape


@dataclass(frozen=True, slots=True)
class LoadCommand:
    """Keep this native code under ``key``."""

    key: bytes
    compiled: bytes


@dataclass(frozen=True, slots=True)
class CompileCommand:
    """Compile this module; only a compile child is told so."""

    module: bytes
    is_precise: bool
    is_paced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """Run the module kept under ``key`` once."""

    key: bytes
    shape: Shape
    input: bytes
    arguments: Sequence[str]
    environment: Sequence[tuple[str, str]]
    seed: int
    fuel_max: int
    memory_bytes_max: int
    output_bytes_max: int
    slice_fuel: int = 0
    """After so much fuel it tells and waits to be told to go on; 0 for a run that never waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCommand:
    """Run a step task by steps, as ``run`` says, up to a position or the end."""

    run: RunCommand
    step_size: int
    checkpoint_steps: int
    until: int | None
    """The position to stop at with a snapshot; None for the end."""

    snapshot: bytes | None
    """The state to go on from; None for the beginning."""


@dataclass(frozen=True, slots=True)
class VerifyCommand:
    """Have the task check that ``claimed`` is an output of the input of ``run``."""

    run: RunCommand
    claimed: bytes


@dataclass(frozen=True, slots=True)
class ProfileCommand:
    """Compile ``module`` so that it counts by function, run it once, and tell; only a profile
    child is told so.
    """

    module: bytes
    run: RunCommand


@dataclass(frozen=True, slots=True)
class AgainCommand:
    """Run what was run last once more, with other input, seed and fuel."""

    input: bytes
    seed: int
    fuel_max: int


@dataclass(frozen=True, slots=True)
class GoOn:
    """Go on after ``SliceDone``; tell the next checkpoint's state if ``wants_snapshot``."""

    wants_snapshot: bool


@dataclass(frozen=True, slots=True)
class SessionCommand:
    """Begin a session: an instance that is kept until the session ends (SPEC.md section 7.14)."""

    run: RunCommand
    """Whose input is empty."""


@dataclass(frozen=True, slots=True)
class CallCommand:
    """Call the instance of the session with ``input``."""

    input: bytes


Command: TypeAlias = (AgainCommand | GoOn | SessionCommand | CallCommand) | (
    LoadCommand | CompileCommand | RunCommand | StepCommand | VerifyCommand | ProfileCommand
)
