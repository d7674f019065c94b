"""Orders: what a requestor wants run, within which bounds, and how it checks (SPEC.md 9.2)."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class NoVerification:
    """Every result that arrives is accepted."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Some results are run again; ``ppm`` is the least probability, in parts per million."""

    ppm: int


@dataclass(frozen=True, slots=True)
class Quorum:
    """``voices`` different providers must agree, 2 to 7."""

    voices: int


Verification: TypeAlias = NoVerification | Audit | Quorum
"""How a requestor checks results."""
