"""Whether own vertices are issued, and why not (SPEC.md section 8.8)."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing is issued yet: the own chain is not known for certain (SPEC.md section 8.8)."""

    weight_needed: int
    """How much weight of seats must still tell what they hold of it."""

    edges_missing: int
    """How many vertices of others, on which own ones stand, have yet to come back from them."""


@dataclass(frozen=True, slots=True)
class Issuing:
    """Vertices are issued."""


@dataclass(frozen=True, slots=True)
class DiskIsFull:
    """Nothing is issued, and nothing new is taken, until there is room on the disk."""

    reason: str
    """A sentence for people that names the file."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing is issued until a person has seen to it."""

    reason: str
    """A sentence for people that says what to do."""


IssuingState: TypeAlias = Silent | Issuing | DiskIsFull | Stopped


@dataclass(frozen=True, slots=True)
class IssuingChanged:
    """Whether vertices are issued changed."""

    state: IssuingState
