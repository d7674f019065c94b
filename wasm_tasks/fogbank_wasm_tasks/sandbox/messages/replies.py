"""What a worker answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...outcome import Exited, HostFault, OutOfFuel, Trap


@dataclass(frozen=True, slots=True)
class Protection:
    """What holds a worker, as it found by trying right after it shut itself in."""

    no_new_privileges: bool
    seccomp: bool
    network_closed: bool
    files_closed: bool
    programs_closed: bool
    memory_limited: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker can take commands."""

    protection: Protection


@dataclass(frozen=True, slots=True)
class Unusable:
    """The machine cannot run tasks; ``reason`` is a sentence for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The module is kept; those under the keys ``forgotten`` had to go for it."""

    forgotten: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The code does not load, being of another version or damaged; ``forgotten`` went for it."""

    forgotten: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The module's native code."""

    compiled: bytes


@dataclass(frozen=True, slots=True)
class Invalid:
    """The module does not validate; ``message`` is the compiler's."""

    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The run has used ``fuel`` so far."""

    fuel: int


@dataclass(frozen=True, slots=True)
class SliceDone:
    """The run has used ``fuel`` so far and waits for ``GoOn``."""

    fuel: int
    snapshot: bytes
    """The state that it is in, when that was wanted; empty when not."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The run came to its end and has an output."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a run by steps passed; ``Ended`` follows."""

    states: int
    """How many there were from the beginning, those before a snapshot included."""

    roots: bytes
    """The roots of those that are checkpoints and that this run passed itself, joined."""

    snapshot: bytes
    """Where it stopped; empty when it came to its end."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """Where the fuel of a run went; ``Ended`` follows."""

    functions: Sequence[tuple[int, int]]
    """Fuel and calls of each function with a body; empty when there was no instance."""

    host: Sequence[tuple[str, int, int]]
    """The name, the fuel and the calls of each host function that was called."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The beginning of a session, or a call, came to its end; the session goes on."""

    output: bytes
    fuel: int
    memory_bytes: int


Ending: TypeAlias = Finished | OutOfFuel | Trap | Exited | HostFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The run is over."""

    ending: Ending
    output: bytes
    fuel: int
    peak_memory_bytes: int
    wall_us: int
    diagnostics: bytes
    is_exact: bool
    """Whether ``fuel`` holds even if the module's code was not made precise."""


Reply: TypeAlias = (
    Ready
    | Unusable
    | Loaded
    | LoadFailed
    | Compiled
    | Invalid
    | Progress
    | SliceDone
    | Stepped
    | Profiled
    | Answered
    | Ended
)
