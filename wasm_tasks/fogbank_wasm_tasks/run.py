"""What is asked of the sandbox for one run, and what it reports (SPEC.md sections 7.3 to 7.6)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fogbank_protocol.errors import LocalProtocolError

from .limits import (
    ARGUMENTS_MAX,
    ENVIRONMENT_MAX,
    FUEL_MAX,
    INPUT_BYTES_MAX,
    MEMORY_BYTES_MAX,
    OUTPUT_BYTES_MAX,
    TEXT_BYTES_MAX,
    WALL_S_MAX,
)
from .outcome import Outcome

SEED_MAX = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run.  Everything but ``wall_s_max`` belongs to the order and decides the outcome."""

    input: bytes
    """What the run reads: at most ``INPUT_BYTES_MAX`` bytes."""

    fuel_max: int
    """The fuel that it may use, 0 … ``FUEL_MAX``."""

    arguments: Sequence[str] = ()
    """At most ``ARGUMENTS_MAX`` texts without zero bytes, of ``TEXT_BYTES_MAX`` bytes each."""

    environment: Sequence[tuple[str, str]] = ()
    """At most ``ENVIRONMENT_MAX`` names and values without zero bytes, ascending by name."""

    seed: int = 0
    """What the run's random stream is made from, 0 … 2**64-1."""

    memory_bytes_max: int = MEMORY_BYTES_MAX
    """Most linear memory; the package's own limit holds as well."""

    output_bytes_max: int = OUTPUT_BYTES_MAX
    """Longest output; the package's own limit holds as well."""

    wall_s_max: float = 60.0
    """Seconds after which the machine gives up: a host fault, never the run's."""

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            LocalProtocolError: one is broken; an order from the wire was to be checked before.
        """
        if not (
            len(self.input) <= INPUT_BYTES_MAX
            and 0 <= self.fuel_max <= FUEL_MAX
            and 0 <= self.seed <= SEED_MAX
            and 0 <= self.memory_bytes_max <= MEMORY_BYTES_MAX
            and 0 <= self.output_bytes_max <= OUTPUT_BYTES_MAX
            and 0 < self.wall_s_max <= WALL_S_MAX
        ):
            self._tell_broken_bound()
        if self.arguments or self.environment:
            self._check_texts()

    def _tell_broken_bound(self) -> None:
        _check(len(self.input) <= INPUT_BYTES_MAX, "the input is too long")
        _check(0 <= self.fuel_max <= FUEL_MAX, "fuel_max is out of range")
        _check(0 <= self.seed <= SEED_MAX, "the seed is out of range")
        _check(0 <= self.memory_bytes_max <= MEMORY_BYTES_MAX, "memory_bytes_max is out of range")
        _check(0 <= self.output_bytes_max <= OUTPUT_BYTES_MAX, "output_bytes_max is out of range")
        _check(0 < self.wall_s_max <= WALL_S_MAX, "wall_s_max is out of range")

    def _check_texts(self) -> None:
        _check(len(self.arguments) <= ARGUMENTS_MAX, "too many arguments")
        _check(len(self.environment) <= ENVIRONMENT_MAX, "too many entries of the environment")
        _check(all(map(_is_passable, self.arguments)), "an argument cannot be passed")
        _check(
            all(
                name and "=" not in name and _is_passable(name) and _is_passable(value)
                for name, value in self.environment
            ),
            "an entry of the environment cannot be passed",
        )
        names = [name for name, _ in self.environment]
        _check(names == sorted(set(names)), "the environment is not ascending by name")


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a run has come that is held to a pace."""

    fuel: int
    """What it has used since its beginning; of a run that was begun elsewhere, that too."""

    snapshot: bytes = b""
    """Its state (section 7.10), when it was asked for; empty when not."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Holds a run, which goes on after each slice only when it is told to."""

    slice_fuel: int
    """After so much fuel, or a little more, it waits; at least 1."""

    reach: Callable[[Reached], Awaitable[bool]]
    """Returns when the run may go on, and whether it is to tell its state at the next checkpoint.

    The worker does nothing meanwhile, and the run's own time goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How one run went."""

    outcome: Outcome
    """How it ended; ``Ok`` names the output by its blob id."""

    output: bytes
    """The output itself; empty unless the outcome is ``Ok``."""

    fuel: int
    """What it used; 0 with a host fault."""

    peak_memory_bytes: int
    """The linear memory it had at its end, which is its most: memory never shrinks."""

    wall_s: float
    """Seconds from the start of its instance to its end, or to the fault."""

    diagnostics: bytes
    """The first ``DIAGNOSTICS_BYTES_MAX`` bytes of its standard error, for people only."""


def _is_passable(text: str) -> bool:
    return "\0" not in text and len(text.encode("utf-8")) <= TEXT_BYTES_MAX


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise LocalProtocolError(message)
