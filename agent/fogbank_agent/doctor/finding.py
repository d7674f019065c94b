"""What one look at the machine has shown."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """An agent works here, with something less than it could have."""

    PROBLEM = "problem"
    """Something does not work until a person puts it right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of ``fogbank doctor``."""

    name: str
    level: Level
    found: str
    """What there is."""

    meaning: str
    """What follows from it."""

    remedy: str = ""
    """What to do; empty when nothing needs to be done."""


def ok(name: str, found: str, meaning: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(name=name, level=Level.OK, found=found, meaning=meaning)


def note(name: str, found: str, meaning: str, remedy: str) -> Finding:
    """Return a finding that could be better."""
    return Finding(name=name, level=Level.NOTE, found=found, meaning=meaning, remedy=remedy)


def problem(name: str, found: str, meaning: str, remedy: str) -> Finding:
    """Return a finding that has to be put right."""
    return Finding(name=name, level=Level.PROBLEM, found=found, meaning=meaning, remedy=remedy)
