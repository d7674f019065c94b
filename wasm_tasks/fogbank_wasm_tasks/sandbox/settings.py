"""What the agent has to know of the engine without importing it."""

from enum import StrEnum
from typing import Final

SETTINGS_VERSION: Final = 3
"""Rises with every change of ``engine/configuration.py``: code made with others is not loaded."""


class Target(StrEnum):
    """What modules are compiled for; outcome and fuel are the same on each (SPEC.md 7.6)."""

    NATIVE = "native"
    """This machine's processor."""

    PULLEY = "pulley64"
    """The engine's own portable processor, interpreted: the same everywhere, and 7 to 30 times
    slower."""
