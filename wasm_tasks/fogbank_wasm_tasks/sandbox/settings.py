"""The version of the engine's settings, which the agent has to know without the engine."""

from typing import Final

SETTINGS_VERSION: Final = 2
"""Rises with every change of ``engine/configuration.py``: code made with others is not loaded."""
